// SPDX-License-Identifier: Apache-2.0
package skylark.compat;

import org.apache.rocketmq.remoting.netty.NettyClientConfig;
import org.apache.rocketmq.remoting.netty.NettyRemotingClient;
import org.apache.rocketmq.remoting.protocol.RemotingCommand;
import org.apache.rocketmq.remoting.protocol.body.ClusterInfo;
import org.apache.rocketmq.tools.admin.DefaultMQAdminExt;

/** The servers under test, with one admin client and one bare remoting client that all cases share. */
final class Peers implements AutoCloseable {
    static final int TIMEOUT_MS = 30_000;

    final String nameServer;
    final String brokerAddress;
    final String brokerName;
    final DefaultMQAdminExt admin;
    private final NettyRemotingClient remoting;

    Peers(String nameServer) throws Exception {
        this.nameServer = nameServer;
        admin = new DefaultMQAdminExt(TIMEOUT_MS);
        admin.setNamesrvAddr(nameServer);
        admin.setInstanceName("compat-admin");
        admin.setMqClientApiTimeout(TIMEOUT_MS);
        admin.setPollNameServerInterval(1000);
        admin.start();

        ClusterInfo cluster = admin.examineBrokerClusterInfo();
        Check.equal(1, cluster.getBrokerAddrTable().size(), "brokers in the cluster");
        brokerName = cluster.getBrokerAddrTable().keySet().iterator().next();
        brokerAddress = cluster.getBrokerAddrTable().get(brokerName).getBrokerAddrs().get(0L);

        remoting = new NettyRemotingClient(new NettyClientConfig());
        remoting.start();
    }

    /** One request to one address, as it stands. */
    RemotingCommand call(String address, RemotingCommand request) throws Exception {
        return remoting.invokeSync(address, request, TIMEOUT_MS);
    }

    @Override
    public void close() {
        remoting.shutdown();
        admin.shutdown();
    }
}
