import { once } from 'node:events';
import { startPrivateServer } from './private-server.js';

/*
 * Starts a MariaDB and a PostgreSQL of their own, prints their URLs as lines for a shell, and stops them when its
 * input ends. For machines on which none runs.
 */

const servers = [];
for (const [dialect, variable] of [
  ['mysql', 'TEST_MYSQL_URL'],
  ['postgres', 'TEST_POSTGRES_URL'],
] as const) {
  const server = await startPrivateServer(dialect);
  servers.push(server);
  const { admin, password, port } = server;
  console.log(`${variable}=${dialect}://${admin}:${encodeURIComponent(password)}@127.0.0.1:${port}/`);
}
process.stdin.resume();
await once(process.stdin, 'end');
for (const server of servers) await server.stop();
