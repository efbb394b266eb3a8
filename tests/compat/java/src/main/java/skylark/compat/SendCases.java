// SPDX-License-Identifier: Apache-2.0
package skylark.compat;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicReference;
import org.apache.rocketmq.client.producer.DefaultMQProducer;
import org.apache.rocketmq.client.producer.SendCallback;
import org.apache.rocketmq.client.producer.SendResult;
import org.apache.rocketmq.client.producer.SendStatus;
import org.apache.rocketmq.common.message.Message;
import org.apache.rocketmq.common.message.MessageExt;

/** Every way of sending; what was sent is read back queue by queue. */
final class SendCases {
    private SendCases() {
    }

    static void sync(CaseContext context) throws Exception {
        final int queues = 4;
        final int count = 20;
        String topic = context.createTopic("main", queues);
        DefaultMQProducer producer = context.startProducer();
        Map<String, SendResult> sent = new ConcurrentHashMap<>();
        for (int i = 0; i < count; i++) {
            Message message = new Message(topic, "tag-" + i % 3, "key-" + i, ("sync body " + i + " äöü 消息").getBytes("UTF-8"));
            message.putUserProperty("colour", "blue " + i);
            message.setFlag(i);
            SendResult result = producer.send(message);
            Check.equal(SendStatus.SEND_OK, result.getSendStatus(), "status");
            Check.isTrue(sent.put(result.getMsgId(), result) == null, "message ids are unique");
        }

        Set<String> bodies = new HashSet<>();
        for (MessageExt message : context.readTopic(topic, queues, count)) {
            SendResult result = sent.get(message.getMsgId());
            Check.isTrue(result != null, "id " + message.getMsgId() + " was given to the producer");
            Check.equal(result.getQueueOffset(), message.getQueueOffset(), "queue offset");
            Check.equal(result.getMessageQueue().getQueueId(), message.getQueueId(), "queue id");
            Check.equal(topic, message.getTopic(), "topic");
            int i = message.getFlag();
            Check.equal("sync body " + i + " äöü 消息", CaseContext.body(message), "body");
            Check.equal("tag-" + i % 3, message.getTags(), "tags");
            Check.equal("key-" + i, message.getKeys(), "keys");
            Check.equal("blue " + i, message.getUserProperty("colour"), "user property");
            Check.isTrue(message.getStoreTimestamp() >= message.getBornTimestamp(), "stored after born");
            Check.equal("127.0.0.1", message.getBornHostString(), "born host");
            bodies.add(CaseContext.body(message));
        }
        Check.equal(count, bodies.size(), "different bodies");
    }

    static void async(CaseContext context) throws Exception {
        final int queues = 4;
        final int count = 64;
        String topic = context.createTopic("main", queues);
        DefaultMQProducer producer = context.startProducer();
        CountDownLatch answered = new CountDownLatch(count);
        Map<String, String> bodyById = new ConcurrentHashMap<>();
        AtomicReference<Throwable> failure = new AtomicReference<>();
        for (int i = 0; i < count; i++) {
            String body = "async " + i;
            producer.send(CaseContext.message(topic, body), new SendCallback() {
                @Override
                public void onSuccess(SendResult result) {
                    bodyById.put(result.getMsgId(), body);
                    answered.countDown();
                }

                @Override
                public void onException(Throwable cause) {
                    failure.set(cause);
                    answered.countDown();
                }
            });
        }
        Check.isTrue(answered.await(Check.DEADLINE_S, TimeUnit.SECONDS), "all callbacks came");
        Check.equal(null, failure.get(), "failure of an asynchronous send");
        Check.equal(count, bodyById.size(), "different message ids");
        for (MessageExt message : context.readTopic(topic, queues, count)) {
            Check.equal(bodyById.remove(message.getMsgId()), CaseContext.body(message), "body of " + message.getMsgId());
        }
        Check.isTrue(bodyById.isEmpty(), "every acknowledged message was read");
    }

    static void oneWay(CaseContext context) throws Exception {
        final int queues = 2;
        final int count = 20;
        String topic = context.createTopic("main", queues);
        DefaultMQProducer producer = context.startProducer();
        Set<String> sent = new HashSet<>();
        for (int i = 0; i < count; i++) {
            producer.sendOneway(CaseContext.message(topic, "one way " + i));
            sent.add("one way " + i);
        }
        Set<String> found = new HashSet<>();
        for (MessageExt message : context.readTopic(topic, queues, count)) {
            found.add(CaseContext.body(message));
        }
        Check.equal(sent, found, "bodies");
    }

    static void batch(CaseContext context) throws Exception {
        final int count = 10;
        String topic = context.createTopic("main", 1);
        DefaultMQProducer producer = context.startProducer();
        producer.send(CaseContext.message(topic, "before"));
        List<Message> batch = new ArrayList<>();
        for (int i = 0; i < count; i++) {
            Message message = new Message(topic, "tag-" + i, "batch-key-" + i, ("batch " + i).getBytes("UTF-8"));
            message.putUserProperty("position", Integer.toString(i));
            batch.add(message);
        }
        SendResult result = producer.send(batch);
        Check.equal(SendStatus.SEND_OK, result.getSendStatus(), "status");
        Check.equal(1L, result.getQueueOffset(), "queue offset of the first of the batch");
        Check.equal(count, new HashSet<>(Arrays.asList(result.getMsgId().split(","))).size(), "message ids of the batch");
        String[] offsetIds = result.getOffsetMsgId().split(",");
        Check.equal(count, offsetIds.length, "offset ids of the batch");

        List<MessageExt> found = context.readQueue(topic, 0, count + 1);
        for (int i = 0; i < count; i++) {
            MessageExt message = found.get(i + 1);
            Check.equal("batch " + i, CaseContext.body(message), "body");
            // By offset id: a 5.3.3 broker gives every message of a batch the unique id of the whole, later ones do not.
            MessageExt byId = context.peers.admin.viewMessage(topic, offsetIds[i]);
            Check.equal("batch " + i, CaseContext.body(byId), "body by offset id");
            Check.equal(message.getCommitLogOffset(), byId.getCommitLogOffset(), "place in the log by offset id");
            Check.equal("tag-" + i, message.getTags(), "tags");
            Check.equal("batch-key-" + i, message.getKeys(), "keys");
            Check.equal(Integer.toString(i), message.getUserProperty("position"), "user property");
        }
    }

    static void big(CaseContext context) throws Exception {
        String topic = context.createTopic("main", 1);
        DefaultMQProducer producer = context.startProducer();
        byte[] compressible = "the same words again; ".repeat(8_000).getBytes("UTF-8");
        byte[] random = new byte[1 << 20];
        new Random(20240607).nextBytes(random);
        producer.send(new Message(topic, compressible));
        producer.send(new Message(topic, random));

        List<MessageExt> found = context.readQueue(topic, 0, 2);
        Check.isTrue(Arrays.equals(compressible, found.get(0).getBody()), "the compressed body is the one sent");
        Check.isTrue(found.get(0).getStoreSize() < compressible.length / 4, "it is stored compressed");
        Check.isTrue(Arrays.equals(random, found.get(1).getBody()), "the incompressible body is the one sent");
        Check.isTrue(found.get(1).getStoreSize() > random.length, "it is stored whole");
    }
}
