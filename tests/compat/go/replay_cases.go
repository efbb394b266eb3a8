// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"fmt"
	"strconv"
	"time"

	"github.com/apache/rocketmq-client-go/v2/primitive"
	"github.com/apache/rocketmq-client-go/v2/producer"

	rocketmq "github.com/apache/rocketmq-client-go/v2"
)

const (
	replayQueues  = 2
	replayPerHalf = 15
)

func pullSeek(c *caseContext) {
	const count = 40
	topic := c.createTopic("main", 1)
	client := c.startProducer()
	for i := 0; i < count; i++ {
		send(client, primitive.NewMessage(topic, []byte(fmt.Sprintf("pull %d", i))))
	}
	reader := c.startPullConsumer(topic)
	for _, begin := range []int{0, 25, 0, 39} {
		for i, message := range c.pullFrom(reader, topic, 0, int64(begin), count-begin) {
			equal(fmt.Sprintf("pull %d", begin+i), string(message.Body), "body")
		}
	}
	result, err := reader.PullFrom(context.Background(), c.queue(topic, 0), count+7, 32) // Past the end: told where to go on.
	noError(err, "pull past the end")
	equal(primitive.PullOffsetIllegal, result.Status, "status past the end")
	equal(int64(count), result.NextBeginOffset, "next offset past the end")

	noError(reader.UpdateOffset(c.queue(topic, 0), 33), "updating the offset")
	await("the committed offset", func() bool {
		return reader.PersistOffset(context.Background(), topic) == nil && c.peers.consumedOffset(c.group("pull"), topic, 0) == 33
	})
}

func resetOnline(c *caseContext) {
	topic := c.createTopic("main", replayQueues)
	client := c.startProducer(producer.WithQueueSelector(producer.NewManualQueueSelector()))
	received := newCollector()
	c.startPushConsumer(topic, "*", received)
	middleMs := c.sendTwoHalves(client, topic)
	await("both halves", func() bool { return received.ids() >= 2*replayQueues*replayPerHalf })

	answer := call(c.peers.brokerAddress, codeResetOffset, map[string]string{"topic": topic, "group": c.group("main"),
		"timestamp": strconv.FormatInt(middleMs, 10), "isForce": "true"}, nil)
	equal(responseOK, answer.Code, "code of the reset: "+answer.Remark)
	repeated := func() map[string]bool {
		bodies := map[string]bool{}
		received.with(func() {
			for body, times := range received.times {
				if times > 1 {
					bodies[body] = true
				}
			}
		})
		return bodies
	}
	await("the second half again", func() bool { return len(repeated()) >= replayQueues*replayPerHalf })
	equal(half("second"), repeated(), "messages consumed again")

	message := primitive.NewMessage(topic, []byte("after the reset")) // The group goes on as usual.
	message.Queue = c.queue(topic, 0)
	send(client, message)
	await("a new message", func() bool { return received.has("after the reset") })
}

// This client has no admin call for it: the offsets are searched and set as mqadmin does for a group that is offline.
func resetOffline(c *caseContext) {
	topic := c.createTopic("main", replayQueues)
	group := c.group("main")
	client := c.startProducer(producer.WithQueueSelector(producer.NewManualQueueSelector()))
	received := newCollector()
	first := c.startPushConsumer(topic, "*", received)
	middleMs := c.sendTwoHalves(client, topic)
	await("both halves", func() bool { return received.ids() >= 2*replayQueues*replayPerHalf })
	c.awaitConsumed(group, topic, replayQueues)
	noError(first.Shutdown(), "shutting down the consumer")
	await("the group is offline", func() bool { return !c.peers.isOnline(group) })

	for queue := 0; queue < replayQueues; queue++ {
		offset := c.peers.offsetAt(topic, queue, middleMs)
		equal(int64(replayPerHalf), offset, "offset by time")
		c.peers.setConsumedOffset(group, topic, queue, offset)
		equal(offset, c.peers.consumedOffset(group, topic, queue), "offset of the group")
	}
	again := newCollector()
	c.startPushConsumer(topic, "*", again)
	await("the second half", func() bool { return again.ids() >= replayQueues*replayPerHalf })
	bodies := map[string]bool{}
	again.with(func() {
		for body := range again.times {
			bodies[body] = true
		}
	})
	equal(half("second"), bodies, "messages after the reset")
}

// sendTwoHalves returns a time after the first and before the second half was stored (both on this machine's clock).
func (c *caseContext) sendTwoHalves(client rocketmq.Producer, topic string) int64 {
	c.sendHalf(client, topic, "first")
	firstStoredMs := nowMs()
	await("a later millisecond", func() bool { return nowMs() > firstStoredMs+1 })
	middleMs := nowMs()
	await("a later millisecond", func() bool { return nowMs() > middleMs+1 })
	c.sendHalf(client, topic, "second")
	return middleMs
}

func (c *caseContext) sendHalf(client rocketmq.Producer, topic, label string) {
	for i := 0; i < replayPerHalf; i++ {
		for queue := 0; queue < replayQueues; queue++ {
			message := primitive.NewMessage(topic, []byte(fmt.Sprintf("%s %d %d", label, queue, i)))
			message.Queue = c.queue(topic, queue)
			send(client, message)
		}
	}
}

func half(label string) map[string]bool {
	bodies := map[string]bool{}
	for i := 0; i < replayPerHalf; i++ {
		for queue := 0; queue < replayQueues; queue++ {
			bodies[fmt.Sprintf("%s %d %d", label, queue, i)] = true
		}
	}
	return bodies
}

func nowMs() int64 {
	return time.Now().UnixNano() / int64(time.Millisecond)
}
