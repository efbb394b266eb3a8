// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>

#include "base/setting.h"

namespace skylark::nameserver {

/// Settings of the name server. Keys, defaults, meaning: NamesrvConfig.java, NettyServerConfig.java 5.3.3.
struct NameServerConfig : ConfigSection {
  NameServerConfig();

  Setting<std::int32_t> listen_port{*this, {.key = "listenPort", .doc = "Port for brokers, clients and tools; 0 lets the system choose."}, 9876, in_range(0, 65535)};
  Setting<std::string> bind_address{*this, {.key = "bindAddress", .doc = "Address to listen on."}, "0.0.0.0"};
  Setting<std::int32_t> idle_time{*this,
                                  {.key = "serverChannelMaxIdleTimeSeconds", .unit = Unit::seconds, .doc = "A connection without traffic for that long is closed."},
                                  120, in_range(1, 86'400)};
  Setting<std::string> kv_config_path{*this,
                                      {.key = "kvConfigPath", .doc = "File of the key-value configuration, such as ordered topics.", .path = true},
                                      "${user.home}/namesrv/kvConfig.json"};
  Setting<std::string> config_store_path{*this,
                                         {.key = "configStorePath", .doc = "Where changes made at run time are saved when no file was given with -c.", .path = true},
                                         "${user.home}/namesrv/namesrv.properties"};
  Setting<std::string> log_dir{*this, {.key = "logDir", .doc = "Folder of namesrv.log. A key of Skylark.", .path = true}, "${user.home}/logs/rocketmqlogs"};
  Setting<std::int64_t> scan_interval{*this,
                                      {.key = "scanNotActiveBrokerInterval", .unit = Unit::milliseconds, .reload = Reload::live,
                                       .doc = "How often brokers that fell silent are looked for."},
                                      5'000, in_range(1, 3'600'000)};
  Setting<bool> order_message_enable{*this,
                                     {.key = "orderMessageEnable", .reload = Reload::live, .doc = "Routes carry the queue layout of ordered topics."},
                                     false};
  Setting<bool> return_order_config{*this,
                                    {.key = "returnOrderTopicConfigToBroker", .reload = Reload::live,
                                     .doc = "A registering broker is told the queue layout of ordered topics."},
                                    true};
  Setting<bool> enable_all_topic_list{*this,
                                      {.key = "enableAllTopicList", .reload = Reload::live, .doc = "The list of all topics may be asked for."},
                                      true};
  Setting<bool> enable_topic_list{*this,
                                  {.key = "enableTopicList", .reload = Reload::live, .doc = "Lists of system, cluster and unit topics may be asked for."},
                                  true};
  Setting<bool> need_wait_for_service{*this,
                                      {.key = "needWaitForService", .reload = Reload::live,
                                       .doc = "Routes are refused for a while after the start, until brokers had time to register."},
                                      false};
  Setting<std::int32_t> wait_seconds_for_service{*this,
                                                 {.key = "waitSecondsForService", .unit = Unit::seconds, .reload = Reload::live,
                                                  .doc = "That while."},
                                                 45, in_range(0, 86'400)};
  Setting<bool> delete_topic_with_registration{*this,
                                               {.key = "deleteTopicWithBrokerRegistration", .reload = Reload::live,
                                                .doc = "A topic that a broker no longer registers loses its route there."},
                                               false};
  Setting<bool> support_acting_master{*this,
                                      {.key = "supportActingMaster", .reload = Reload::live,
                                       .doc = "Routes show the replica with the lowest id in place of a lost master, read only."},
                                      false};
  Setting<std::string> config_black_list{*this,
                                         {.key = "configBlackList", .doc = "Keys that cannot be changed at run time, separated by semicolons."},
                                         "configBlackList;configStorePath;kvConfigPath"};
};

}  // namespace skylark::nameserver
