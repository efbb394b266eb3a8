// SPDX-License-Identifier: Apache-2.0

// Runs the named cases with the official Go client against a name server that already has a broker, a few at a time,
// and prints one line each: CASE <name> PASS|FAIL|NA <reason>.
//
//	compat --namesrv 127.0.0.1:9876 --suffix 7f3a [--only send-sync,delay] [--threads 4]
package main

import (
	"flag"
	"fmt"
	"os"
	"strings"
	"sync"
	"time"

	"github.com/apache/rocketmq-client-go/v2/rlog"
)

// A case returns when it passed, panics with a failure when it did not.
type testCase struct {
	name string
	run  func(*caseContext)
	na   string // Why this client cannot do it; empty when it can.
}

// The long ones first, so that no worker is left alone with one of them at the end.
var cases = []testCase{
	{name: "offset-reset-online", run: resetOnline},
	{name: "offset-reset-offline", run: resetOffline},
	{name: "push-concurrent", run: pushConcurrent},
	{name: "retry-to-dlq", run: retryToDeadLetter},
	{name: "transaction-check-back", run: transactionCheckBack},
	{name: "transaction-rollback", run: transactionRollback},
	{name: "rebalance", run: rebalance},
	{name: "push-orderly", run: pushOrderly},
	{name: "delay", run: delay},
	{name: "transaction-commit", run: transactionCommit},
	{name: "pull-seek", run: pullSeek},
	{name: "broadcast", run: broadcast},
	{name: "tag-filter", run: tagFilter},
	{name: "sql-filter", run: sqlFilter},
	{name: "send-sync", run: sendSync},
	{name: "send-async", run: sendAsync},
	{name: "send-oneway", run: sendOneWay},
	{name: "send-batch", run: sendBatch},
	{name: "send-big", run: sendBig},
	{name: "unknown-topic", run: unknownTopic},
	{name: "inner-batch", na: "the Go client v2.1.2 does not take records apart that hold several messages"},
	{name: "query-by-id", na: "the Go client v2.1.2 has no call to view a message by its id"},
	{name: "query-by-key", na: "the Go client v2.1.2 has no call to query messages by key"},
	{name: "unknown-code", na: "the Go client v2.1.2 has no public call for a request of any code"},
}

func main() {
	nameServer := flag.String("namesrv", "", "name server, host:port")
	suffix := flag.String("suffix", "", "end of every topic and group name of this run")
	only := flag.String("only", "", "names of cases, joined by commas")
	threads := flag.Int("threads", 4, "cases that run at the same time")
	flag.Parse()
	rlog.SetLogLevel("warn")
	if err := rlog.SetOutputPath("client.log"); err != nil {
		fmt.Fprintln(os.Stderr, err)
	}

	peers := findPeers(*nameServer)
	wanted := selectCases(*only)
	queue := make(chan testCase)
	var workers sync.WaitGroup
	var output sync.Mutex
	for i := 0; i < *threads; i++ {
		workers.Add(1)
		go func() {
			defer workers.Done()
			for one := range queue {
				verdict := runOne(one, peers, *suffix)
				output.Lock()
				fmt.Printf("CASE %s %s\n", one.name, verdict)
				output.Unlock()
			}
		}()
	}
	for _, one := range wanted {
		queue <- one
	}
	close(queue)
	workers.Wait()
}

func selectCases(only string) []testCase {
	if only == "" {
		return cases
	}
	var wanted []testCase
	for _, name := range strings.Split(only, ",") {
		found := testCase{name: name, run: func(*caseContext) { fail("no such case in the Go program") }}
		for _, one := range cases {
			if one.name == name {
				found = one
			}
		}
		wanted = append(wanted, found)
	}
	return wanted
}

func runOne(one testCase, peers *peers, suffix string) (verdict string) {
	if one.na != "" {
		return "NA " + one.na
	}
	begin := time.Now()
	defer func() {
		if failure := recover(); failure != nil {
			verdict = "FAIL " + strings.Join(strings.Fields(fmt.Sprint(failure)), " ")
		}
	}()
	one.run(&caseContext{name: one.name, suffix: suffix, peers: peers})
	return fmt.Sprintf("PASS %.1f s", time.Since(begin).Seconds())
}
