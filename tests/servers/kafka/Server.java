/**
 * Formats a KRaft folder if it is new and runs the broker in this process.
 *
 * <p>Arguments: the server's properties file, the cluster's id. See {@code Owner} for what happens when
 * standard input closes.
 */
public final class Server {
    public static void main(String[] args) throws Exception {
        Owner.watch();
        int code = kafka.tools.StorageTool.execute(
            new String[] {"format", "--config", args[0], "--cluster-id", args[1], "--ignore-formatted"}, System.out);
        if (code != 0) {
            System.err.println("cannot format the broker's folder: exit " + code);
            System.exit(code);
        }
        kafka.Kafka.main(new String[] {args[0]});
    }
}
