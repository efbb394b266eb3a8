// SPDX-License-Identifier: Apache-2.0
package skylark.compat;

import java.nio.charset.StandardCharsets;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.apache.rocketmq.client.ClientConfig;
import org.apache.rocketmq.client.consumer.DefaultLitePullConsumer;
import org.apache.rocketmq.client.consumer.DefaultMQPushConsumer;
import org.apache.rocketmq.client.consumer.PullResult;
import org.apache.rocketmq.client.consumer.PullStatus;
import org.apache.rocketmq.client.consumer.DefaultMQPullConsumer;
import org.apache.rocketmq.client.producer.DefaultMQProducer;
import org.apache.rocketmq.client.producer.TransactionListener;
import org.apache.rocketmq.client.producer.TransactionMQProducer;
import org.apache.rocketmq.common.TopicConfig;
import org.apache.rocketmq.common.consumer.ConsumeFromWhere;
import org.apache.rocketmq.common.message.Message;
import org.apache.rocketmq.common.message.MessageExt;
import org.apache.rocketmq.common.message.MessageQueue;
import org.apache.rocketmq.remoting.protocol.subscription.SubscriptionGroupConfig;

/** What one case works with: its own names, and clients with short intervals that end with the case. */
final class CaseContext implements AutoCloseable {
    final Peers peers;
    private final String name;
    private final String suffix;
    private final Deque<Runnable> closers = new ArrayDeque<>();
    private int clients;

    CaseContext(String name, String suffix, Peers peers) {
        this.name = name;
        this.suffix = suffix;
        this.peers = peers;
    }

    String topicName(String part) {
        return "T-" + name + "-" + part + "-" + suffix;
    }

    String group(String part) {
        return "G-" + name + "-" + part + "-" + suffix;
    }

    /** Creates a topic by the admin request and waits until clients can find it. */
    String createTopic(String part, int queues) throws Exception {
        return createTopic(part, queues, Map.of());
    }

    /** The same with attributes, each as the request takes it: {@code +name} to its value. */
    String createTopic(String part, int queues, Map<String, String> attributes) throws Exception {
        String topic = topicName(part);
        TopicConfig config = new TopicConfig(topic, queues, queues, 6);
        config.setAttributes(new HashMap<>(attributes));
        peers.admin.createAndUpdateTopicConfig(peers.brokerAddress, config);
        Check.await("route of " + topic, () -> !peers.admin.examineTopicRouteInfo(topic).getBrokerDatas().isEmpty());
        return topic;
    }

    void createGroup(String group, int retryMaxTimes) throws Exception {
        SubscriptionGroupConfig config = new SubscriptionGroupConfig();
        config.setGroupName(group);
        config.setRetryMaxTimes(retryMaxTimes);
        peers.admin.createAndUpdateSubscriptionGroupConfig(peers.brokerAddress, config);
    }

    MessageQueue queue(String topic, int queueId) {
        return new MessageQueue(topic, peers.brokerName, queueId);
    }

    DefaultMQProducer startProducer() throws Exception {
        DefaultMQProducer producer = new DefaultMQProducer(group("producer"));
        prepare(producer);
        producer.setSendMsgTimeout(Peers.TIMEOUT_MS);
        producer.start();
        closers.push(producer::shutdown);
        return producer;
    }

    TransactionMQProducer startTransactionProducer(TransactionListener listener) throws Exception {
        TransactionMQProducer producer = new TransactionMQProducer(group("producer"));
        prepare(producer);
        producer.setSendMsgTimeout(Peers.TIMEOUT_MS);
        producer.setTransactionListener(listener);
        producer.start();
        closers.push(producer::shutdown);
        return producer;
    }

    /** A push consumer from the first offset; the caller subscribes, sets a listener and starts it. */
    DefaultMQPushConsumer newPushConsumer(String group) {
        DefaultMQPushConsumer consumer = new DefaultMQPushConsumer(group);
        prepare(consumer);
        consumer.setConsumeFromWhere(ConsumeFromWhere.CONSUME_FROM_FIRST_OFFSET);
        consumer.setConsumeThreadMin(4);
        consumer.setConsumeThreadMax(4);
        closers.push(consumer::shutdown);
        return consumer;
    }

    DefaultLitePullConsumer newLitePullConsumer(String group) {
        DefaultLitePullConsumer consumer = new DefaultLitePullConsumer(group);
        prepare(consumer);
        consumer.setConsumeFromWhere(ConsumeFromWhere.CONSUME_FROM_FIRST_OFFSET);
        closers.push(consumer::shutdown);
        return consumer;
    }

    /** All of one queue from offset 0, once it holds `count` messages. Errors: AssertionError if there are more or fewer. */
    List<MessageExt> readQueue(String topic, int queueId, int count) throws Exception {
        DefaultMQPullConsumer reader = newReader();
        MessageQueue queue = queue(topic, queueId);
        List<MessageExt> found = new ArrayList<>();
        Check.await(count + " messages in " + queue, () -> {
            PullResult result = reader.pull(queue, "*", found.size(), 32, Peers.TIMEOUT_MS);
            if (result.getPullStatus() == PullStatus.FOUND) {
                found.addAll(result.getMsgFoundList());
            }
            return found.size() >= count;
        });
        Check.equal(count, found.size(), "messages in " + queue);
        Check.equal((long) count, peers.admin.maxOffset(queue), "max offset of " + queue);
        for (int i = 0; i < count; i++) {
            Check.equal((long) i, found.get(i).getQueueOffset(), "queue offset of message " + i + " in " + queue);
        }
        return found;
    }

    /** All queues of a topic, once they hold `count` messages together; queue after queue. */
    List<MessageExt> readTopic(String topic, int queues, int count) throws Exception {
        Check.await(count + " messages in " + topic, () -> messagesIn(topic, queues) >= count);
        List<MessageExt> found = new ArrayList<>();
        for (int queueId = 0; queueId < queues; queueId++) {
            found.addAll(readQueue(topic, queueId, (int) peers.admin.maxOffset(queue(topic, queueId))));
        }
        Check.equal(count, found.size(), "messages in " + topic);
        return found;
    }

    long messagesIn(String topic, int queues) throws Exception {
        long sum = 0;
        for (int queueId = 0; queueId < queues; queueId++) {
            sum += peers.admin.maxOffset(queue(topic, queueId));
        }
        return sum;
    }

    static Message message(String topic, String body) {
        return new Message(topic, body.getBytes(StandardCharsets.UTF_8));
    }

    static String body(Message message) {
        return new String(message.getBody(), StandardCharsets.UTF_8);
    }

    /** Ends the clients, the last started first. */
    @Override
    public void close() {
        closers.forEach(Runnable::run);
    }

    private DefaultMQPullConsumer newReader() throws Exception {
        DefaultMQPullConsumer reader = new DefaultMQPullConsumer(group("reader"));
        prepare(reader);
        reader.start();
        closers.push(reader::shutdown);
        return reader;
    }

    private void prepare(ClientConfig client) {
        client.setNamesrvAddr(peers.nameServer);
        client.setInstanceName(name + "-" + suffix + "-" + clients++);
        client.setPollNameServerInterval(1000);
        client.setHeartbeatBrokerInterval(1000);
        client.setPersistConsumerOffsetInterval(500);
        client.setMqClientApiTimeout(Peers.TIMEOUT_MS);
    }
}
