// SPDX-License-Identifier: Apache-2.0
package skylark.compat;

import java.io.BufferedReader;
import java.io.ByteArrayOutputStream;
import java.io.InputStreamReader;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import org.apache.rocketmq.tools.command.MQAdminStartup;

/**
 * Runs official mqadmin commands one after the other in one JVM (starting one takes seconds). Each line of standard
 * input is a command with its arguments, parted by tabs. The answer on standard output is one line
 * {@code OUTPUT <bytes>} and then as many bytes: what the command printed on its standard output and error.
 */
public final class AdminShell {
    private AdminShell() {
    }

    public static void main(String[] args) throws Exception {
        PrintStream answers = System.out;
        BufferedReader commands = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
        for (String line = commands.readLine(); line != null; line = commands.readLine()) {
            byte[] output = run(line.split("\t", -1));
            answers.printf("OUTPUT %d%n", output.length);
            answers.write(output);
            answers.flush();
        }
        System.exit(0);
    }

    private static byte[] run(String[] command) {
        PrintStream out = System.out;
        PrintStream err = System.err;
        ByteArrayOutputStream bytes = new ByteArrayOutputStream();
        try (PrintStream capture = new PrintStream(bytes, true, StandardCharsets.UTF_8)) {
            System.setOut(capture);
            System.setErr(capture);
            MQAdminStartup.main0(command, null);
        } finally {
            System.setOut(out);
            System.setErr(err);
        }
        return bytes.toByteArray();
    }
}
