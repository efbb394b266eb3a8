// SPDX-License-Identifier: Apache-2.0
#include "nameserver/name_server_config.h"

namespace skylark::nameserver {

NameServerConfig::NameServerConfig() : ConfigSection("Name server") {
  ignore("requests are handled on one thread per core, without queues between", {
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
  ignore("sockets and their buffers are sized by the system", {
      {"serverSocketSndBufSize", "0"},
      {"serverSocketRcvBufSize", "0"},
      {"serverSocketBacklog", "1024"},
      {"writeBufferHighWaterMark", "0"},
      {"writeBufferLowWaterMark", "0"},
      {"serverPooledByteBufAllocatorEnable", "true"},
      {"useEpollNativeSelector", "false"},
  });
  ignore("there is no installation folder", {{"rocketmqHome", ""}});
  ignore("it labels environments of a single company", {{"productEnvName", "center"}, {"clusterTest", "false"}});
  ignore("automatic failover is not part of this version", {{"enableControllerInNamesrv", "false"}, {"notifyMinBrokerIdChanged", "false"}});
  ignore("a stop is always orderly and short", {{"enableShutdownGracefully", "false"}, {"shutdownWaitTimeSeconds", "30"}});
  ignore("encrypted connections are not part of this version", {{"useTLS", "false"}});
}

}  // namespace skylark::nameserver
