// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/apache/rocketmq-client-go/v2/admin"
	"github.com/apache/rocketmq-client-go/v2/consumer"
	"github.com/apache/rocketmq-client-go/v2/primitive"
	"github.com/apache/rocketmq-client-go/v2/producer"

	rocketmq "github.com/apache/rocketmq-client-go/v2"
)

// caseContext gives one case its own names and clients. Clients end with the process unless a case ends them earlier.
type caseContext struct {
	name    string
	suffix  string
	peers   *peers
	clients int
}

func (c *caseContext) topicName(part string) string {
	return fmt.Sprintf("T-%s-%s-%s", c.name, part, c.suffix)
}

func (c *caseContext) group(part string) string {
	return fmt.Sprintf("G-%s-%s-%s", c.name, part, c.suffix)
}

// Every client gets a connection of its own: the Go client shares one by instance name.
func (c *caseContext) instance() string {
	c.clients++
	return fmt.Sprintf("%s-%s-%d", c.name, c.suffix, c.clients)
}

func (c *caseContext) resolver() primitive.NsResolver {
	return primitive.NewPassthroughResolver([]string{c.peers.nameServer})
}

func (c *caseContext) createTopic(part string, queues int) string {
	topic := c.topicName(part)
	c.createTopicNamed(topic, queues)
	return topic
}

// createTopicNamed returns once clients can find the topic.
func (c *caseContext) createTopicNamed(topic string, queues int) {
	client, err := admin.NewAdmin(admin.WithResolver(c.resolver()))
	noError(err, "admin client")
	noError(client.CreateTopic(context.Background(), admin.WithTopicCreate(topic), admin.WithBrokerAddrCreate(c.peers.brokerAddress),
		admin.WithReadQueueNums(queues), admin.WithWriteQueueNums(queues)), "creating "+topic)
	await("route of "+topic, func() bool { return c.peers.hasRoute(topic) })
}

func (c *caseContext) startProducer(options ...producer.Option) rocketmq.Producer {
	client, err := rocketmq.NewProducer(append([]producer.Option{
		producer.WithNsResolver(c.resolver()), producer.WithGroupName(c.group("producer")),
		producer.WithInstanceName(c.instance()), producer.WithRetry(2)}, options...)...)
	noError(err, "producer")
	noError(client.Start(), "starting the producer")
	return client
}

func (c *caseContext) newPushConsumer(group string, options ...consumer.Option) rocketmq.PushConsumer {
	client, err := rocketmq.NewPushConsumer(append([]consumer.Option{
		consumer.WithNsResolver(c.resolver()), consumer.WithGroupName(group), consumer.WithInstance(c.instance()),
		consumer.WithConsumeFromWhere(consumer.ConsumeFromFirstOffset)}, options...)...)
	noError(err, "push consumer")
	return client
}

func (c *caseContext) startPullConsumer(topic string) rocketmq.PullConsumer {
	client, err := rocketmq.NewPullConsumer(consumer.WithNsResolver(c.resolver()), consumer.WithGroupName(c.group("pull")),
		consumer.WithInstance(c.instance()), consumer.WithConsumeFromWhere(consumer.ConsumeFromFirstOffset))
	noError(err, "pull consumer")
	noError(client.Subscribe(topic, consumer.MessageSelector{Type: consumer.TAG, Expression: "*"}), "subscribing")
	noError(client.Start(), "starting the pull consumer")
	return client
}

func (c *caseContext) queue(topic string, queue int) *primitive.MessageQueue {
	return &primitive.MessageQueue{Topic: topic, BrokerName: c.peers.brokerName, QueueId: queue}
}

// pullFrom reads one queue from an offset until it has `count` messages, and checks that their offsets are dense.
func (c *caseContext) pullFrom(reader rocketmq.PullConsumer, topic string, queue int, offset int64, count int) []*primitive.MessageExt {
	var found []*primitive.MessageExt
	await(fmt.Sprintf("%d messages in queue %d of %s", count, queue, topic), func() bool {
		result, err := reader.PullFrom(context.Background(), c.queue(topic, queue), offset+int64(len(found)), 32)
		if err == nil && result.Status == primitive.PullFound {
			found = append(found, result.GetMessageExts()...)
		}
		return len(found) >= count
	})
	equal(count, len(found), "messages in the queue")
	for i, message := range found {
		equal(offset+int64(i), message.QueueOffset, "queue offset")
	}
	return found
}

// readTopic reads all queues once they hold `count` messages together.
func (c *caseContext) readTopic(topic string, queues, count int) []*primitive.MessageExt {
	await(fmt.Sprintf("%d messages in %s", count, topic), func() bool { return c.messagesIn(topic, queues) >= int64(count) })
	reader := c.startPullConsumer(topic)
	var found []*primitive.MessageExt
	for queue := 0; queue < queues; queue++ {
		if max := c.peers.maxOffset(topic, queue); max > 0 {
			found = append(found, c.pullFrom(reader, topic, queue, 0, int(max))...)
		}
	}
	equal(count, len(found), "messages in "+topic)
	return found
}

func (c *caseContext) messagesIn(topic string, queues int) int64 {
	var sum int64
	for queue := 0; queue < queues; queue++ {
		sum += c.peers.maxOffset(topic, queue)
	}
	return sum
}

// collector is a listener that keeps what it gets.
type collector struct {
	mutex    sync.Mutex
	byID     map[string]string                // Message id → body.
	messages []*primitive.MessageExt          // In order of arrival.
	arrived  []time.Time                      // Of each of them.
	times    map[string]int                   // Body → how often.
	last     map[string]*primitive.MessageExt // Body → message.
}

func newCollector() *collector {
	return &collector{byID: map[string]string{}, times: map[string]int{}, last: map[string]*primitive.MessageExt{}}
}

func (c *collector) listen(_ context.Context, messages ...*primitive.MessageExt) (consumer.ConsumeResult, error) {
	c.add(messages...)
	return consumer.ConsumeSuccess, nil
}

func (c *collector) add(messages ...*primitive.MessageExt) {
	c.mutex.Lock()
	defer c.mutex.Unlock()
	for _, message := range messages {
		c.byID[message.MsgId] = string(message.Body)
		c.messages = append(c.messages, message)
		c.arrived = append(c.arrived, time.Now())
		c.times[string(message.Body)]++
		c.last[string(message.Body)] = message
	}
}

// with runs `look` while no message comes in.
func (c *collector) with(look func()) {
	c.mutex.Lock()
	defer c.mutex.Unlock()
	look()
}

func (c *collector) ids() int {
	c.mutex.Lock()
	defer c.mutex.Unlock()
	return len(c.byID)
}

func (c *collector) has(body string) bool {
	c.mutex.Lock()
	defer c.mutex.Unlock()
	return c.times[body] > 0
}

// startPushConsumer subscribes to one topic and starts.
func (c *caseContext) startPushConsumer(topic, expression string, into *collector, options ...consumer.Option) rocketmq.PushConsumer {
	client := c.newPushConsumer(c.group("main"), options...)
	noError(client.Subscribe(topic, consumer.MessageSelector{Type: consumer.TAG, Expression: expression}, into.listen), "subscribing")
	noError(client.Start(), "starting the consumer")
	return client
}

func send(client rocketmq.Producer, message *primitive.Message) *primitive.SendResult {
	result, err := client.SendSync(context.Background(), message)
	noError(err, "sending")
	equal(primitive.SendOK, result.Status, "send status")
	return result
}
