// SPDX-License-Identifier: Apache-2.0
package skylark.compat;

import java.util.ArrayList;
import java.util.Collections;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeSet;
import java.util.concurrent.ConcurrentHashMap;
import org.apache.rocketmq.client.consumer.DefaultLitePullConsumer;
import org.apache.rocketmq.client.consumer.DefaultMQPushConsumer;
import org.apache.rocketmq.client.consumer.listener.ConsumeConcurrentlyStatus;
import org.apache.rocketmq.client.consumer.listener.MessageListenerConcurrently;
import org.apache.rocketmq.client.exception.MQBrokerException;
import org.apache.rocketmq.client.producer.DefaultMQProducer;
import org.apache.rocketmq.common.message.MessageExt;
import org.apache.rocketmq.common.message.MessageQueue;
import org.apache.rocketmq.remoting.protocol.ResponseCode;
import org.apache.rocketmq.remoting.protocol.admin.RollbackStats;

/** Reading again from an earlier place: by seek, and by resetting a group with and without consumers. */
final class ReplayCases {
    private static final int QUEUES = 2;
    private static final int PER_HALF = 15;

    private ReplayCases() {
    }

    static void pullSeek(CaseContext context) throws Exception {
        final int count = 40;
        String topic = context.createTopic("main", 1);
        DefaultMQProducer producer = context.startProducer();
        for (int i = 0; i < count; i++) {
            producer.send(CaseContext.message(topic, "pull " + i));
        }
        List<MessageExt> stored = context.readQueue(topic, 0, count);
        MessageQueue queue = context.queue(topic, 0);
        DefaultLitePullConsumer consumer = context.newLitePullConsumer(context.group("main"));
        consumer.setAutoCommit(false);
        consumer.start();
        consumer.assign(Collections.singletonList(queue));

        pollFrom(consumer, 0, count);  // The first pull has to be back before a seek is safe in this client.
        consumer.seek(queue, 25);
        pollFrom(consumer, 25, count);
        consumer.seekToBegin(queue);
        pollFrom(consumer, 0, count);

        long offset = consumer.offsetForTimestamp(queue, stored.get(30).getStoreTimestamp());
        Check.isTrue(offset <= 30, "offset by time is not after the message: " + offset);
        Check.equal(stored.get(30).getStoreTimestamp(), stored.get((int) offset).getStoreTimestamp(), "store time found");

        consumer.commitSync(new HashMap<>(Map.of(queue, 33L)), true);
        Check.await("the committed offset", () -> consumer.committed(queue) == 33L);
    }

    static void resetOnline(CaseContext context) throws Exception {
        String topic = context.createTopic("main", QUEUES);
        DefaultMQProducer producer = context.startProducer();
        Map<String, Integer> received = new ConcurrentHashMap<>();
        DefaultMQPushConsumer consumer = startCounter(context, topic, received);
        long middleMs = sendTwoHalves(context, producer, topic);
        Check.await("both halves", () -> received.size() == 2 * QUEUES * PER_HALF);

        Map<MessageQueue, Long> reset = context.peers.admin.resetOffsetByTimestamp(topic, consumer.getConsumerGroup(), middleMs, true);
        Map<MessageQueue, Long> expected = new HashMap<>();
        for (int queueId = 0; queueId < QUEUES; queueId++) {
            expected.put(context.queue(topic, queueId), (long) PER_HALF);
        }
        Check.equal(expected, reset, "offsets the broker reset to");
        Check.await("the second half again", () -> consumedTwice(received).size() >= QUEUES * PER_HALF);
        Check.equal(halfOf("second"), consumedTwice(received), "messages consumed again");

        producer.send(CaseContext.message(topic, "after the reset"));  // The group goes on as usual.
        Check.await("a new message", () -> received.containsKey("after the reset"));
    }

    static void resetOffline(CaseContext context) throws Exception {
        String topic = context.createTopic("main", QUEUES);
        DefaultMQProducer producer = context.startProducer();
        Map<String, Integer> received = new ConcurrentHashMap<>();
        DefaultMQPushConsumer consumer = startCounter(context, topic, received);
        String group = consumer.getConsumerGroup();
        long middleMs = sendTwoHalves(context, producer, topic);
        Check.await("both halves", () -> received.size() == 2 * QUEUES * PER_HALF);
        // Before the shutdown: the last message may still be in the listener, and then counts as not consumed for good.
        Check.await("offsets at the broker", () -> PushCases.consumedAll(context, group, topic, QUEUES, 2L * QUEUES * PER_HALF));
        consumer.shutdown();
        Check.await("the group is offline", () -> isOffline(context, group));

        List<RollbackStats> reset = context.peers.admin.resetOffsetByTimestampOld(group, topic, middleMs, true);
        Check.equal(QUEUES, reset.size(), "queues reset");
        for (RollbackStats queue : reset) {
            Check.equal(2L * PER_HALF, queue.getConsumerOffset(), "offset before, queue " + queue.getQueueId());
            Check.equal((long) PER_HALF, queue.getRollbackOffset(), "offset after, queue " + queue.getQueueId());
        }
        Map<String, Integer> again = new ConcurrentHashMap<>();
        startCounter(context, topic, again);
        Check.await("the second half", () -> again.size() >= QUEUES * PER_HALF);
        Check.equal(halfOf("second"), new TreeSet<>(again.keySet()), "messages after the reset");
    }

    /** Polls until all offsets from `begin` to the end came, in order and without a gap. */
    private static void pollFrom(DefaultLitePullConsumer consumer, long begin, long end) throws Exception {
        List<MessageExt> polled = new ArrayList<>();
        Check.await("offsets " + begin + " to " + end, () -> {
            polled.addAll(consumer.poll(500));
            return polled.size() >= end - begin;
        });
        for (int i = 0; i < polled.size(); i++) {
            Check.equal(begin + i, polled.get(i).getQueueOffset(), "offset of polled message " + i);
            Check.equal("pull " + (begin + i), CaseContext.body(polled.get(i)), "body of polled message " + i);
        }
        Check.equal(end - begin, (long) polled.size(), "messages polled from " + begin);
    }

    /** Returns a time after the first and before the second half was stored (both on this machine's clock). */
    private static long sendTwoHalves(CaseContext context, DefaultMQProducer producer, String topic) throws Exception {
        sendHalf(context, producer, topic, "first");
        long firstStoredMs = System.currentTimeMillis();
        Check.await("a later millisecond", () -> System.currentTimeMillis() > firstStoredMs + 1);
        long middleMs = System.currentTimeMillis();
        Check.await("a later millisecond", () -> System.currentTimeMillis() > middleMs + 1);
        sendHalf(context, producer, topic, "second");
        return middleMs;
    }

    private static void sendHalf(CaseContext context, DefaultMQProducer producer, String topic, String half) throws Exception {
        for (int i = 0; i < PER_HALF; i++) {
            for (int queueId = 0; queueId < QUEUES; queueId++) {
                producer.send(CaseContext.message(topic, half + " " + queueId + " " + i), context.queue(topic, queueId));
            }
        }
    }

    private static TreeSet<String> halfOf(String half) {
        TreeSet<String> bodies = new TreeSet<>();
        for (int i = 0; i < PER_HALF; i++) {
            for (int queueId = 0; queueId < QUEUES; queueId++) {
                bodies.add(half + " " + queueId + " " + i);
            }
        }
        return bodies;
    }

    private static DefaultMQPushConsumer startCounter(CaseContext context, String topic, Map<String, Integer> received)
        throws Exception {
        DefaultMQPushConsumer consumer = context.newPushConsumer(context.group("main"));
        consumer.subscribe(topic, "*");
        consumer.registerMessageListener((MessageListenerConcurrently) (messages, listenerContext) -> {
            messages.forEach(message -> received.merge(CaseContext.body(message), 1, Integer::sum));
            return ConsumeConcurrentlyStatus.CONSUME_SUCCESS;
        });
        consumer.start();
        return consumer;
    }

    private static TreeSet<String> consumedTwice(Map<String, Integer> received) {
        TreeSet<String> bodies = new TreeSet<>();
        received.forEach((body, times) -> {
            if (times > 1) {
                bodies.add(body);
            }
        });
        return bodies;
    }

    private static boolean isOffline(CaseContext context, String group) throws Exception {
        try {
            context.peers.admin.examineConsumerConnectionInfo(group, context.peers.brokerAddress);
            return false;
        } catch (MQBrokerException refused) {
            return refused.getResponseCode() == ResponseCode.CONSUMER_NOT_ONLINE;
        }
    }
}
