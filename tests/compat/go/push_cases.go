// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/apache/rocketmq-client-go/v2/consumer"
	"github.com/apache/rocketmq-client-go/v2/primitive"
	"github.com/apache/rocketmq-client-go/v2/producer"
)

func pushConcurrent(c *caseContext) {
	const queues, count = 4, 200
	topic := c.createTopic("main", queues)
	client := c.startProducer()
	sent := map[string]string{}
	sendHalf := func(begin, end int) {
		for i := begin; i < end; i++ {
			body := fmt.Sprintf("push %d", i)
			sent[send(client, primitive.NewMessage(topic, []byte(body))).MsgID] = body
		}
	}
	sendHalf(0, count/2)
	received := newCollector()
	c.startPushConsumer(topic, "*", received)
	sendHalf(count/2, count) // These arrive at pulls that the broker holds.
	await("all messages", func() bool { return received.ids() >= count })
	received.with(func() { equal(sent, received.byID, "ids and bodies received") })
	c.awaitConsumed(c.group("main"), topic, queues)
}

// awaitConsumed returns once the broker knows that the group is at the end of every queue.
func (c *caseContext) awaitConsumed(group, topic string, queues int) {
	for queue := 0; queue < queues; queue++ {
		end := c.peers.maxOffset(topic, queue)
		await(fmt.Sprintf("consumed offset %d of queue %d", end, queue), func() bool {
			return end == 0 || c.peers.consumedOffset(group, topic, queue) == end
		})
	}
}

func pushOrderly(c *caseContext) {
	const queues, perKey = 4, 40
	topic := c.createTopic("main", queues)
	client := c.startProducer(producer.WithQueueSelector(producer.NewManualQueueSelector()))
	var mutex sync.Mutex
	seen := map[int][]int{}
	suspended := false
	group := c.group("main")
	push := c.newPushConsumer(group, consumer.WithConsumerOrder(true), consumer.WithConsumeMessageBatchMaxSize(1))
	listen := func(ctx context.Context, messages ...*primitive.MessageExt) (consumer.ConsumeResult, error) {
		mutex.Lock()
		defer mutex.Unlock()
		for _, message := range messages {
			key, _ := strconv.Atoi(message.GetKeys())
			number, _ := strconv.Atoi(string(message.Body))
			if key == 2 && number == 7 && !suspended {
				suspended = true
				if orderly, ok := primitive.GetOrderlyCtx(ctx); ok {
					orderly.SuspendCurrentQueueTimeMillis = 50
				}
				return consumer.SuspendCurrentQueueAMoment, nil // Message 7 must come again, before 8.
			}
			seen[key] = append(seen[key], number)
		}
		return consumer.ConsumeSuccess, nil
	}
	noError(push.Subscribe(topic, consumer.MessageSelector{Type: consumer.TAG, Expression: "*"}, listen), "subscribing")
	noError(push.Start(), "starting the consumer")
	for number := 0; number < perKey; number++ {
		for key := 0; key < queues; key++ {
			message := primitive.NewMessage(topic, []byte(strconv.Itoa(number))).WithKeys([]string{strconv.Itoa(key)})
			message.Queue = c.queue(topic, key)
			send(client, message)
		}
	}
	var expected []int
	for number := 0; number < perKey; number++ {
		expected = append(expected, number)
	}
	for key := 0; key < queues; key++ {
		await(fmt.Sprintf("all of key %d", key), func() bool {
			mutex.Lock()
			defer mutex.Unlock()
			return len(seen[key]) >= perKey
		})
		mutex.Lock()
		equal(expected, seen[key], fmt.Sprintf("order of key %d", key))
		mutex.Unlock()
	}
	check(suspended, "one message was put back once")
}

// The client does not tell which queues it owns, so the case sends rounds, one message to each queue, and looks at who
// gets them, until the shares are as they should be.
func rebalance(c *caseContext) {
	const queues = 4
	topic := c.createTopic("main", queues)
	client := c.startProducer(producer.WithQueueSelector(producer.NewManualQueueSelector()))
	collectors := []*collector{newCollector(), newCollector()}
	round := 0
	shares := func() (counts [2]int) {
		round++
		for queue := 0; queue < queues; queue++ {
			message := primitive.NewMessage(topic, []byte(fmt.Sprintf("round %d queue %d", round, queue)))
			message.Queue = c.queue(topic, queue)
			send(client, message)
		}
		for queue := 0; queue < queues; queue++ {
			body := fmt.Sprintf("round %d queue %d", round, queue)
			await(body, func() bool { return collectors[0].has(body) || collectors[1].has(body) })
			for i := range collectors {
				if collectors[i].has(body) {
					counts[i]++
				}
			}
		}
		return counts
	}

	c.startPushConsumer(topic, "*", collectors[0])
	await("the only consumer gets all", func() bool { return shares() == [2]int{4, 0} })
	second := c.startPushConsumer(topic, "*", collectors[1])
	await("each gets half", func() bool { return shares() == [2]int{2, 2} })
	noError(second.Shutdown(), "shutting down the second consumer")
	await("the one that stays gets all", func() bool { return shares() == [2]int{4, 0} })
}

func broadcast(c *caseContext) {
	const count = 40
	topic := c.createTopic("main", 4)
	var received []*collector
	for i := 0; i < 2; i++ {
		mine := newCollector()
		c.startPushConsumer(topic, "*", mine, consumer.WithConsumerModel(consumer.BroadCasting))
		received = append(received, mine)
	}
	client := c.startProducer()
	sent := map[string]string{}
	for i := 0; i < count; i++ {
		body := fmt.Sprintf("broadcast %d", i)
		sent[send(client, primitive.NewMessage(topic, []byte(body))).MsgID] = body
	}
	for _, mine := range received {
		await("all messages at each consumer", func() bool { return mine.ids() >= count })
		mine.with(func() { equal(sent, mine.byID, "ids and bodies received") })
	}
}

func tagFilter(c *caseContext) {
	topic := c.createTopic("main", 2)
	client := c.startProducer()
	colours, hashes := newCollector(), newCollector()
	c.startPushConsumer(topic, "red || green", colours)
	// "Aa" and "BB" have the same Java hash code: the broker lets both pass, the client must drop one.
	other := c.newPushConsumer(c.group("hash"))
	noError(other.Subscribe(topic, consumer.MessageSelector{Type: consumer.TAG, Expression: "Aa"}, hashes.listen), "subscribing")
	noError(other.Start(), "starting the consumer")

	sentColours, sentHashes := map[string]string{}, map[string]string{}
	for _, tag := range strings.Fields("red green blue Aa BB red Aa BB blue green") {
		message := primitive.NewMessage(topic, []byte("tagged "+tag)).WithTag(tag)
		id := send(client, message).MsgID
		switch tag {
		case "red", "green":
			sentColours[id] = "tagged " + tag
		case "Aa":
			sentHashes[id] = "tagged " + tag
		}
	}
	send(client, primitive.NewMessage(topic, []byte("without a tag")))
	await("messages of two tags", func() bool { return colours.ids() >= len(sentColours) })
	await("messages of one tag", func() bool { return hashes.ids() >= len(sentHashes) })
	colours.with(func() { equal(sentColours, colours.byID, "messages of two tags") })
	hashes.with(func() { equal(sentHashes, hashes.byID, "messages of one tag") })
}

func sqlFilter(c *caseContext) {
	topic := c.createTopic("main", 1)
	client := c.startProducer()
	received := newCollector()
	push := c.newPushConsumer(c.group("main"))
	selector := consumer.MessageSelector{Type: consumer.SQL92, Expression: "size > 5 AND colour IN ('red', 'green') AND gone IS NULL"}
	noError(push.Subscribe(topic, selector, received.listen), "subscribing")
	noError(push.Start(), "starting the consumer")
	wanted := map[string]string{}
	for i := 0; i < 30; i++ {
		colour := []string{"red", "green", "blue"}[i%3]
		body := fmt.Sprintf("%s %d", colour, i)
		size := strconv.Itoa(i % 10)
		if i%7 == 0 {
			size = "large"
		}
		message := primitive.NewMessage(topic, []byte(body))
		message.WithProperty("size", size)
		message.WithProperty("colour", colour)
		if i%4 == 0 {
			message.WithProperty("gone", "yes")
		}
		id := send(client, message).MsgID
		if i%7 != 0 && i%10 > 5 && colour != "blue" && i%4 != 0 {
			wanted[id] = body
		}
	}
	last := primitive.NewMessage(topic, []byte("last")) // Behind all others: what was to come before it has come.
	last.WithProperty("size", "6")
	last.WithProperty("colour", "red")
	wanted[send(client, last).MsgID] = "last"
	await("messages that the expression is true for", func() bool { return received.ids() >= len(wanted) })
	received.with(func() { equal(wanted, received.byID, "messages that the expression is true for") })
}

func delay(c *caseContext) {
	topic := c.createTopic("main", 2)
	received := newCollector()
	c.startPushConsumer(topic, "*", received)
	client := c.startProducer()
	delays := map[int]time.Duration{4: 3 * time.Second, 3: 2 * time.Second, 1: time.Second, 0: 0} // messageDelayLevel=1s 1s 2s 3s ...
	sentAt := map[int]time.Time{}
	ids := map[int]string{}
	for _, level := range []int{4, 3, 1, 0} {
		message := primitive.NewMessage(topic, []byte(fmt.Sprintf("level %d", level)))
		message.WithTag("later").WithProperty("colour", "green")
		if level > 0 {
			message.WithDelayTimeLevel(level)
		}
		sentAt[level] = time.Now()
		ids[level] = send(client, message).MsgID
	}
	await("all delayed messages", func() bool { return received.ids() >= len(ids) })
	received.with(func() {
		for i, message := range received.messages {
			level, _ := strconv.Atoi(strings.TrimPrefix(string(message.Body), "level "))
			took := received.arrived[i].Sub(sentAt[level])
			check(took >= delays[level], fmt.Sprintf("level %d came after %v, before its time", level, took))
			equal(ids[level], message.MsgId, "message id")
			equal(topic, message.Topic, "topic")
			equal("later", message.GetTags(), "tags")
			equal("green", message.GetProperty("colour"), "user property")
		}
	})
}

func retryToDeadLetter(c *caseContext) {
	const retriesMax = 2
	topic := c.createTopic("main", 1)
	group := c.group("main")
	// The broker would create it at the first heartbeat, but this client polls routes only every 30 s.
	c.createTopicNamed("%RETRY%"+group, 1)
	received := newCollector()
	push := c.newPushConsumer(group, consumer.WithMaxReconsumeTimes(retriesMax))
	listen := func(_ context.Context, messages ...*primitive.MessageExt) (consumer.ConsumeResult, error) {
		received.add(messages...)
		return consumer.ConsumeRetryLater, nil
	}
	noError(push.Subscribe(topic, consumer.MessageSelector{Type: consumer.TAG, Expression: "*"}, listen), "subscribing")
	noError(push.Start(), "starting the consumer")
	message := primitive.NewMessage(topic, []byte("nobody can eat this")).WithTag("poison").WithKeys([]string{"dlq-key"})
	result := send(c.startProducer(), message)

	deadLetters := "%DLQ%" + group
	await("the dead letter", func() bool { return c.peers.maxOffset(deadLetters, 0) >= 1 })
	received.with(func() {
		equal(retriesMax+1, len(received.messages), "deliveries before the dead-letter topic")
		waits := []time.Duration{2 * time.Second, 3 * time.Second} // Levels 3 and 4.
		for i, delivered := range received.messages {
			equal(int32(i), delivered.ReconsumeTimes, "reconsume times")
			equal("nobody can eat this", string(delivered.Body), "body")
			equal(result.MsgID, delivered.MsgId, "message id")
			if i > 0 {
				took := received.arrived[i].Sub(received.arrived[i-1])
				check(took >= waits[i-1], fmt.Sprintf("retry %d came after %v, before its time", i, took))
			}
		}
	})
	await("route of "+deadLetters, func() bool { return c.peers.hasRoute(deadLetters) })
	dead := c.readTopic(deadLetters, 1, 1)[0]
	equal("nobody can eat this", string(dead.Body), "body of the dead letter")
	equal(topic, dead.GetProperty(primitive.PropertyRetryTopic), "original topic of the dead letter")
	equal("poison", dead.GetTags(), "tags of the dead letter")
	equal("dlq-key", dead.GetKeys(), "keys of the dead letter")
}
