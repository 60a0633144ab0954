import { createRequire } from 'node:module';
import { setTimeout as sleep } from 'node:timers/promises';

/* The same as Register.java for npm's client: MODULE PORT SERVICE. */

/** As much of it as is used here. */
interface NamingClient {
  ready(): Promise<void>;
  registerInstance(service: string, instance: { ip: string; port: number }): Promise<void>;
  getAllInstances(service: string): Promise<{ ip: string }[]>;
}

interface NacosModule {
  readonly NacosNamingClient: new (options: {
    logger: Console;
    endpoint: string;
    namespace: string;
  }) => NamingClient;
}

const [, , module = '', port = '', service = ''] = process.argv;

async function run(): Promise<void> {
  const { NacosNamingClient } = createRequire(import.meta.url)(module) as NacosModule;
  const endpoint = `127.0.0.1:${port}`;
  const client = new NacosNamingClient({ logger: console, endpoint, namespace: 'public' });
  await client.ready();
  await client.registerInstance(service, { ip: '10.9.8.7', port: 80 });
  for (let i = 0; i < 300; i++) {
    const [one] = await client.getAllInstances(service);
    if (one) return console.log(`FOUND ${one.ip}`);
    await sleep(100);
  }
  throw new Error('the instance is not there');
}

try {
  await run();
} catch (error) {
  console.error(error);
  process.exitCode = 1;
}
// Its timers would go on.
process.exit();
