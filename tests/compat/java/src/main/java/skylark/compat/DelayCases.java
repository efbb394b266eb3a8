// SPDX-License-Identifier: Apache-2.0
package skylark.compat;

import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CopyOnWriteArrayList;
import org.apache.rocketmq.client.consumer.DefaultMQPushConsumer;
import org.apache.rocketmq.client.consumer.listener.ConsumeConcurrentlyStatus;
import org.apache.rocketmq.client.consumer.listener.MessageListenerConcurrently;
import org.apache.rocketmq.client.producer.DefaultMQProducer;
import org.apache.rocketmq.client.producer.SendResult;
import org.apache.rocketmq.common.message.Message;
import org.apache.rocketmq.common.message.MessageConst;
import org.apache.rocketmq.common.message.MessageExt;

/** Messages that come later: delay levels, and failed consumption on its way to the dead-letter topic. */
final class DelayCases {
    private DelayCases() {
    }

    /** What one delivery of the message looked like. */
    private static final class Delivery {
        final MessageExt message;
        final long atMs = System.currentTimeMillis();

        Delivery(MessageExt message) {
            this.message = message;
        }
    }

    static void delay(CaseContext context) throws Exception {
        String topic = context.createTopic("main", 2);
        Map<String, Delivery> received = new ConcurrentHashMap<>();
        DefaultMQPushConsumer consumer = context.newPushConsumer(context.group("main"));
        consumer.subscribe(topic, "*");
        consumer.registerMessageListener((MessageListenerConcurrently) (messages, listenerContext) -> {
            messages.forEach(message -> received.putIfAbsent(CaseContext.body(message), new Delivery(message)));
            return ConsumeConcurrentlyStatus.CONSUME_SUCCESS;
        });
        consumer.start();

        DefaultMQProducer producer = context.startProducer();
        long[] delayMs = {0, 1000, 1000, 2000, 3000};  // By level; messageDelayLevel=1s 1s 2s 3s ...
        Map<String, Long> sentAtMs = new ConcurrentHashMap<>();
        Map<String, SendResult> sent = new ConcurrentHashMap<>();
        for (int level : new int[] {4, 3, 1, 0}) {
            String body = "level " + level;
            Message message = new Message(topic, "later", "delay-key-" + level, body.getBytes("UTF-8"));
            message.setDelayTimeLevel(level);
            message.putUserProperty("colour", "green");
            sentAtMs.put(body, System.currentTimeMillis());
            sent.put(body, producer.send(message));
        }
        Check.await("all delayed messages", () -> received.size() >= sent.size());
        for (int level : new int[] {4, 3, 1, 0}) {
            String body = "level " + level;
            Delivery delivery = received.get(body);
            long took = delivery.atMs - sentAtMs.get(body);
            Check.isTrue(took >= delayMs[level], body + " came after " + took + " ms, before its time");
            Check.equal(sent.get(body).getMsgId(), delivery.message.getMsgId(), "message id");
            Check.equal(topic, delivery.message.getTopic(), "topic");
            Check.equal("later", delivery.message.getTags(), "tags");
            Check.equal("delay-key-" + level, delivery.message.getKeys(), "keys");
            Check.equal("green", delivery.message.getUserProperty("colour"), "user property");
            Check.equal(0, delivery.message.getReconsumeTimes(), "reconsume times");
        }
    }

    static void retryToDeadLetter(CaseContext context) throws Exception {
        final int retriesMax = 2;
        String topic = context.createTopic("main", 1);
        String group = context.group("main");
        context.createGroup(group, retriesMax);
        List<Delivery> deliveries = new CopyOnWriteArrayList<>();
        DefaultMQPushConsumer consumer = context.newPushConsumer(group);
        consumer.setMaxReconsumeTimes(retriesMax);
        consumer.subscribe(topic, "*");
        consumer.registerMessageListener((MessageListenerConcurrently) (messages, listenerContext) -> {
            messages.forEach(message -> deliveries.add(new Delivery(message)));
            return ConsumeConcurrentlyStatus.RECONSUME_LATER;
        });
        consumer.start();

        DefaultMQProducer producer = context.startProducer();
        Message message = new Message(topic, "poison", "dlq-key", "nobody can eat this".getBytes("UTF-8"));
        message.putUserProperty("colour", "black");
        SendResult result = producer.send(message);

        String deadLetters = "%DLQ%" + group;
        Check.await("the dead letter", () -> context.peers.admin.maxOffset(context.queue(deadLetters, 0)) >= 1);
        Check.equal(retriesMax + 1, deliveries.size(), "deliveries before the dead-letter topic");
        for (int i = 0; i <= retriesMax; i++) {
            MessageExt delivered = deliveries.get(i).message;
            Check.equal(i, delivered.getReconsumeTimes(), "reconsume times of delivery " + i);
            Check.equal(topic, delivered.getTopic(), "topic of delivery " + i);
            Check.equal("nobody can eat this", CaseContext.body(delivered), "body of delivery " + i);
            Check.equal(result.getMsgId(), delivered.getMsgId(), "message id of delivery " + i);
            Check.equal("black", delivered.getUserProperty("colour"), "user property of delivery " + i);
        }
        long[] waitMs = {2000, 3000};  // Levels 3 and 4.
        for (int i = 0; i < retriesMax; i++) {
            long took = deliveries.get(i + 1).atMs - deliveries.get(i).atMs;
            Check.isTrue(took >= waitMs[i], "retry " + (i + 1) + " came after " + took + " ms, before its time");
        }

        MessageExt dead = context.readQueue(deadLetters, 0, 1).get(0);
        Check.equal("nobody can eat this", CaseContext.body(dead), "body of the dead letter");
        Check.equal(topic, dead.getProperty(MessageConst.PROPERTY_RETRY_TOPIC), "original topic of the dead letter");
        Check.equal(result.getOffsetMsgId(), dead.getProperty(MessageConst.PROPERTY_ORIGIN_MESSAGE_ID), "original offset id");
        Check.equal(Arrays.asList("poison", "dlq-key", "black"),
            Arrays.asList(dead.getTags(), dead.getKeys(), dead.getUserProperty("colour")), "properties of the dead letter");
    }
}
