import java.util.Collections;
import java.util.Map;
import org.elasticsearch.common.settings.Settings;
import org.elasticsearch.env.Environment;
import org.elasticsearch.node.InternalSettingsPreparer;
import org.elasticsearch.node.Node;
import org.elasticsearch.transport.Netty4Plugin;

/**
 * Runs one Elasticsearch node in this process.
 *
 * <p>Arguments: {@code name=value} settings. See {@code Owner} for what happens when standard input closes.
 */
public final class Server {
    private static final class LabNode extends Node {
        LabNode(Environment environment) {
            super(environment, Collections.singletonList(Netty4Plugin.class), false);
        }
    }

    public static void main(String[] args) throws Exception {
        Owner.watch();
        Settings.Builder settings = Settings.builder();
        for (String argument : args) {
            int equals = argument.indexOf('=');
            settings.put(argument.substring(0, equals), argument.substring(equals + 1));
        }
        Environment environment = InternalSettingsPreparer.prepareEnvironment(
            settings.build(), Map.of(), null, () -> "lab");
        LabNode node = new LabNode(environment);
        Runtime.getRuntime().addShutdownHook(new Thread(() -> {
            try {
                node.close();
            } catch (Exception error) {
                error.printStackTrace();
            }
        }));
        node.start();
        Thread.currentThread().join();
    }
}
