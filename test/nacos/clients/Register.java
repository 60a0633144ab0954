import com.alibaba.nacos.api.NacosFactory;
import com.alibaba.nacos.api.naming.NamingService;
import com.alibaba.nacos.api.naming.pojo.Instance;
import java.util.Properties;

/**
 * Registers an instance and reads it back, finding the nodes by endpoint: PORT SERVICE LIST NAMESPACE. Prints FOUND and ends
 * with 0 when it is there, with 1 when it is not after half a minute.
 */
public class Register {
    public static void main(String[] args) throws Exception {
        Properties properties = new Properties();
        properties.setProperty("endpoint", "127.0.0.1");
        properties.setProperty("endpointPort", args[0]);
        properties.setProperty("clusterName", args[2]);
        properties.setProperty("namespace", args[3]);
        NamingService naming = NacosFactory.createNamingService(properties);
        naming.registerInstance(args[1], "10.9.8.7", 80);
        for (int i = 0; i < 300; i++) {
            for (Instance one : naming.getAllInstances(args[1], false)) {
                System.out.println("FOUND " + one.getIp());
                // Its threads would go on.
                System.exit(0);
            }
            Thread.sleep(100);
        }
        System.exit(1);
    }
}
