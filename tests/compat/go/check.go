// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"reflect"
	"time"
)

// Go's consumer rebalances every 20 s and stores offsets every 5 s; neither can be set.
const deadline = 90 * time.Second

func fail(what string) {
	panic(what)
}

func check(holds bool, what string) {
	if !holds {
		fail(what)
	}
}

func equal(expected, actual interface{}, what string) {
	if !reflect.DeepEqual(expected, actual) {
		fail(fmt.Sprintf("%s: expected <%v> but got <%v>", what, expected, actual))
	}
}

func noError(err error, what string) {
	if err != nil {
		fail(fmt.Sprintf("%s: %v", what, err))
	}
}

// await polls until the condition holds.
func await(what string, holds func() bool) {
	end := time.Now().Add(deadline)
	for !holds() {
		if time.Now().After(end) {
			fail(fmt.Sprintf("not within %v: %s", deadline, what))
		}
		time.Sleep(20 * time.Millisecond)
	}
}
