// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"strings"
	"sync"

	"github.com/apache/rocketmq-client-go/v2/primitive"
	"github.com/apache/rocketmq-client-go/v2/producer"

	rocketmq "github.com/apache/rocketmq-client-go/v2"
)

// The body's first word says what the local transaction answers, its second what a check does.
type transactionListener struct {
	mutex   sync.Mutex
	checked map[string]*primitive.MessageExt
}

func (l *transactionListener) ExecuteLocalTransaction(message *primitive.Message) primitive.LocalTransactionState {
	return stateOf(strings.Fields(string(message.Body))[0])
}

func (l *transactionListener) CheckLocalTransaction(message *primitive.MessageExt) primitive.LocalTransactionState {
	l.mutex.Lock()
	defer l.mutex.Unlock()
	l.checked[string(message.Body)] = message
	return stateOf(strings.Fields(string(message.Body))[1])
}

func (l *transactionListener) check(body string) *primitive.MessageExt {
	l.mutex.Lock()
	defer l.mutex.Unlock()
	return l.checked[body]
}

func stateOf(word string) primitive.LocalTransactionState {
	switch word {
	case "commit":
		return primitive.CommitMessageState
	case "rollback":
		return primitive.RollbackMessageState
	default:
		return primitive.UnknowState
	}
}

type transactionCase struct {
	*caseContext
	topic    string
	listener *transactionListener
	client   rocketmq.TransactionProducer
	received *collector
}

func startTransactionCase(c *caseContext) *transactionCase {
	t := &transactionCase{caseContext: c, topic: c.createTopic("main", 1), received: newCollector(),
		listener: &transactionListener{checked: map[string]*primitive.MessageExt{}}}
	client, err := rocketmq.NewTransactionProducer(t.listener, producer.WithNsResolver(c.resolver()),
		producer.WithGroupName(c.group("producer")), producer.WithInstanceName(c.instance()), producer.WithRetry(2))
	noError(err, "transaction producer")
	noError(client.Start(), "starting the transaction producer")
	t.client = client
	c.startPushConsumer(t.topic, "*", t.received)
	return t
}

func (t *transactionCase) send(body string) *primitive.TransactionSendResult {
	message := primitive.NewMessage(t.topic, []byte(body)).WithTag("tx").WithKeys([]string{"tx-key"})
	message.WithProperty("colour", "yellow")
	result, err := t.client.SendMessageInTransaction(context.Background(), message)
	noError(err, "sending in a transaction")
	equal(primitive.SendOK, result.Status, "status")
	equal(stateOf(strings.Fields(body)[0]), result.State, "local state")
	return result
}

// awaitOnly waits for one message and checks that it is the only one in the topic.
func (t *transactionCase) awaitOnly(body string) *primitive.MessageExt {
	await(body, func() bool { return t.received.has(body) })
	equal(1, t.received.ids(), "messages received")
	equal(int64(1), t.peers.maxOffset(t.topic, 0), "messages in the topic")
	return t.received.last[body]
}

func transactionCommit(c *caseContext) {
	t := startTransactionCase(c)
	result := t.send("commit commit 1")
	message := t.awaitOnly("commit commit 1")
	equal(t.topic, message.Topic, "topic")
	equal(int64(0), message.QueueOffset, "queue offset")
	equal(result.MsgID, message.MsgId, "message id")
	equal("tx", message.GetTags(), "tags")
	equal("tx-key", message.GetKeys(), "keys")
	equal("yellow", message.GetProperty("colour"), "user property")
}

func transactionRollback(c *caseContext) {
	t := startTransactionCase(c)
	t.send("rollback rollback 1")
	// Half messages are checked in order: when the later one has been, the broker is done with the one rolled back.
	t.send("unknown commit 2")
	t.awaitOnly("unknown commit 2")
	check(t.listener.check("unknown commit 2") != nil, "the later one came by a check")
}

func transactionCheckBack(c *caseContext) {
	t := startTransactionCase(c)
	t.send("unknown rollback 1")
	result := t.send("unknown commit 2")
	message := t.awaitOnly("unknown commit 2")
	equal(result.MsgID, message.MsgId, "message id")
	equal("yellow", message.GetProperty("colour"), "user property")
	await("both were checked", func() bool { return t.listener.check("unknown rollback 1") != nil })
	checked := t.listener.check("unknown commit 2")
	equal(t.topic, checked.Topic, "topic in the check")
	equal(result.MsgID, checked.TransactionId, "transaction id in the check")
	equal("tx-key", checked.GetKeys(), "keys in the check")
}
