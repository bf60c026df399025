import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/**
 * Formats a KRaft folder if it is new and runs the broker in this process.
 *
 * <p>Arguments: the server's properties file, the cluster's id, then what else formatting is to be told (such as
 * {@code --add-scram}). See {@code Owner} for what happens when standard input closes.
 */
public final class Server {
    public static void main(String[] args) throws Exception {
        Owner.watch();
        List<String> format = new ArrayList<>(
            List.of("format", "--config", args[0], "--cluster-id", args[1], "--ignore-formatted"));
        format.addAll(Arrays.asList(args).subList(2, args.length));
        int code = kafka.tools.StorageTool.execute(format.toArray(new String[0]), System.out);
        if (code != 0) {
            System.err.println("cannot format the broker's folder: exit " + code);
            System.exit(code);
        }
        kafka.Kafka.main(new String[] {args[0]});
    }
}
