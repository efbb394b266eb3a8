// SPDX-License-Identifier: Apache-2.0
#include "nameserver/name_server_config.h"

namespace skylark::nameserver {

NameServerConfig::NameServerConfig() : ConfigSection("Name server") {
  ignore("Requests are handled on one thread per core, without queues between.", {
      {"clientRequestThreadPoolNums", "8"},
      {"defaultThreadPoolNums", "16"},
      {"clientRequestThreadPoolQueueCapacity", "50000"},
      {"defaultThreadPoolQueueCapacity", "10000"},
      {"unRegisterBrokerQueueCapacity", "3000"},
      {"serverWorkerThreads", "8"},
      {"serverCallbackExecutorThreads", "0"},
      {"serverSelectorThreads", "3"},
      {"serverOnewaySemaphoreValue", "256"},
      {"serverAsyncSemaphoreValue", "64"},
      {"serverNettyWorkerGroupEnable", "true"},
      {"clientWorkerThreads", "4"},
      {"clientCallbackExecutorThreads", "8"},
      {"clientOnewaySemaphoreValue", "65535"},
      {"clientAsyncSemaphoreValue", "65535"},
  });
  ignore("Sockets and their buffers are sized by the system.", {
      {"serverSocketSndBufSize", "0"},
      {"serverSocketRcvBufSize", "0"},
      {"serverSocketBacklog", "1024"},
      {"writeBufferHighWaterMark", "0"},
      {"writeBufferLowWaterMark", "0"},
      {"serverPooledByteBufAllocatorEnable", "true"},
      {"useEpollNativeSelector", "false"},
  });
  ignore("There is no installation folder.", {{"rocketmqHome", ""}});
  ignore("They label and test environments of one company.", {{"productEnvName", "center"}, {"clusterTest", "false"}});
  ignore("Automatic failover is not part of this version.", {{"enableControllerInNamesrv", "false"}, {"notifyMinBrokerIdChanged", "false"}});
  ignore("A stop is always orderly and short.", {{"enableShutdownGracefully", "false"}, {"shutdownWaitTimeSeconds", "30"}});
  ignore("Encrypted connections are not part of this version.", {{"useTLS", "false"}});
}

}  // namespace skylark::nameserver
