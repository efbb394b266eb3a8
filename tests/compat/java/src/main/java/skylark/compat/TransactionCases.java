// SPDX-License-Identifier: Apache-2.0
package skylark.compat;

import java.util.Arrays;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import org.apache.rocketmq.client.consumer.DefaultMQPushConsumer;
import org.apache.rocketmq.client.consumer.listener.ConsumeConcurrentlyStatus;
import org.apache.rocketmq.client.consumer.listener.MessageListenerConcurrently;
import org.apache.rocketmq.client.producer.LocalTransactionState;
import org.apache.rocketmq.client.producer.SendStatus;
import org.apache.rocketmq.client.producer.TransactionListener;
import org.apache.rocketmq.client.producer.TransactionMQProducer;
import org.apache.rocketmq.client.producer.TransactionSendResult;
import org.apache.rocketmq.common.message.Message;
import org.apache.rocketmq.common.message.MessageExt;

/** Transactional messages; the body's first word says what the local transaction answers, its second what a check does. */
final class TransactionCases {
    private TransactionCases() {
    }

    private static final class Listener implements TransactionListener {
        final Map<String, MessageExt> checked = new ConcurrentHashMap<>();

        @Override
        public LocalTransactionState executeLocalTransaction(Message message, Object argument) {
            return state(CaseContext.body(message).split(" ")[0]);
        }

        @Override
        public LocalTransactionState checkLocalTransaction(MessageExt message) {
            checked.putIfAbsent(CaseContext.body(message), message);
            return state(CaseContext.body(message).split(" ")[1]);
        }

        private static LocalTransactionState state(String word) {
            switch (word) {
                case "commit":
                    return LocalTransactionState.COMMIT_MESSAGE;
                case "rollback":
                    return LocalTransactionState.ROLLBACK_MESSAGE;
                default:
                    return LocalTransactionState.UNKNOW;
            }
        }
    }

    static void commit(CaseContext context) throws Exception {
        String topic = context.createTopic("main", 1);
        TransactionMQProducer producer = context.startTransactionProducer(new Listener());
        Map<String, MessageExt> received = startConsumer(context, topic);
        TransactionSendResult result = send(producer, topic, "commit commit 1", LocalTransactionState.COMMIT_MESSAGE);

        Check.await("the committed message", () -> received.containsKey("commit commit 1"));
        MessageExt message = received.get("commit commit 1");
        Check.equal(topic, message.getTopic(), "topic");
        Check.equal(0L, message.getQueueOffset(), "queue offset");
        Check.equal(result.getTransactionId(), message.getTransactionId(), "transaction id");
        Check.equal(result.getMsgId(), message.getMsgId(), "message id");
        Check.equal(Arrays.asList("tx", "tx-key", "yellow"),
            Arrays.asList(message.getTags(), message.getKeys(), message.getUserProperty("colour")), "properties");
        Check.equal(1L, context.peers.admin.maxOffset(context.queue(topic, 0)), "messages in the topic");
    }

    static void rollback(CaseContext context) throws Exception {
        String topic = context.createTopic("main", 1);
        Listener listener = new Listener();
        TransactionMQProducer producer = context.startTransactionProducer(listener);
        Map<String, MessageExt> received = startConsumer(context, topic);
        send(producer, topic, "rollback rollback 1", LocalTransactionState.ROLLBACK_MESSAGE);
        // Half messages are checked in order: when the later one has been, the broker is done with the one rolled back.
        send(producer, topic, "unknown commit 2", LocalTransactionState.UNKNOW);

        Check.await("the later message", () -> received.containsKey("unknown commit 2"));
        Check.isTrue(listener.checked.containsKey("unknown commit 2"), "the later one came by a check");
        Check.equal(1, received.size(), "messages received");
        Check.equal(1L, context.peers.admin.maxOffset(context.queue(topic, 0)), "messages in the topic");
    }

    static void checkBack(CaseContext context) throws Exception {
        String topic = context.createTopic("main", 1);
        Listener listener = new Listener();
        TransactionMQProducer producer = context.startTransactionProducer(listener);
        Map<String, MessageExt> received = startConsumer(context, topic);
        send(producer, topic, "unknown rollback 1", LocalTransactionState.UNKNOW);
        TransactionSendResult result = send(producer, topic, "unknown commit 2", LocalTransactionState.UNKNOW);

        Check.await("the message committed by a check", () -> received.containsKey("unknown commit 2"));
        Check.await("both were checked", () -> listener.checked.size() == 2);
        MessageExt checked = listener.checked.get("unknown commit 2");
        Check.equal(topic, checked.getTopic(), "topic in the check");
        Check.equal(result.getTransactionId(), checked.getTransactionId(), "transaction id in the check");
        Check.equal("tx-key", checked.getKeys(), "keys in the check");
        MessageExt message = received.get("unknown commit 2");
        Check.equal(result.getMsgId(), message.getMsgId(), "message id");
        Check.equal("yellow", message.getUserProperty("colour"), "user property");
        Check.equal(1, received.size(), "messages received");
        Check.equal(1L, context.peers.admin.maxOffset(context.queue(topic, 0)), "messages in the topic");
    }

    private static TransactionSendResult send(TransactionMQProducer producer, String topic, String body,
        LocalTransactionState expected) throws Exception {
        Message message = new Message(topic, "tx", "tx-key", body.getBytes("UTF-8"));
        message.putUserProperty("colour", "yellow");
        TransactionSendResult result = producer.sendMessageInTransaction(message, null);
        Check.equal(SendStatus.SEND_OK, result.getSendStatus(), "status");
        Check.equal(expected, result.getLocalTransactionState(), "local state");
        return result;
    }

    private static Map<String, MessageExt> startConsumer(CaseContext context, String topic) throws Exception {
        Map<String, MessageExt> received = new ConcurrentHashMap<>();
        DefaultMQPushConsumer consumer = context.newPushConsumer(context.group("main"));
        consumer.subscribe(topic, "*");
        consumer.registerMessageListener((MessageListenerConcurrently) (messages, listenerContext) -> {
            messages.forEach(message -> received.put(CaseContext.body(message), message));
            return ConsumeConcurrentlyStatus.CONSUME_SUCCESS;
        });
        consumer.start();
        return received;
    }
}
