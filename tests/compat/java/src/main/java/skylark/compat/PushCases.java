// SPDX-License-Identifier: Apache-2.0
package skylark.compat;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import org.apache.rocketmq.client.consumer.DefaultMQPushConsumer;
import org.apache.rocketmq.client.consumer.MessageSelector;
import org.apache.rocketmq.client.consumer.listener.ConsumeConcurrentlyStatus;
import org.apache.rocketmq.client.consumer.listener.ConsumeOrderlyStatus;
import org.apache.rocketmq.client.consumer.listener.MessageListenerConcurrently;
import org.apache.rocketmq.client.consumer.listener.MessageListenerOrderly;
import org.apache.rocketmq.client.exception.MQClientException;
import org.apache.rocketmq.client.producer.DefaultMQProducer;
import org.apache.rocketmq.common.message.Message;
import org.apache.rocketmq.common.message.MessageExt;
import org.apache.rocketmq.common.message.MessageQueue;
import org.apache.rocketmq.remoting.protocol.ResponseCode;
import org.apache.rocketmq.remoting.protocol.admin.ConsumeStats;
import org.apache.rocketmq.remoting.protocol.admin.OffsetWrapper;
import org.apache.rocketmq.remoting.protocol.heartbeat.MessageModel;

/** Push consumers: concurrent, ordered, sharing queues, broadcasting, filtering by tag. */
final class PushCases {
    private PushCases() {
    }

    static void concurrent(CaseContext context) throws Exception {
        final int queues = 4;
        final int count = 200;
        String topic = context.createTopic("main", queues);
        DefaultMQProducer producer = context.startProducer();
        Map<String, String> bodyById = new ConcurrentHashMap<>();
        for (int i = 0; i < count / 2; i++) {
            bodyById.put(producer.send(CaseContext.message(topic, "push " + i)).getMsgId(), "push " + i);
        }

        Map<String, String> received = new ConcurrentHashMap<>();
        String group = context.group("main");
        DefaultMQPushConsumer consumer = context.newPushConsumer(group);
        consumer.subscribe(topic, "*");
        consumer.registerMessageListener(collect(received));
        consumer.start();
        for (int i = count / 2; i < count; i++) {  // The second half arrives at pulls that the broker holds.
            bodyById.put(producer.send(CaseContext.message(topic, "push " + i)).getMsgId(), "push " + i);
        }
        Check.await("all " + count + " messages", () -> received.size() >= count);
        Check.equal(bodyById, received, "ids and bodies received");

        consumer.shutdown();
        Check.await("consumed offsets at the broker", () -> consumedAll(context, group, topic, queues, count));
    }

    static void orderly(CaseContext context) throws Exception {
        final int queues = 4;
        final int perKey = 40;
        String topic = context.createTopic("main", queues);
        DefaultMQProducer producer = context.startProducer();
        Map<Integer, List<Integer>> seen = new ConcurrentHashMap<>();
        Map<Integer, AtomicBoolean> busy = new ConcurrentHashMap<>();
        for (int key = 0; key < queues; key++) {
            seen.put(key, Collections.synchronizedList(new ArrayList<>()));
            busy.put(key, new AtomicBoolean());
        }
        AtomicBoolean overlapped = new AtomicBoolean();
        AtomicBoolean suspendedOnce = new AtomicBoolean();

        DefaultMQPushConsumer consumer = context.newPushConsumer(context.group("main"));
        consumer.subscribe(topic, "*");
        consumer.registerMessageListener((MessageListenerOrderly) (messages, orderContext) -> {
            for (MessageExt message : messages) {
                int key = Integer.parseInt(message.getKeys());
                int number = Integer.parseInt(CaseContext.body(message));
                if (key == 2 && number == 7 && suspendedOnce.compareAndSet(false, true)) {
                    return ConsumeOrderlyStatus.SUSPEND_CURRENT_QUEUE_A_MOMENT;  // Message 7 must come again, before 8.
                }
                if (!busy.get(key).compareAndSet(false, true)) {
                    overlapped.set(true);
                }
                seen.get(key).add(number);
                busy.get(key).set(false);
            }
            return ConsumeOrderlyStatus.SUCCESS;
        });
        consumer.setConsumeMessageBatchMaxSize(1);
        consumer.setSuspendCurrentQueueTimeMillis(50);
        consumer.start();
        for (int number = 0; number < perKey; number++) {
            for (int key = 0; key < queues; key++) {
                Message message = CaseContext.message(topic, Integer.toString(number));
                message.setKeys(Integer.toString(key));
                producer.send(message, (list, sent, argument) -> list.get((Integer) argument % list.size()), key);
            }
        }

        List<Integer> expected = new ArrayList<>();
        for (int number = 0; number < perKey; number++) {
            expected.add(number);
        }
        for (int key = 0; key < queues; key++) {
            List<Integer> numbers = seen.get(key);
            Check.await("all of key " + key, () -> numbers.size() >= perKey);
            Check.equal(expected, new ArrayList<>(numbers), "order of key " + key);
        }
        Check.isTrue(suspendedOnce.get(), "one message was put back once");
        Check.isTrue(!overlapped.get(), "no queue was consumed by two threads at once");
    }

    static void rebalance(CaseContext context) throws Exception {
        final int queues = 4;
        String topic = context.createTopic("main", queues);
        DefaultMQProducer producer = context.startProducer();
        Set<MessageQueue> all = new HashSet<>();
        for (int queueId = 0; queueId < queues; queueId++) {
            all.add(context.queue(topic, queueId));
        }
        Map<String, Integer> byFirst = new ConcurrentHashMap<>();
        Map<String, Integer> bySecond = new ConcurrentHashMap<>();
        DefaultMQPushConsumer first = startCollector(context, topic, byFirst);
        Check.await("the only consumer owns all queues", () -> owned(first, topic).equals(all));

        DefaultMQPushConsumer second = startCollector(context, topic, bySecond);
        Check.await("each owns two queues, none twice", () -> {
            Set<MessageQueue> union = new HashSet<>(owned(first, topic));
            union.addAll(owned(second, topic));
            return owned(first, topic).size() == 2 && owned(second, topic).size() == 2 && union.equals(all);
        });
        Set<Integer> firstQueues = queueIds(owned(first, topic));
        Set<Integer> secondQueues = queueIds(owned(second, topic));
        sendToEach(context, producer, topic, queues, "shared");
        Check.await("messages of the shared time", () -> byFirst.size() + bySecond.size() >= queues * 5);
        Check.equal(firstQueues, new TreeSet<>(byFirst.values()), "queues consumed by the first");
        Check.equal(secondQueues, new TreeSet<>(bySecond.values()), "queues consumed by the second");

        second.shutdown();
        Check.await("the one that stays owns all queues again", () -> owned(first, topic).equals(all));
        sendToEach(context, producer, topic, queues, "alone");
        Check.await("messages after one left",
            () -> byFirst.keySet().stream().filter(body -> body.startsWith("alone")).count() == queues * 5);
    }

    static void broadcast(CaseContext context) throws Exception {
        final int count = 40;
        String topic = context.createTopic("main", 4);
        List<Map<String, String>> received = new ArrayList<>();
        for (int i = 0; i < 2; i++) {
            Map<String, String> mine = new ConcurrentHashMap<>();
            DefaultMQPushConsumer consumer = context.newPushConsumer(context.group("main"));
            consumer.setMessageModel(MessageModel.BROADCASTING);
            consumer.subscribe(topic, "*");
            consumer.registerMessageListener(collect(mine));
            consumer.start();
            received.add(mine);
        }
        DefaultMQProducer producer = context.startProducer();
        Map<String, String> bodyById = new ConcurrentHashMap<>();
        for (int i = 0; i < count; i++) {
            bodyById.put(producer.send(CaseContext.message(topic, "broadcast " + i)).getMsgId(), "broadcast " + i);
        }
        for (Map<String, String> mine : received) {
            Check.await("all messages at each consumer", () -> mine.size() >= count);
            Check.equal(bodyById, mine, "ids and bodies received");
        }
    }

    static void tagFilter(CaseContext context) throws Exception {
        String topic = context.createTopic("main", 2);
        DefaultMQProducer producer = context.startProducer();
        Map<String, Map<String, String>> receivedBy = new ConcurrentHashMap<>();
        // "Aa" and "BB" have the same Java hash code: the broker lets both pass, the client must drop one.
        for (String expression : Arrays.asList("red || green", "Aa")) {
            Map<String, String> received = new ConcurrentHashMap<>();
            DefaultMQPushConsumer consumer = context.newPushConsumer(context.group(expression.equals("Aa") ? "hash" : "colour"));
            consumer.subscribe(topic, expression);
            consumer.registerMessageListener(collect(received));
            consumer.start();
            receivedBy.put(expression, received);
        }
        Map<String, String> colours = new ConcurrentHashMap<>();
        Map<String, String> hashes = new ConcurrentHashMap<>();
        for (String tag : Arrays.asList("red", "green", "blue", "Aa", "BB", "red", "Aa", "BB", "blue", "green")) {
            Message message = CaseContext.message(topic, "tagged " + tag);
            message.setTags(tag);
            String id = producer.send(message).getMsgId();
            if (tag.equals("red") || tag.equals("green")) {
                colours.put(id, "tagged " + tag);
            } else if (tag.equals("Aa")) {
                hashes.put(id, "tagged " + tag);
            }
        }
        producer.send(CaseContext.message(topic, "without a tag"));
        Check.await("messages of two tags", () -> receivedBy.get("red || green").size() >= colours.size());
        Check.await("messages of one tag", () -> receivedBy.get("Aa").size() >= hashes.size());
        Check.equal(colours, receivedBy.get("red || green"), "messages of two tags");
        Check.equal(hashes, receivedBy.get("Aa"), "messages of one tag");
    }

    static void sqlFilter(CaseContext context) throws Exception {
        String topic = context.createTopic("main", 1);
        DefaultMQProducer producer = context.startProducer();
        Map<String, String> received = new ConcurrentHashMap<>();
        DefaultMQPushConsumer consumer = context.newPushConsumer(context.group("main"));
        consumer.subscribe(topic, MessageSelector.bySql("size > 5 AND colour IN ('red', 'green') AND gone IS NULL"));
        consumer.registerMessageListener(collect(received));
        consumer.start();
        Map<String, String> wanted = new ConcurrentHashMap<>();
        List<String> colours = Arrays.asList("red", "green", "blue");
        for (int i = 0; i < 30; i++) {
            String colour = colours.get(i % 3);
            Message message = CaseContext.message(topic, colour + " " + i);
            message.putUserProperty("size", i % 7 == 0 ? "large" : String.valueOf(i % 10));
            message.putUserProperty("colour", colour);
            if (i % 4 == 0) {
                message.putUserProperty("gone", "yes");
            }
            String id = producer.send(message).getMsgId();
            if (i % 7 != 0 && i % 10 > 5 && !colour.equals("blue") && i % 4 != 0) {
                wanted.put(id, colour + " " + i);
            }
        }
        Message last = CaseContext.message(topic, "last");  // Behind all others: what was to come before it has come.
        last.putUserProperty("size", "6");
        last.putUserProperty("colour", "red");
        wanted.put(producer.send(last).getMsgId(), "last");
        Check.await("messages that the expression is true for", () -> received.size() >= wanted.size());
        Check.equal(wanted, received, "messages that the expression is true for");

        DefaultMQPushConsumer wrong = context.newPushConsumer(context.group("wrong"));
        wrong.subscribe(topic, MessageSelector.bySql("size > 'large'"));
        wrong.registerMessageListener(collect(received));
        try {
            wrong.start();
        } catch (MQClientException refused) {
            Check.equal(ResponseCode.SUBSCRIPTION_PARSE_FAILED, refused.getResponseCode(), "code for what is no expression");
            return;
        }
        throw new AssertionError("a consumer with a broken expression started");
    }

    static MessageListenerConcurrently collect(Map<String, String> received) {
        return (messages, listenerContext) -> {
            for (MessageExt message : messages) {
                received.put(message.getMsgId(), CaseContext.body(message));
            }
            return ConsumeConcurrentlyStatus.CONSUME_SUCCESS;
        };
    }

    /** True once the broker knows that the group has consumed everything in the topic. */
    static boolean consumedAll(CaseContext context, String group, String topic, int queues, long count) throws Exception {
        ConsumeStats stats = context.peers.admin.examineConsumeStats(group, topic);
        AtomicInteger complete = new AtomicInteger();
        long consumed = 0;
        for (Map.Entry<MessageQueue, OffsetWrapper> entry : stats.getOffsetTable().entrySet()) {
            if (entry.getKey().getTopic().equals(topic)) {
                consumed += entry.getValue().getConsumerOffset();
                if (entry.getValue().getConsumerOffset() == entry.getValue().getBrokerOffset()) {
                    complete.incrementAndGet();
                }
            }
        }
        return complete.get() == queues && consumed == count;
    }

    private static DefaultMQPushConsumer startCollector(CaseContext context, String topic, Map<String, Integer> queueByBody)
        throws Exception {
        DefaultMQPushConsumer consumer = context.newPushConsumer(context.group("main"));
        consumer.subscribe(topic, "*");
        consumer.registerMessageListener((MessageListenerConcurrently) (messages, listenerContext) -> {
            for (MessageExt message : messages) {
                queueByBody.put(CaseContext.body(message), message.getQueueId());
            }
            return ConsumeConcurrentlyStatus.CONSUME_SUCCESS;
        });
        consumer.start();
        return consumer;
    }

    private static Set<MessageQueue> owned(DefaultMQPushConsumer consumer, String topic) {
        Set<MessageQueue> queues = new HashSet<>();
        for (MessageQueue queue : consumer.getDefaultMQPushConsumerImpl().getRebalanceImpl().getProcessQueueTable().keySet()) {
            if (queue.getTopic().equals(topic)) {
                queues.add(queue);
            }
        }
        return queues;
    }

    private static Set<Integer> queueIds(Set<MessageQueue> queues) {
        Set<Integer> ids = new TreeSet<>();
        queues.forEach(queue -> ids.add(queue.getQueueId()));
        return ids;
    }

    private static void sendToEach(CaseContext context, DefaultMQProducer producer, String topic, int queues, String label)
        throws Exception {
        for (int i = 0; i < 5; i++) {
            for (int queueId = 0; queueId < queues; queueId++) {
                producer.send(CaseContext.message(topic, label + " " + queueId + " " + i), context.queue(topic, queueId));
            }
        }
    }
}
