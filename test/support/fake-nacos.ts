import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';

/*
 * Stands in for a Nacos where only its process and its port matter: `fake-nacos.js PORT [STATUS]` answers on the port, and
 * ends with the status at SIGTERM or SIGINT. It prints `listening`, `answered` for each request, and each signal. A file it is given as FAKE_CONF is
 * printed at the start, as Nacos reads its cluster.conf then. It does not outlive its parent, which a test may kill.
 */

const [port = '0', status = '0'] = process.argv.slice(2);
if (process.env.FAKE_CONF) console.log(`conf ${JSON.stringify(readFileSync(process.env.FAKE_CONF, 'utf8'))}`);
const server = createServer((_, response) => response.end('UP', () => console.log('answered')));
server.listen(Number(port), '127.0.0.1', () => console.log('listening'));
for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP', 'SIGQUIT', 'SIGUSR2'] as const) {
  process.on(signal, () => {
    console.log(signal);
    if (signal === 'SIGTERM' || signal === 'SIGINT') process.exit(Number(status));
  });
}

const parent = process.ppid;
setInterval(() => process.ppid !== parent && process.exit(1), 100);
