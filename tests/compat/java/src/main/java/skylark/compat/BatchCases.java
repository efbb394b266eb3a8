// SPDX-License-Identifier: Apache-2.0
package skylark.compat;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentSkipListMap;
import org.apache.rocketmq.client.consumer.DefaultMQPushConsumer;
import org.apache.rocketmq.client.consumer.listener.ConsumeConcurrentlyStatus;
import org.apache.rocketmq.client.consumer.listener.MessageListenerConcurrently;
import org.apache.rocketmq.client.producer.DefaultMQProducer;
import org.apache.rocketmq.client.producer.SendResult;
import org.apache.rocketmq.client.producer.SendStatus;
import org.apache.rocketmq.common.message.Message;
import org.apache.rocketmq.common.message.MessageExt;

/** Topics whose records hold several messages: what is sent as a batch stays one, and clients take it apart. */
final class BatchCases {
    private BatchCases() {
    }

    static void innerBatch(CaseContext context) throws Exception {
        final int batches = 3;
        final int size = 5;
        String topic = context.createTopic("main", 1, Map.of("+queue.type", "BatchCQ"));
        DefaultMQProducer producer = context.startProducer();
        for (int i = 0; i < batches; i++) {
            List<Message> batch = new ArrayList<>();
            for (int k = 0; k < size; k++) {
                int position = i * size + k;
                Message message = new Message(topic, "tag-" + k, "key-" + position, ("inner " + position).getBytes("UTF-8"));
                message.putUserProperty("position", Integer.toString(position));
                batch.add(message);
            }
            SendResult result = producer.send(batch);
            Check.equal(SendStatus.SEND_OK, result.getSendStatus(), "status");
            Check.equal((long) i * size, result.getQueueOffset(), "queue offset of the first of the batch");
            Check.isTrue(!result.getMsgId().contains(","), "one id for the batch: " + result.getMsgId());
            Check.isTrue(!result.getOffsetMsgId().contains(","), "one offset id for the batch: " + result.getOffsetMsgId());
        }

        for (MessageExt message : context.readQueue(topic, 0, batches * size)) {
            long position = message.getQueueOffset();
            Check.equal("inner " + position, CaseContext.body(message), "body");
            Check.equal("tag-" + position % size, message.getTags(), "tags");
            Check.equal("key-" + position, message.getKeys(), "keys");
            Check.equal(Long.toString(position), message.getUserProperty("position"), "user property");
        }

        ConcurrentSkipListMap<Long, String> consumed = new ConcurrentSkipListMap<>();
        DefaultMQPushConsumer consumer = context.newPushConsumer(context.group("push"));
        consumer.subscribe(topic, "*");
        consumer.registerMessageListener((MessageListenerConcurrently) (messages, at) -> {
            messages.forEach(message -> consumed.put(message.getQueueOffset(), CaseContext.body(message)));
            return ConsumeConcurrentlyStatus.CONSUME_SUCCESS;
        });
        consumer.start();
        Check.await("all messages consumed", () -> consumed.size() >= batches * size);
        for (int i = 0; i < batches * size; i++) {
            Check.equal("inner " + i, consumed.get((long) i), "consumed body " + i);
        }
    }
}
