// SPDX-License-Identifier: Apache-2.0
#include "broker/broker_config.h"

namespace skylark::broker {

BrokerSection::BrokerSection()
    : ConfigSection("Broker"),
      cluster_name(*this, {.key = "brokerClusterName", .doc = "Name of the cluster that the broker belongs to."}, "DefaultCluster"),
      broker_name(*this, {.key = "brokerName", .doc = "Name of the broker group, the same for a master and its replicas; the host name when empty."}, ""),
      broker_id(*this, {.key = "brokerId", .doc = "0 is the master; a replica has an id above 0."}, 0, at_least(0)),
      broker_role(*this, {.key = "brokerRole", .doc = "A SYNC_MASTER waits for replicas, see inSyncReplicas."}, "ASYNC_MASTER",
                  one_of({"ASYNC_MASTER", "SYNC_MASTER", "SLAVE"})),
      name_servers(*this, {.key = "namesrvAddr", .doc = "Name servers, host:port separated by semicolons."}, ""),
      bind_address(*this, {.key = "bindAddress", .doc = "Address on which clients are served."}, "0.0.0.0"),
      ip1(*this, {.key = "brokerIP1", .doc = "Address that clients are told; the first one of the machine when empty."}, ""),
      ip2(*this, {.key = "brokerIP2", .doc = "Address that replicas are told; brokerIP1 when empty."}, ""),
      log_dir(*this, {.key = "logDir", .doc = "Folder of broker.log. A key of Skylark.", .path = true}, "${user.home}/logs/rocketmqlogs"),
      listen_port(*this, {.key = "listenPort", .doc = "Port of the remoting protocol."}, 10911, in_range(1, 65535)),
      fast_listen_port(*this, {.key = "fastListenPort", .doc = "Second port without pulls; listenPort - 2 when 0. A key of Skylark."}, 0, in_range(0, 65535)),
      io_threads(*this, {.key = "ioThreads", .doc = "Threads that serve connections; one per core when 0. A key of Skylark."}, 0, in_range(0, 256)),
      idle_time(*this, {.key = "serverChannelMaxIdleTimeSeconds", .unit = Unit::seconds, .doc = "A connection without traffic for that long is closed."}, 120,
                in_range(1, 86'400)),
      register_period_ms(*this, {.key = "registerNameServerPeriod", .unit = Unit::milliseconds, .doc = "Time between registrations, held between 10 s and 60 s."},
                         30'000, at_least(0)),
      broker_permission(*this, {.key = "brokerPermission", .reload = Reload::live, .doc = "4 readable, 2 writable, 6 both."}, 6, in_range(0, 7)),
      auto_create_topic(*this, {.key = "autoCreateTopicEnable", .doc = "Whether a send to an unknown topic makes it."}, true),
      auto_create_group(*this, {.key = "autoCreateSubscriptionGroup", .doc = "Whether an unknown consumer group is made by its first use."}, true),
      cluster_topic(*this, {.key = "clusterTopicEnable", .doc = "Whether the topic named like the cluster may be used."}, true),
      broker_topic(*this, {.key = "brokerTopicEnable", .doc = "Whether the topic named like the broker may be used."}, true),
      trace_topic(*this, {.key = "traceTopicEnable", .doc = "Whether the topic for message traces is made at start."}, false),
      default_topic_queues(*this, {.key = "defaultTopicQueueNums", .doc = "Queues of the template topic TBW102."}, 8, in_range(1, 65536)),
      trace_topic_name(*this, {.key = "msgTraceTopicName", .doc = "Name of that topic."}, "RMQ_SYS_TRACE_TOPIC"),
      region_id(*this, {.key = "regionId", .doc = "Region put on every message."}, "DefaultRegion"),
      trace_on(*this, {.key = "traceOn", .reload = Reload::live, .doc = "Whether producers are told to trace."}, true),
      slave_read(*this, {.key = "slaveReadEnable", .reload = Reload::live, .doc = "Whether a replica serves pulls and slow readers are sent to it."}, false),
      long_polling(*this, {.key = "longPollingEnable", .reload = Reload::live, .doc = "Whether a pull waits for messages as long as it asks for."}, true),
      short_polling_ms(*this, {.key = "shortPollingTimeMills", .unit = Unit::milliseconds, .reload = Reload::live, .doc = "How long it waits otherwise."}, 1'000, at_least(0)),
      reject_transactions(*this, {.key = "rejectTransactionMessage", .reload = Reload::live, .doc = "Whether transactional messages are refused."}, false),
      transaction_timeout_ms(*this, {.key = "transactionTimeOut", .unit = Unit::milliseconds, .reload = Reload::live, .doc = "Age of a half message at its first check."}, 6'000, at_least(0)),
      transaction_check_interval_ms(*this, {.key = "transactionCheckInterval", .unit = Unit::milliseconds, .reload = Reload::live, .doc = "Time between scans for half messages to be checked."},
                                    30'000, at_least(1)),
      transaction_check_max(*this, {.key = "transactionCheckMax", .reload = Reload::live, .doc = "Checks before a half message is given up."}, 15, at_least(0)),
      transaction_op_bytes_max(*this, {.key = "transactionOpMsgMaxSize", .unit = Unit::bytes, .doc = "Most bytes of one op message."}, 4'096, in_range(64, 1'000'000)),
      transaction_op_interval_ms(*this, {.key = "transactionOpBatchInterval", .unit = Unit::milliseconds, .doc = "Longest wait before finished half messages are written down."}, 3'000, at_least(1)),
      flush_consumer_offset_ms(*this, {.key = "flushConsumerOffsetInterval", .unit = Unit::milliseconds, .doc = "Time between writes of consumerOffset.json."}, 5'000, at_least(10)),
      consumer_offset_version_step(*this, {.key = "consumerOffsetUpdateVersionStep", .doc = "Commits between two versions of the consumer offsets."}, 500, at_least(1)),
      delay_offset_version_step(*this, {.key = "delayOffsetUpdateVersionStep", .doc = "Deliveries between two versions of the delay progress."}, 200, at_least(1)),
      server_side_reset(*this, {.key = "useServerSideResetOffset", .reload = Reload::live, .doc = "Whether offsets are reset in the broker rather than by the online consumers."}, true),
      lite_pull(*this, {.key = "litePullMessageEnable", .reload = Reload::live, .doc = "Whether lite pull consumers are served."}, true),
      start_accept_sends_ms(*this, {.key = "startAcceptSendRequestTimeStamp", .reload = Reload::live, .doc = "Sends before that time (ms since 1970) are refused."}, 0),
      sync_metadata_period_ms(*this, {.key = "syncMetadataPeriod", .unit = Unit::milliseconds, .doc = "Time between copies of the master's tables on a replica. A key of Skylark."}, 3'000, at_least(10)),
      config_black_list(*this, {.key = "configBlackList", .doc = "Keys that may not be changed at run time, separated by semicolons."}, "configBlackList;brokerConfigPath") {
  ignore("Requests are served by the threads of the connections: there are no pools or queues by kind of request.",
         {{"sendMessageThreadPoolNums", "4"}, {"putMessageFutureThreadPoolNums", "4"}, {"pullMessageThreadPoolNums", "20"}, {"litePullMessageThreadPoolNums", "20"},
          {"ackMessageThreadPoolNums", "16"}, {"processReplyMessageThreadPoolNums", "20"}, {"queryMessageThreadPoolNums", "10"}, {"adminBrokerThreadPoolNums", "16"},
          {"clientManageThreadPoolNums", "32"}, {"consumerManageThreadPoolNums", "32"}, {"loadBalanceProcessorThreadPoolNums", "32"}, {"heartbeatThreadPoolNums", "8"},
          {"recoverThreadPoolNums", "32"}, {"endTransactionThreadPoolNums", "24"}, {"sendThreadPoolQueueCapacity", "10000"}, {"putThreadPoolQueueCapacity", "10000"},
          {"pullThreadPoolQueueCapacity", "100000"}, {"litePullThreadPoolQueueCapacity", "100000"}, {"ackThreadPoolQueueCapacity", "100000"},
          {"replyThreadPoolQueueCapacity", "10000"}, {"queryThreadPoolQueueCapacity", "20000"}, {"clientManagerThreadPoolQueueCapacity", "1000000"},
          {"consumerManagerThreadPoolQueueCapacity", "1000000"}, {"heartbeatThreadPoolQueueCapacity", "50000"}, {"endTransactionPoolQueueCapacity", "100000"},
          {"adminBrokerThreadPoolQueueCapacity", "10000"}, {"loadBalanceThreadPoolQueueCapacity", "100000"}, {"brokerFastFailureEnable", "true"},
          {"waitTimeMillsInSendQueue", "200"}, {"waitTimeMillsInPullQueue", "5000"}, {"waitTimeMillsInLitePullQueue", "5000"}, {"waitTimeMillsInHeartbeatQueue", "31000"},
          {"waitTimeMillsInTransactionQueue", "3000"}, {"waitTimeMillsInAckQueue", "3000"}, {"waitTimeMillsInAdminBrokerQueue", "5000"},
          {"serverWorkerThreads", "8"}, {"serverCallbackExecutorThreads", "0"}, {"serverSelectorThreads", "3"}, {"serverOnewaySemaphoreValue", "256"},
          {"serverAsyncSemaphoreValue", "64"}, {"serverSocketSndBufSize", "0"}, {"serverSocketRcvBufSize", "0"},
          {"serverSocketBacklog", "1024"}, {"writeBufferHighWaterMark", "0"}, {"writeBufferLowWaterMark", "0"}, {"useEpollNativeSelector", "false"},
          {"clientWorkerThreads", "4"}, {"clientCallbackExecutorThreads", "2"}, {"clientOnewaySemaphoreValue", "65535"}, {"clientAsyncSemaphoreValue", "65535"},
          {"transferMsgByHeap", "true"}, {"longPollingConcurrentEnable", "false"}});
  ignore("SQL92 filters are not served yet.", {{"enablePropertyFilter", "false"}, {"enableCalcFilterBitMap", "false"}, {"expectConsumerNumUseFilter", "32"},
          {"maxErrorRateOfBloomFilter", "20"}, {"filterDataCleanTimeSpan", "86400000"}, {"filterSupportRetry", "false"}, {"bitMapLengthConsumeQueueExt", "64"}});
  ignore("POP consumption is not served yet.", {{"reviveQueueNum", "8"}, {"enableRetryTopicV2", "false"}, {"enablePopBufferMerge", "false"},
          {"popConsumerKVServiceEnable", "false"}, {"popPollingSize", "1024"}, {"popPollingMapSize", "100000"}, {"maxPopPollingSize", "100000"}, {"reviveInterval", "1000"},
          {"reviveMaxSlow", "3"}, {"reviveScanTime", "10000"}, {"reviveAckWaitMs", "180000"}, {"enablePopLog", "false"}, {"enablePopMessageThreshold", "false"},
          {"popInflightMessageThreshold", "10000"}, {"popCkStayBufferTime", "10000"}, {"popCkStayBufferTimeOut", "3000"}, {"popCkMaxBufferSize", "200000"},
          {"popCkOffsetMaxQueueSize", "20000"}, {"enablePopBatchAck", "false"}, {"enableNotifyAfterPopOrderLockRelease", "true"}, {"initPopOffsetByCheckMsgInMem", "true"},
          {"retrieveMessageFromPopRetryTopicV1", "true"}, {"popFromRetryProbability", "20"}, {"popResponseReturnActualRetryTopic", "false"}});
  ignore("Failover by a controller is not served yet.", {{"enableControllerMode", "false"}, {"controllerAddr", ""}, {"fetchControllerAddrByDnsLookup", "false"},
          {"syncBrokerMetadataPeriod", "5000"}, {"checkSyncStateSetPeriod", "5000"}, {"syncControllerMetadataPeriod", "10000"}, {"controllerHeartBeatTimeoutMills", "10000"},
          {"brokerElectionPriority", "2147483647"}, {"enableSlaveActingMaster", "false"}, {"enableRemoteEscape", "false"}, {"skipPreOnline", "false"},
          {"brokerHeartbeatInterval", "1000"}, {"brokerNotActiveTimeoutMillis", "10000"}, {"syncBrokerMemberGroupPeriod", "1000"}, {"lockInStrictMode", "false"},
          {"compatibleWithOldNameSrv", "true"}, {"asyncSendEnable", "true"}, {"isolateLogEnable", "false"}});
  ignore("Users and access lists are not served yet.", {{"aclEnable", "false"}, {"authenticationEnabled", "false"}, {"authorizationEnabled", "false"},
          {"authenticationWhitelist", ""}, {"authorizationWhitelist", ""}, {"authConfigPath", ""}, {"initAuthenticationUser", ""}, {"innerClientAuthenticationCredentials", ""},
          {"authenticationProvider", ""}, {"authenticationMetadataProvider", ""}, {"authorizationProvider", ""}, {"authorizationMetadataProvider", ""},
          {"migrateAuthFromV1Enabled", "false"}});
  ignore("Requests and replies are not served yet.", {{"storeReplyMessageEnable", "true"}, {"recallMessageEnable", "false"}});
  ignore("Skylark keeps its own log and counters.", {{"metricsExporterType", "DISABLE"}, {"metricsGrpcExporterTarget", ""}, {"metricsPromExporterPort", "5557"},
          {"metricsPromExporterHost", ""}, {"enableDetailStat", "true"}, {"accountStatsEnable", "true"}, {"highSpeedMode", "false"}, {"commercialEnable", "true"},
          {"commercialTimerCount", "1"}, {"commercialTransCount", "1"}, {"commercialBigCount", "1"}, {"commercialBaseCount", "1"}, {"printChannelGroups", "false"},
          {"enableBroadcastOffsetStore", "true"}, {"slowConsumerTimes", "0"}});
  ignore("Registrations always carry the whole table, plainly encoded.", {{"compressedRegister", "false"}, {"forceRegister", "true"}, {"registerBrokerTimeoutMills", "24000"},
          {"sendHeartbeatTimeoutMillis", "1000"}, {"heartbeatTimeoutMillis", "120000"}, {"enableSplitRegistration", "false"}, {"splitRegistrationSize", "800"},
          {"enableSingleTopicRegister", "false"}, {"fetchNamesrvAddrByAddressServer", "false"}, {"fetchNameSrvAddrByDnsLookup", "false"},
          {"rocketmqHome", ""}, {"brokerConfigPath", ""}, {"brokerTopicDispatchFactor", ""}});
  ignore("Tables are JSON files.", {{"configManagerVersion", "v1"}, {"useSingleRocksDBForAllConfigs", "false"}, {"enableShutdownGracefully", "false"}});
  ignore("Slow groups are never shut out.", {{"disableConsumeIfConsumerReadSlowly", "false"}, {"consumerFallbehindThreshold", "17179869184"},
          {"notifyConsumerIdsChangedEnable", "true"}, {"rejectPullConsumerEnable", "false"}, {"channelExpiredTimeout", "120000"}, {"subscriptionExpiredTimeout", "600000"}});
}

}  // namespace skylark::broker
