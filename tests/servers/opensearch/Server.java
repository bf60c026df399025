import org.codelibs.opensearch.runner.OpenSearchRunner;

/**
 * Runs one OpenSearch node in this process.
 *
 * <p>Arguments: the folder, the HTTP port. See {@code Owner} for what happens when standard input closes.
 */
public final class Server {
    public static void main(String[] args) throws Exception {
        Owner.watch();
        OpenSearchRunner runner = new OpenSearchRunner();
        runner.onBuild((number, settings) -> {
            settings.remove("cluster.initial_cluster_manager_nodes");
            settings.put("discovery.type", "single-node");
            settings.put("network.host", "127.0.0.1");
            settings.put("http.port", args[1]);
            settings.put("transport.port", "0");
            settings.put("cluster.routing.allocation.disk.threshold_enabled", "false");
        });
        runner.build(OpenSearchRunner.newConfigs().basePath(args[0]).clusterName("lab").numOfNode(1));
        Thread.currentThread().join();
    }
}
