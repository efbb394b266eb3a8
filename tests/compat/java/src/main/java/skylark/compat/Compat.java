// SPDX-License-Identifier: Apache-2.0
package skylark.compat;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;

/**
 * Runs the named cases with the official Java client against a name server that already has a broker, a few at a time,
 * and prints one line each: {@code CASE <name> PASS|FAIL|NA <reason>}.
 *
 * <pre>Compat --namesrv 127.0.0.1:9876 --suffix 7f3a [--only send-sync,delay] [--threads 4]</pre>
 */
public final class Compat {
    /** Body of a case: returns when it passed, throws when it did not. */
    interface Case {
        void run(CaseContext context) throws Exception;
    }

    private static final Map<String, Case> CASES = new LinkedHashMap<>();

    static {
        // The long ones first, so that no thread is left alone with one of them at the end.
        CASES.put("offset-reset-online", ReplayCases::resetOnline);
        CASES.put("offset-reset-offline", ReplayCases::resetOffline);
        CASES.put("retry-to-dlq", DelayCases::retryToDeadLetter);
        CASES.put("transaction-check-back", TransactionCases::checkBack);
        CASES.put("transaction-rollback", TransactionCases::rollback);
        CASES.put("rebalance", PushCases::rebalance);
        CASES.put("delay", DelayCases::delay);
        CASES.put("transaction-commit", TransactionCases::commit);
        CASES.put("pull-seek", ReplayCases::pullSeek);
        CASES.put("push-orderly", PushCases::orderly);
        CASES.put("push-concurrent", PushCases::concurrent);
        CASES.put("broadcast", PushCases::broadcast);
        CASES.put("tag-filter", PushCases::tagFilter);
        CASES.put("sql-filter", PushCases::sqlFilter);
        CASES.put("send-sync", SendCases::sync);
        CASES.put("send-async", SendCases::async);
        CASES.put("send-oneway", SendCases::oneWay);
        CASES.put("send-batch", SendCases::batch);
        CASES.put("inner-batch", BatchCases::innerBatch);
        CASES.put("send-big", SendCases::big);
        CASES.put("query-by-id", QueryCases::byId);
        CASES.put("query-by-key", QueryCases::byKey);
        CASES.put("unknown-topic", WireCases::unknownTopic);
        CASES.put("unknown-code", WireCases::unknownCode);
    }

    private Compat() {
    }

    public static void main(String[] args) throws Exception {
        // Read once by the client's rebalance thread: the default of 20 s would be most of a case's time.
        System.setProperty("rocketmq.client.rebalance.waitInterval", "1000");
        System.setProperty("rocketmq.client.rebalance.minInterval", "200");

        Map<String, String> options = parse(args);
        List<String> names = options.containsKey("--only")
            ? Arrays.asList(options.get("--only").split(",")) : new ArrayList<>(CASES.keySet());
        boolean allPassed = true;
        try (Peers peers = new Peers(required(options, "--namesrv"))) {
            ExecutorService pool = Executors.newFixedThreadPool(Integer.parseInt(options.getOrDefault("--threads", "4")));
            List<Future<Boolean>> verdicts = new ArrayList<>();
            for (String name : names) {
                verdicts.add(pool.submit(() -> runOne(name, peers, required(options, "--suffix"))));
            }
            for (Future<Boolean> verdict : verdicts) {
                allPassed &= verdict.get();
            }
            pool.shutdown();
        }
        // The client library leaves threads behind; leave by exit().
        System.exit(allPassed ? 0 : 1);
    }

    private static boolean runOne(String name, Peers peers, String suffix) {
        long begin = System.nanoTime();
        String verdict;
        Case body = CASES.get(name);
        if (body == null) {
            verdict = "FAIL no such case in the Java program";
        } else {
            try (CaseContext context = new CaseContext(name, suffix, peers)) {
                body.run(context);
                verdict = "PASS";
            } catch (Throwable failure) {
                verdict = "FAIL " + describe(failure);
                failure.printStackTrace();
            }
        }
        double seconds = (System.nanoTime() - begin) / 1e9;
        synchronized (System.out) {
            System.out.printf("CASE %s %s%s%n", name, verdict, verdict.equals("PASS") ? String.format(" %.1f s", seconds) : "");
            System.out.flush();
        }
        return verdict.startsWith("PASS");
    }

    private static String describe(Throwable failure) {
        return (failure.getClass().getSimpleName() + ": " + failure.getMessage()).replaceAll("\\s+", " ");
    }

    private static Map<String, String> parse(String[] args) {
        Map<String, String> options = new LinkedHashMap<>();
        for (int i = 0; i + 1 < args.length; i += 2) {
            options.put(args[i], args[i + 1]);
        }
        return options;
    }

    private static String required(Map<String, String> options, String name) {
        String value = options.get(name);
        if (value == null) {
            throw new IllegalArgumentException("missing " + name);
        }
        return value;
    }
}
