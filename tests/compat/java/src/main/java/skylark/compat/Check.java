// SPDX-License-Identifier: Apache-2.0
package skylark.compat;

import java.util.Objects;

/** Assertions of the cases, and waiting for a condition with a generous deadline. */
final class Check {
    static final int DEADLINE_S = 60;

    /** A condition that is polled; it may throw what client calls throw while the state is not there yet. */
    interface Condition {
        boolean holds() throws Exception;
    }

    private Check() {
    }

    static void isTrue(boolean condition, String what) {
        if (!condition) {
            throw new AssertionError(what);
        }
    }

    static void equal(Object expected, Object actual, String what) {
        if (!Objects.equals(expected, actual)) {
            throw new AssertionError(what + ": expected <" + expected + "> but got <" + actual + ">");
        }
    }

    /** Polls until the condition holds. An exception counts as "not yet"; the last one is the cause when time is up. */
    static void await(String what, Condition condition) throws InterruptedException {
        long end = System.nanoTime() + DEADLINE_S * 1_000_000_000L;
        Exception last = null;
        while (System.nanoTime() < end) {
            try {
                if (condition.holds()) {
                    return;
                }
                last = null;
            } catch (InterruptedException interrupted) {
                throw interrupted;
            } catch (Exception notYet) {
                last = notYet;
            }
            Thread.sleep(20);
        }
        throw new AssertionError("not within " + DEADLINE_S + " s: " + what, last);
    }
}
