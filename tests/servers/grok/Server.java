import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.util.HashMap;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.Executors;
import java.util.concurrent.TimeUnit;
import org.elasticsearch.grok.Grok;
import org.elasticsearch.grok.GrokBuiltinPatterns;
import org.elasticsearch.grok.MatcherWatchdog;
import org.elasticsearch.grok.PatternBank;

/**
 * Elasticsearch's own grok, asked line by line. A question has four fields, separated by tabs, each but the first in
 * hexadecimal digits of UTF-8: the set ("legacy", "ecs-v1" or "none"), definitions (lines of name, space, expression), the expression, the
 * text. The answer is "error MESSAGE", "none" or "match" and then NAME TYPE VALUE a capture, by name, coded so with
 * a = before; a list has the type "list(N)" and its items follow, named by their numbers. What takes longer than two seconds is an error
 * that ends as Elasticsearch's does: "was interrupted after [2000] ms".
 */
public final class Server {
    private static final MatcherWatchdog WATCHDOG = watchdog();

    public static void main(String[] arguments) throws Exception {
        var in = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
        var out = new PrintStream(System.out, false, StandardCharsets.UTF_8);
        for (String line = in.readLine(); line != null; line = in.readLine()) {
            out.println(answer(line.split("\t", -1)));
            out.flush();
        }
    }

    private static MatcherWatchdog watchdog() {
        var timer = Executors.newSingleThreadScheduledExecutor(task -> {
            var thread = new Thread(task);
            thread.setDaemon(true);
            return thread;
        });
        return MatcherWatchdog.newInstance(500, 2000, System::currentTimeMillis,
            (delay, task) -> timer.schedule(task, delay, TimeUnit.MILLISECONDS));
    }

    private static String answer(String[] question) {
        try {
            var definitions = new HashMap<String, String>();
            for (String definition : text(question[1]).split("\n")) {
                int space = definition.indexOf(' ');
                if (space > 0) {
                    definitions.put(definition.substring(0, space), definition.substring(space + 1));
                }
            }
            PatternBank bank = switch (question[0]) {
                case "legacy" -> GrokBuiltinPatterns.legacyPatterns().extendWith(definitions);
                case "ecs-v1" -> GrokBuiltinPatterns.ecsV1Patterns().extendWith(definitions);
                default -> new PatternBank(definitions);
            };
            var grok = new Grok(bank, text(question[2]), WATCHDOG, warning -> {});
            Map<String, Object> captures = grok.captures(text(question[3]));
            if (captures == null) {
                return "none";
            }
            var answer = new StringBuilder("match");
            new TreeMap<>(captures).forEach((name, value) -> add(answer, name, value));
            return answer.toString();
        } catch (Exception | StackOverflowError error) {
            return "error " + error.getClass().getSimpleName() + ": " + String.valueOf(error.getMessage()).replace('\n', ' ');
        }
    }

    private static void add(StringBuilder answer, String name, Object value) {
        if (value instanceof List<?> items) {
            answer.append(' ').append(coded(name)).append(" list(").append(items.size()).append(") =");
            for (int i = 0; i < items.size(); i++) {
                add(answer, Integer.toString(i), items.get(i));
            }
        } else {
            String type = value.getClass().getSimpleName().toLowerCase();
            answer.append(' ').append(coded(name)).append(' ').append(type).append(' ').append(coded(value.toString()));
        }
    }

    private static String text(String coded) {
        return new String(HexFormat.of().parseHex(coded), StandardCharsets.UTF_8);
    }

    private static String coded(String text) {
        return "=" + HexFormat.of().formatHex(text.getBytes(StandardCharsets.UTF_8));
    }
}
