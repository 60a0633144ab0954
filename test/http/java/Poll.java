import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.net.HttpURLConnection;
import java.net.Proxy;
import java.net.ProxySelector;
import java.net.SocketAddress;
import java.net.URI;
import java.net.URL;
import java.util.Arrays;
import java.util.List;

/**
 * {@code java Poll.java PORT URL...} polls each URL as a Nacos node does (2.x JdkHttpClientRequest and JdkHttpClientResponse):
 * directly, and then by the HTTP proxy at PORT of this machine. It prints what that client is about to connect to, before
 * any look-up: {@code asked URL}; then {@code threw CLASS MESSAGE} or {@code got STATUS BODY}.
 */
public class Poll {
    public static void main(String[] arguments) {
        final ProxySelector system = ProxySelector.getDefault();
        // Java's client asks it before each connection, the one to a redirect's target included.
        ProxySelector.setDefault(new ProxySelector() {
            @Override
            public List<Proxy> select(URI uri) {
                System.out.println("asked " + uri);
                return system.select(uri);
            }

            @Override
            public void connectFailed(URI uri, SocketAddress address, IOException error) {
                system.connectFailed(uri, address, error);
            }
        });
        List<String> urls = Arrays.asList(arguments).subList(1, arguments.length);
        pollEach(urls);
        System.setProperty("http.proxyHost", "127.0.0.1");
        System.setProperty("http.proxyPort", arguments[0]);
        // By default it leaves out this machine.
        System.setProperty("http.nonProxyHosts", "");
        pollEach(urls);
    }

    private static void pollEach(List<String> urls) {
        for (String url : urls) {
            try {
                System.out.println("got " + poll(url));
            } catch (IOException error) {
                System.out.println("threw " + error.getClass().getName() + " " + error.getMessage());
            }
        }
    }

    private static String poll(String url) throws IOException {
        HttpURLConnection connection = (HttpURLConnection) new URL(url).openConnection();
        connection.setConnectTimeout(5_000);
        connection.setReadTimeout(2_500);
        connection.setRequestMethod("GET");
        connection.setRequestProperty("Accept-Charset", "UTF-8");
        connection.setRequestProperty("Content-Type", "application/json;charset=UTF-8");
        int status = connection.getResponseCode();
        InputStream error = connection.getErrorStream();
        ByteArrayOutputStream body = new ByteArrayOutputStream();
        try (InputStream stream = error != null ? error : connection.getInputStream()) {
            byte[] part = new byte[4_096];
            for (int read = stream.read(part); read >= 0; read = stream.read(part)) {
                body.write(part, 0, read);
            }
        }
        return status + " " + body.toString("UTF-8").trim().replace("\n", " ");
    }
}
