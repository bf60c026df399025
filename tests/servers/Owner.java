import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Comparator;
import java.util.List;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/**
 * Ends this server when its owner is gone.
 *
 * <p>The owner holds the other end of standard input. When that closes, which the kernel does however the owner died,
 * the folder named by the system property {@code lab.folder} is removed and the process ends at once.
 */
final class Owner {
    private Owner() {}

    static void watch() {
        Thread thread = new Thread(() -> {
            try {
                while (System.in.read() >= 0) {
                    // Only the end means something.
                }
            } catch (IOException error) {
                // As good as the end.
            }
            String folder = System.getProperty("lab.folder");
            if (folder != null) {
                remove(Path.of(folder));
            }
            Runtime.getRuntime().halt(0);
        }, "owner");
        thread.setDaemon(true);
        thread.start();
    }

    /** Removes a folder and, if that was the last one in it, the run's folder above. */
    private static void remove(Path folder) {
        // The server writes on while this goes on: a few rounds, then what is left stays for the next start to remove.
        for (int round = 0; round < 3 && Files.exists(folder); round++) {
            try (Stream<Path> walk = Files.walk(folder)) {
                List<Path> paths = walk.sorted(Comparator.reverseOrder()).collect(Collectors.toList());
                paths.forEach(path -> path.toFile().delete());
            } catch (IOException | java.io.UncheckedIOException error) {
                // Removed under our feet: the next round sees what is left.
            }
        }
        folder.getParent().toFile().delete();
    }
}
