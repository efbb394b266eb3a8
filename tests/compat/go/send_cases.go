// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"context"
	"fmt"
	"math/rand"
	"strings"
	"sync"
	"time"

	"github.com/apache/rocketmq-client-go/v2/primitive"
)

func sendSync(c *caseContext) {
	const queues, count = 4, 20
	topic := c.createTopic("main", queues)
	client := c.startProducer()
	sent := map[string]*primitive.SendResult{}
	numbers := map[string]int{}
	for i := 0; i < count; i++ {
		message := primitive.NewMessage(topic, []byte(fmt.Sprintf("sync body %d äöü 消息", i)))
		message.WithTag(fmt.Sprintf("tag-%d", i%3)).WithKeys([]string{fmt.Sprintf("key-%d", i)})
		message.WithProperty("colour", fmt.Sprintf("blue %d", i))
		result := send(client, message)
		check(sent[result.MsgID] == nil, "message ids are unique")
		sent[result.MsgID] = result
		numbers[result.MsgID] = i
	}
	for _, message := range c.readTopic(topic, queues, count) {
		result := sent[message.MsgId]
		check(result != nil, "id "+message.MsgId+" was given to the producer")
		i := numbers[message.MsgId]
		equal(result.QueueOffset, message.QueueOffset, "queue offset")
		equal(result.OffsetMsgID, message.OffsetMsgId, "offset id")
		equal(topic, message.Topic, "topic")
		equal(fmt.Sprintf("sync body %d äöü 消息", i), string(message.Body), "body")
		equal(fmt.Sprintf("tag-%d", i%3), message.GetTags(), "tags")
		equal(fmt.Sprintf("key-%d", i), message.GetKeys(), "keys")
		equal(fmt.Sprintf("blue %d", i), message.GetProperty("colour"), "user property")
		check(message.StoreTimestamp >= message.BornTimestamp, "stored after born")
		delete(sent, message.MsgId)
	}
	equal(0, len(sent), "messages not read")
}

func sendAsync(c *caseContext) {
	const queues, count = 4, 64
	topic := c.createTopic("main", queues)
	client := c.startProducer()
	var mutex sync.Mutex
	bodyByID := map[string]string{}
	var failures []error
	answered := make(chan struct{}, count)
	for i := 0; i < count; i++ {
		body := fmt.Sprintf("async %d", i)
		err := client.SendAsync(context.Background(), func(_ context.Context, result *primitive.SendResult, err error) {
			mutex.Lock()
			defer mutex.Unlock()
			if err != nil {
				failures = append(failures, err)
			} else {
				bodyByID[result.MsgID] = body
			}
			answered <- struct{}{}
		}, primitive.NewMessage(topic, []byte(body)))
		noError(err, "asynchronous send")
	}
	for i := 0; i < count; i++ {
		select {
		case <-answered:
		case <-time.After(deadline):
			fail("not all callbacks came")
		}
	}
	mutex.Lock()
	defer mutex.Unlock()
	equal(0, len(failures), fmt.Sprintf("failed sends %v", failures))
	equal(count, len(bodyByID), "different message ids")
	for _, message := range c.readTopic(topic, queues, count) {
		equal(bodyByID[message.MsgId], string(message.Body), "body of "+message.MsgId)
		delete(bodyByID, message.MsgId)
	}
	equal(0, len(bodyByID), "messages not read")
}

func sendOneWay(c *caseContext) {
	const queues, count = 2, 20
	topic := c.createTopic("main", queues)
	client := c.startProducer()
	sent := map[string]bool{}
	for i := 0; i < count; i++ {
		body := fmt.Sprintf("one way %d", i)
		noError(client.SendOneWay(context.Background(), primitive.NewMessage(topic, []byte(body))), "one-way send")
		sent[body] = true
	}
	found := map[string]bool{}
	for _, message := range c.readTopic(topic, queues, count) {
		found[string(message.Body)] = true
	}
	equal(sent, found, "bodies")
}

func sendBatch(c *caseContext) {
	const count = 10
	topic := c.createTopic("main", 1)
	client := c.startProducer()
	send(client, primitive.NewMessage(topic, []byte("before")))
	var batch []*primitive.Message
	for i := 0; i < count; i++ {
		message := primitive.NewMessage(topic, []byte(fmt.Sprintf("batch %d", i)))
		message.WithTag(fmt.Sprintf("tag-%d", i)).WithKeys([]string{fmt.Sprintf("batch-key-%d", i)})
		batch = append(batch, message)
	}
	result, err := client.SendSync(context.Background(), batch...)
	noError(err, "sending a batch")
	equal(primitive.SendOK, result.Status, "status")
	equal(int64(1), result.QueueOffset, "queue offset of the first of the batch")
	offsetIDs := strings.Split(result.OffsetMsgID, ",")
	equal(count, len(offsetIDs), "offset ids of the batch")

	found := c.readTopic(topic, 1, count+1)
	for i := 0; i < count; i++ {
		message := found[i+1]
		equal(fmt.Sprintf("batch %d", i), string(message.Body), "body")
		equal(offsetIDs[i], message.OffsetMsgId, "offset id")
		equal(fmt.Sprintf("tag-%d", i), message.GetTags(), "tags")
		equal(fmt.Sprintf("batch-key-%d", i), message.GetKeys(), "keys")
	}
}

func sendBig(c *caseContext) {
	topic := c.createTopic("main", 1)
	client := c.startProducer()
	compressible := []byte(strings.Repeat("the same words again; ", 8000))
	random := make([]byte, 1<<20)
	rand.New(rand.NewSource(20240607)).Read(random)
	send(client, primitive.NewMessage(topic, compressible))
	send(client, primitive.NewMessage(topic, random))

	found := c.readTopic(topic, 1, 2)
	check(bytes.Equal(compressible, found[0].Body), "the compressed body is the one sent")
	check(int(found[0].StoreSize) < len(compressible)/4, "it is stored compressed")
	check(bytes.Equal(random, found[1].Body), "the incompressible body is the one sent")
	check(int(found[1].StoreSize) > len(random), "it is stored whole")
}

func unknownTopic(c *caseContext) {
	topic := c.topicName("absent")
	client := c.startProducer()
	_, err := client.SendSync(context.Background(), primitive.NewMessage(topic, []byte("to nowhere")))
	check(err != nil && strings.Contains(err.Error(), "route info not found"), fmt.Sprintf("error of the client: %v", err))

	// The same at the broker, past the client's own route check.
	answer := call(c.peers.brokerAddress, codeSendMessage, map[string]string{
		"producerGroup": c.group("producer"), "topic": topic, "defaultTopic": "TBW102", "defaultTopicQueueNums": "4",
		"queueId": "0", "sysFlag": "0", "bornTimestamp": "1700000000000", "flag": "0"}, []byte("to nowhere"))
	equal(responseTopicNotExist, answer.Code, "code of the broker")
	check(strings.HasPrefix(answer.Remark, "topic["+topic+"] not exist, apply first please!"), "remark: "+answer.Remark)
}
