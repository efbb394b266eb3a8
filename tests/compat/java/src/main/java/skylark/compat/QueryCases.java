// SPDX-License-Identifier: Apache-2.0
package skylark.compat;

import java.util.Set;
import java.util.TreeSet;
import java.util.concurrent.atomic.AtomicReference;
import org.apache.rocketmq.client.QueryResult;
import org.apache.rocketmq.client.producer.DefaultMQProducer;
import org.apache.rocketmq.client.producer.SendResult;
import org.apache.rocketmq.common.message.Message;
import org.apache.rocketmq.common.message.MessageExt;

/** Finding single messages: by offset id, by the client's unique id, by key. */
final class QueryCases {
    private QueryCases() {
    }

    static void byId(CaseContext context) throws Exception {
        String topic = context.createTopic("main", 1);
        DefaultMQProducer producer = context.startProducer();
        producer.send(CaseContext.message(topic, "not this one"));
        Message message = new Message(topic, "wanted", "id-key", "this one".getBytes("UTF-8"));
        SendResult result = producer.send(message);

        MessageExt byOffsetId = context.peers.admin.viewMessage(topic, result.getOffsetMsgId());
        Check.equal("this one", CaseContext.body(byOffsetId), "body by offset id");
        Check.equal(topic, byOffsetId.getTopic(), "topic by offset id");
        Check.equal(1L, byOffsetId.getQueueOffset(), "queue offset by offset id");
        Check.equal("wanted", byOffsetId.getTags(), "tags by offset id");

        AtomicReference<MessageExt> found = new AtomicReference<>();
        Check.await("the unique id in the index", () -> {  // The index follows the log; until then nothing is found.
            found.set(producer.getDefaultMQProducerImpl().queryMessageByUniqKey(topic, result.getMsgId()));
            return found.get() != null;
        });
        Check.equal("this one", CaseContext.body(found.get()), "body by unique id");
        Check.equal(result.getMsgId(), found.get().getMsgId(), "id by unique id");
        Check.equal(byOffsetId.getCommitLogOffset(), found.get().getCommitLogOffset(), "place in the log");
    }

    static void byKey(CaseContext context) throws Exception {
        String topic = context.createTopic("main", 2);
        DefaultMQProducer producer = context.startProducer();
        final long beginMs = System.currentTimeMillis();
        Set<String> expected = new TreeSet<>();
        for (int i = 0; i < 9; i++) {
            // Every third message has the key wanted, among others.
            Message message = CaseContext.message(topic, "keyed " + i);
            message.setKeys(i % 3 == 0 ? "other-" + i + " order-77" : "order-78");
            producer.send(message);
            if (i % 3 == 0) {
                expected.add("keyed " + i);
            }
        }
        Set<String> found = new TreeSet<>();
        Check.await("three messages with the key", () -> {
            QueryResult result = context.peers.admin.queryMessage(topic, "order-77", 32, beginMs - 1000, System.currentTimeMillis() + 1000);
            found.clear();
            result.getMessageList().forEach(message -> found.add(CaseContext.body(message)));
            return found.size() >= expected.size();
        });
        Check.equal(expected, found, "messages with the key");
    }
}
