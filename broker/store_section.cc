// SPDX-License-Identifier: Apache-2.0
#include "broker/broker_config.h"

namespace skylark::broker {

StoreSection::StoreSection()
    : ConfigSection("Message store"),
      root(*this, {.key = "storePathRootDir", .doc = "Folder of everything that is stored.", .path = true}, "${user.home}/store"),
      commit_log_path(*this, {.key = "storePathCommitLog", .doc = "Folder of the commit log; <storePathRootDir>/commitlog when empty.", .path = true}, ""),
      commit_log_file_size(*this, {.key = "mappedFileSizeCommitLog", .also = {"mapedFileSizeCommitLog"}, .unit = Unit::bytes, .reload = Reload::format,
                                   .doc = "Size of one commit log file. A store keeps the size it was made with."},
                           1_GiB, in_range(4_KiB, 2_GiB - 1)),
      consume_queue_file_size(*this, {.key = "mappedFileSizeConsumeQueue", .also = {"mapedFileSizeConsumeQueue"}, .unit = Unit::bytes, .reload = Reload::format,
                                      .doc = "Size of one consume queue file, rounded up to a multiple of 20."},
                              6'000'000, in_range(20, 2_GiB - 20)),
      index_slots(*this, {.key = "maxHashSlotNum", .reload = Reload::format, .doc = "Hash slots of one key index file."}, 5'000'000, in_range(1, 500'000'000)),
      index_entries(*this, {.key = "maxIndexNum", .reload = Reload::format, .doc = "Entries of one key index file."}, 20'000'000, in_range(2, 100'000'000)),
      index_enabled(*this, {.key = "messageIndexEnable", .doc = "Whether messages can be found by key."}, true),
      message_size_max(*this, {.key = "maxMessageSize", .unit = Unit::bytes, .doc = "Largest message body."}, 4_MiB, in_range(10, 16_MiB)),
      flush_disk_type(*this, {.key = "flushDiskType", .doc = "With SYNC_FLUSH a message is acknowledged when it is on disk."}, "ASYNC_FLUSH",
                      one_of({"ASYNC_FLUSH", "SYNC_FLUSH"})),
      flush_interval_ms(*this, {.key = "flushIntervalCommitLog", .unit = Unit::milliseconds, .doc = "Time between flushes with ASYNC_FLUSH."}, 500, at_least(1)),
      sync_flush_timeout_ms(*this, {.key = "syncFlushTimeout", .unit = Unit::milliseconds, .doc = "Longest wait for a flush before the producer is told FLUSH_DISK_TIMEOUT."}, 5'000, at_least(1)),
      slave_timeout_ms(*this, {.key = "slaveTimeout", .unit = Unit::milliseconds, .doc = "Longest wait for replicas before the producer is told FLUSH_SLAVE_TIMEOUT."}, 3'000, at_least(1)),
      page_cache_busy_ms(*this, {.key = "osPageCacheBusyTimeOutMills", .unit = Unit::milliseconds, .doc = "An append that takes longer makes the broker refuse sends."}, 1'000, at_least(1)),
      file_reserved_hours(*this, {.key = "fileReservedTime", .unit = Unit::hours, .doc = "How long messages are kept."}, 72, in_range(0, 876'000)),
      delete_when(*this, {.key = "deleteWhen", .doc = "Hours of the day at which expired files are removed, separated by semicolons."}, "04"),
      disk_used_ratio_max(*this, {.key = "diskMaxUsedSpaceRatio", .unit = Unit::percent, .doc = "Above it the oldest files are removed early."}, 75, in_range(10, 95)),
      disk_clean_ratio(*this, {.key = "diskSpaceCleanForciblyRatio", .unit = Unit::percent, .doc = "Above it the oldest files are removed whatever their age."}, 85, in_range(30, 100)),
      disk_full_ratio(*this, {.key = "diskSpaceWarningLevelRatio", .unit = Unit::percent, .doc = "Above it the broker takes no messages."}, 90, in_range(35, 100)),
      transfer_bytes_memory(*this, {.key = "maxTransferBytesOnMessageInMemory", .unit = Unit::bytes, .doc = "Most bytes of one pull."}, 256_KiB, at_least(1)),
      transfer_bytes_disk(*this, {.key = "maxTransferBytesOnMessageInDisk", .unit = Unit::bytes, .doc = "Most bytes of one pull of messages no longer in memory."}, 64_KiB, at_least(1)),
      transfer_count_memory(*this, {.key = "maxTransferCountOnMessageInMemory", .doc = "Most messages of one pull."}, 32, at_least(1)),
      transfer_count_disk(*this, {.key = "maxTransferCountOnMessageInDisk", .doc = "Most messages of one pull of messages no longer in memory."}, 8, at_least(1)),
      memory_ratio(*this, {.key = "accessMessageInMemoryMaxRatio", .unit = Unit::percent, .doc = "Part of memory that the newest messages are taken to be in."}, 40, in_range(1, 100)),
      query_count_max(*this, {.key = "maxMsgsNumBatch", .doc = "Most messages of one query by key."}, 64, at_least(1)),
      default_query_count(*this, {.key = "defaultQueryMaxNum", .doc = "Most messages of one query by unique key."}, 32, at_least(1)),
      offset_check_in_slave(*this, {.key = "offsetCheckInSlave", .reload = Reload::live, .doc = "Whether a replica corrects offsets out of range."}, false),
      delay_levels(*this, {.key = "messageDelayLevel", .doc = "Delays of the levels from 1 on."}, "1s 5s 10s 30s 1m 2m 3m 4m 5m 6m 7m 8m 9m 10m 20m 30m 1h 2h"),
      flush_delay_offset_ms(*this, {.key = "flushDelayOffsetInterval", .unit = Unit::milliseconds, .doc = "Time between writes of delayOffset.json."}, 10'000, at_least(10)),
      ha_listen_port(*this, {.key = "haListenPort", .doc = "Port for replicas; listenPort + 1 when 0."}, 0, in_range(0, 65535)),
      ha_master_address(*this, {.key = "haMasterAddress", .doc = "Replication address of the master of this replica; learnt from the name server when empty."}, ""),
      ha_heartbeat_ms(*this, {.key = "haSendHeartbeatInterval", .unit = Unit::milliseconds, .doc = "Time between heartbeats of replication."}, 5'000, at_least(1)),
      ha_housekeeping_ms(*this, {.key = "haHousekeepingInterval", .unit = Unit::milliseconds, .doc = "Silence after which a replication connection is closed."}, 20'000, at_least(1)),
      ha_reconnect_ms(*this, {.key = "haReconnectInterval", .unit = Unit::milliseconds, .doc = "Wait before a replica connects again. A key of Skylark."}, 5'000, at_least(1)),
      ha_gap_max(*this, {.key = "haMaxGapNotInSync", .also = {"haSlaveFallbehindMax"}, .unit = Unit::bytes, .doc = "A replica further behind does not count as in sync."}, 256_MiB, at_least(0)),
      ha_batch_size(*this, {.key = "haTransferBatchSize", .unit = Unit::bytes, .doc = "Most bytes of one replication frame."}, 32'768, in_range(1, 1 << 30)),
      in_sync_replicas(*this, {.key = "inSyncReplicas", .reload = Reload::live, .doc = "Copies, the master's included, that a SYNC_MASTER waits for."}, 1, in_range(1, 100)) {
  ignore("Flushes are driven by need, with group commit.", {{"flushCommitLogTimed", "true"}, {"flushCommitLogLeastPages", "4"}, {"flushCommitLogThoroughInterval", "10000"},
          {"flushIntervalConsumeQueue", "1000"}, {"flushConsumeQueueLeastPages", "2"}, {"flushConsumeQueueThoroughInterval", "60000"}, {"flushLeastPagesWhenWarmMapedFile", "4096"},
          {"warmMapedFileEnable", "false"}, {"useReentrantLockWhenPutMessage", "true"}, {"topicQueueLockNum", "32"}, {"useABSLock", "false"}, {"dispatchFromSenderThread", "false"},
          {"wakeFlushWhenPutMessage", "false"}, {"enableCleanExpiredOffset", "false"}, {"maxAsyncPutMessageRequests", "5000"}});
  ignore("There is no pool of buffers outside of the mapped files.", {{"transientStorePoolEnable", "false"}, {"transientStorePoolSize", "5"}, {"fastFailIfNoBufferInStorePool", "false"},
          {"commitIntervalCommitLog", "200"}, {"commitCommitLogLeastPages", "4"}, {"commitCommitLogThoroughInterval", "200"}, {"enableDLegerCommitLog", "false"},
          {"dLegerGroup", ""}, {"dLegerPeers", ""}, {"dLegerSelfId", ""}});
  ignore("Expired files are unlinked one by one and unmapped when no reader holds them.", {{"deleteFileBatchMax", "10"}, {"deleteCommitLogFilesInterval", "100"},
          {"deleteConsumeQueueFilesInterval", "100"}, {"destroyMapedFileIntervalForcibly", "120000"}, {"redeleteHangedFileInterval", "120000"}, {"cleanResourceInterval", "10000"},
          {"cleanFileForciblyEnable", "true"}, {"diskFallRecorded", "true"}});
  ignore("Checksums of bodies are always checked on recovery.", {{"checkCRCOnRecover", "true"}, {"enabledAppendPropCRC", "false"}, {"forceVerifyPropCRC", "false"},
          {"autoMessageVersionOnTopicLen", "true"}, {"duplicationEnable", "false"}, {"recoverConcurrently", "false"}, {"messageIndexSafe", "false"}});
  ignore("Only the plain consume queue is served.", {{"storeType", "default"}, {"enableConsumeQueueExt", "false"}, {"mappedFileSizeConsumeQueueExt", "50331648"},
          {"mapperFileSizeBatchConsumeQueue", "13800000"}, {"maxFilterMessageSize", "16000"}, {"travelCqFileNumWhenGetMessage", "1"}, {"readUnCommitted", "false"},
          {"enableLmq", "false"}, {"enableMultiDispatch", "false"}, {"maxLmqConsumeQueueNum", "20000"}, {"enableCompaction", "true"}, {"compactionMappedFileSize", "104857600"},
          {"compactionCqMappedFileSize", "10485760"}, {"compactionScheduleInternal", "900000"}, {"searchBcqByCacheEnable", "true"}, {"coldDataFlowControlEnable", "false"},
          {"enableBatchPush", "false"}, {"enableScheduleMessageStats", "true"}, {"enableScheduleAsyncDeliver", "false"}});
  ignore("Messages for an exact time are not served yet.", {{"timerWheelEnable", "true"}, {"timerPrecisionMs", "1000"}, {"timerRollWindowSlot", "172800"}, {"timerMaxDelaySec", "259200"},
          {"timerFlushIntervalMs", "1000"}, {"timerGetMessageThreadNum", "3"}, {"timerPutMessageThreadNum", "3"}, {"timerCongestNumEachSlot", "2147483647"},
          {"timerStopEnqueue", "false"}, {"timerStopDequeue", "false"}, {"timerInterceptDelayLevel", "false"}, {"timerEnableCheckMetrics", "true"}, {"disappearTimeAfterStart", "-1"},
          {"mappedFileSizeTimerLog", "104857600"}, {"timerSkipUnknownError", "false"}, {"timerWarmEnable", "false"}, {"timerColdDataCheckIntervalMs", "60000"}});
  ignore("Replication follows the classic protocol without flow control.", {{"haFlowControlEnable", "false"}, {"maxHaTransferByteInSecond", "104857600"}, {"totalReplicas", "1"},
          {"minInSyncReplicas", "1"}, {"enableAutoInSyncReplicas", "false"}, {"allAckInSyncStateSet", "false"}, {"haMaxTimeSlaveNotCatchup", "15000"}, {"syncFromLastFile", "false"},
          {"asyncLearner", "false"}, {"syncMasterFlushOffsetWhenStartup", "false"}, {"maxSlaveResendLength", "268435456"}});
}

}  // namespace skylark::broker
