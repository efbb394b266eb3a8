// SPDX-License-Identifier: Apache-2.0
package skylark.compat;

import java.util.HashMap;
import java.util.Map;
import org.apache.rocketmq.client.common.ClientErrorCode;
import org.apache.rocketmq.client.exception.MQClientException;
import org.apache.rocketmq.client.producer.DefaultMQProducer;
import org.apache.rocketmq.remoting.protocol.RemotingCommand;
import org.apache.rocketmq.remoting.protocol.RequestCode;
import org.apache.rocketmq.remoting.protocol.ResponseCode;

/** Refusals that clients depend on. */
final class WireCases {
    private static final int NO_SUCH_CODE = 9999;

    private WireCases() {
    }

    static void unknownTopic(CaseContext context) throws Exception {
        String topic = context.topicName("absent");
        DefaultMQProducer producer = context.startProducer();
        try {
            producer.send(CaseContext.message(topic, "to nowhere"));
            throw new AssertionError("a send to an unknown topic succeeded with auto-creation off");
        } catch (MQClientException refused) {
            Check.equal(ClientErrorCode.NOT_FOUND_TOPIC_EXCEPTION, refused.getResponseCode(), "code of the client's error");
        }

        // The same at the broker, past the client's own route check.
        RemotingCommand request = RemotingCommand.createRequestCommand(RequestCode.SEND_MESSAGE, null);
        Map<String, String> fields = new HashMap<>(Map.of("producerGroup", context.group("producer"), "topic", topic,
            "defaultTopic", "TBW102", "defaultTopicQueueNums", "4", "queueId", "0", "sysFlag", "0",
            "bornTimestamp", Long.toString(System.currentTimeMillis()), "flag", "0", "reconsumeTimes", "0"));
        request.setExtFields(new HashMap<>(fields));
        request.setBody("to nowhere".getBytes("UTF-8"));
        RemotingCommand response = context.peers.call(context.peers.brokerAddress, request);
        Check.equal(ResponseCode.TOPIC_NOT_EXIST, response.getCode(), "code of the broker");
        Check.isTrue(response.getRemark().startsWith("topic[" + topic + "] not exist, apply first please!"),
            "remark of the broker: " + response.getRemark());
    }

    static void unknownCode(CaseContext context) throws Exception {
        for (String address : new String[] {context.peers.brokerAddress, context.peers.nameServer}) {
            RemotingCommand response = context.peers.call(address, RemotingCommand.createRequestCommand(NO_SUCH_CODE, null));
            Check.equal(ResponseCode.REQUEST_CODE_NOT_SUPPORTED, response.getCode(), "code from " + address);
            Check.equal(" request type " + NO_SUCH_CODE + " not supported", response.getRemark(), "remark from " + address);
        }
    }
}
