// SPDX-License-Identifier: Apache-2.0

package main

import (
	"encoding/binary"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"regexp"
	"strconv"
	"sync/atomic"
	"time"
)

// Requests that the Go client has no call for, as JSON frames on a connection of their own.
const (
	codeSendMessage         = 10
	codeQueryConsumerOffset = 14
	codeUpdateOffset        = 15
	codeSearchOffset        = 29
	codeMaxOffset           = 30
	codeTopicRoute          = 105
	codeClusterInfo         = 106
	codeConsumerConnections = 203
	codeResetOffset         = 222

	responseOK              = 0
	responseTopicNotExist   = 17
	responseConsumerOffline = 206
)

type header struct {
	Code      int               `json:"code"`
	Language  string            `json:"language"`
	Version   int               `json:"version"`
	Opaque    int32             `json:"opaque"`
	Flag      int               `json:"flag"`
	Remark    string            `json:"remark,omitempty"`
	ExtFields map[string]string `json:"extFields"`
}

type response struct {
	header
	body []byte
}

var lastOpaque int32

// call sends one request and waits for its response. Errors: a failure (panic) when the peer cannot be asked.
func call(address string, code int, ext map[string]string, body []byte) response {
	connection, err := net.DialTimeout("tcp", address, 30*time.Second)
	noError(err, "connecting to "+address)
	defer connection.Close()
	noError(connection.SetDeadline(time.Now().Add(30*time.Second)), "deadline")

	// 0 as version: a newer one makes the name server quote integer keys, which does not matter here.
	head, err := json.Marshal(header{Code: code, Language: "JAVA", Opaque: atomic.AddInt32(&lastOpaque, 1), ExtFields: ext})
	noError(err, "request header")
	frame := make([]byte, 8, 8+len(head)+len(body))
	binary.BigEndian.PutUint32(frame, uint32(4+len(head)+len(body)))
	binary.BigEndian.PutUint32(frame[4:], uint32(len(head)))
	_, err = connection.Write(append(append(frame, head...), body...))
	noError(err, "writing a request")

	var prefix [8]byte
	_, err = io.ReadFull(connection, prefix[:])
	noError(err, fmt.Sprintf("reading the response to code %d", code))
	headSize := binary.BigEndian.Uint32(prefix[4:]) & 0xFFFFFF
	content := make([]byte, binary.BigEndian.Uint32(prefix[:])-4)
	_, err = io.ReadFull(connection, content)
	noError(err, fmt.Sprintf("reading the response to code %d", code))
	var answer response
	noError(json.Unmarshal(content[:headSize], &answer.header), "response header")
	answer.body = content[headSize:]
	return answer
}

// peers are the servers under test.
type peers struct {
	nameServer    string
	brokerName    string
	brokerAddress string
}

var (
	brokerNamePattern    = regexp.MustCompile(`"brokerName":"([^"]+)"`)
	brokerAddressPattern = regexp.MustCompile(`"brokerAddrs":\{"?0"?:"([^"]+)"`)
)

// findPeers asks the name server; the body has bare integer keys, which Go's JSON reader refuses.
func findPeers(nameServer string) *peers {
	body := string(call(nameServer, codeClusterInfo, nil, nil).body)
	name := brokerNamePattern.FindStringSubmatch(body)
	address := brokerAddressPattern.FindStringSubmatch(body)
	check(name != nil && address != nil, "one broker in "+body)
	return &peers{nameServer: nameServer, brokerName: name[1], brokerAddress: address[1]}
}

func (p *peers) hasRoute(topic string) bool {
	return call(p.nameServer, codeTopicRoute, map[string]string{"topic": topic}, nil).Code == responseOK
}

func (p *peers) maxOffset(topic string, queue int) int64 {
	return p.offset(codeMaxOffset, map[string]string{"topic": topic, "queueId": strconv.Itoa(queue)})
}

func (p *peers) offsetAt(topic string, queue int, timeMs int64) int64 {
	return p.offset(codeSearchOffset, map[string]string{
		"topic": topic, "queueId": strconv.Itoa(queue), "timestamp": strconv.FormatInt(timeMs, 10)})
}

// consumedOffset is -1 while the broker knows none.
func (p *peers) consumedOffset(group, topic string, queue int) int64 {
	answer := call(p.brokerAddress, codeQueryConsumerOffset, map[string]string{
		"consumerGroup": group, "topic": topic, "queueId": strconv.Itoa(queue)}, nil)
	if answer.Code != responseOK {
		return -1
	}
	offset, err := strconv.ParseInt(answer.ExtFields["offset"], 10, 64)
	noError(err, "offset in a response")
	return offset
}

func (p *peers) setConsumedOffset(group, topic string, queue int, offset int64) {
	answer := call(p.brokerAddress, codeUpdateOffset, map[string]string{"consumerGroup": group, "topic": topic,
		"queueId": strconv.Itoa(queue), "commitOffset": strconv.FormatInt(offset, 10)}, nil)
	equal(responseOK, answer.Code, "code of an offset update")
}

func (p *peers) isOnline(group string) bool {
	answer := call(p.brokerAddress, codeConsumerConnections, map[string]string{"consumerGroup": group}, nil)
	return answer.Code != responseConsumerOffline
}

func (p *peers) offset(code int, ext map[string]string) int64 {
	answer := call(p.brokerAddress, code, ext, nil)
	equal(responseOK, answer.Code, fmt.Sprintf("code of request %d (%s)", code, answer.Remark))
	offset, err := strconv.ParseInt(answer.ExtFields["offset"], 10, 64)
	noError(err, "offset in a response")
	return offset
}
