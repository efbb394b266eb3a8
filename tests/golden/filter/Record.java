// SPDX-License-Identifier: Apache-2.0
// Asks the filter module of RocketMQ what it makes of each expression over each set of properties. See README.md.
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.Paths;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.apache.rocketmq.filter.expression.EvaluationContext;
import org.apache.rocketmq.filter.expression.Expression;
import org.apache.rocketmq.filter.parser.SelectorParser;
import org.apache.rocketmq.filter.util.BloomFilter;

public class Record {
    private static List<Map<String, String>> propertySets(Path file) throws Exception {
        List<Map<String, String>> sets = new ArrayList<>();
        for (String line : Files.readAllLines(file, StandardCharsets.UTF_8)) {
            Map<String, String> set = new HashMap<>();
            for (String pair : line.split("\\|")) {
                int at = pair.indexOf('=');
                if (at > 0) {
                    set.put(pair.substring(0, at), pair.substring(at + 1));
                }
            }
            sets.add(set);
        }
        return sets;
    }

    private static char evaluate(Expression expression, Map<String, String> properties) {
        try {
            Object value = expression.evaluate(new EvaluationContext() {
                @Override
                public Object get(String name) {
                    return properties.get(name);
                }

                @Override
                public Map<String, Object> keyValues() {
                    return new HashMap<>(properties);
                }
            });
            return value == null ? '?' : Boolean.TRUE.equals(value) ? 'y' : Boolean.FALSE.equals(value) ? 'n' : '!';
        } catch (Throwable failure) {
            return '!';
        }
    }

    private static String results(String text, List<Map<String, String>> sets) {
        Expression expression;
        try {
            expression = SelectorParser.parse(text.replace("\\n", "\n").replace("\\t", "\t"));
        } catch (Throwable refused) {
            return "refused";
        }
        StringBuilder answers = new StringBuilder();
        for (Map<String, String> set : sets) {
            answers.append(evaluate(expression, set));
        }
        return answers.toString();
    }

    public static void main(String[] arguments) throws Exception {
        Path folder = Paths.get(arguments[0]);
        List<Map<String, String>> sets = propertySets(folder.resolve("properties.txt"));
        List<String> lines = new ArrayList<>();
        for (String text : Files.readAllLines(folder.resolve("expressions.txt"), StandardCharsets.UTF_8)) {
            lines.add(results(text, sets));
        }
        Files.write(folder.resolve("results.txt"), lines, StandardCharsets.UTF_8);

        List<String> bits = new ArrayList<>();
        int[][] settings = {{20, 32}, {20, 64}, {10, 128}, {1, 1000}, {50, 4}};
        String[] names = {"GID_sql#GoldenFilter", "g#t", "", "a", "0123456789abcdef", "0123456789abcdef0", "CID_ünïcode#Tøpic",
            "%RETRY%group#topic_with_a_name_that_is_longer_than_thirty_two_bytes"};
        for (int[] setting : settings) {
            BloomFilter filter = BloomFilter.createByFn(setting[0], setting[1]);
            for (String name : names) {
                StringBuilder line = new StringBuilder();
                line.append(setting[0]).append(' ').append(setting[1]).append(' ').append(filter.getM());
                for (int position : filter.calcBitPositions(name)) {
                    line.append(' ').append(position);
                }
                bits.add(line.append('\t').append(name).toString());
            }
        }
        Files.write(folder.resolve("bloom.txt"), bits, StandardCharsets.UTF_8);
    }
}
