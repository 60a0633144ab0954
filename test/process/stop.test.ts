import assert from 'node:assert/strict';
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { createServer, type Socket } from 'node:net';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { describe, it, type TestContext } from 'node:test';
import { eventually } from '../support/eventually.js';
import { startServerProcess, type ServerProcess } from '../support/process.js';
import { tempFolder } from '../support/temp.js';

/** The messages of a server that was told to stop and has ended. */
async function stopped(server: ServerProcess): Promise<{ status: number | string; said: string[] }> {
  server.child.kill('SIGTERM');
  let timer: NodeJS.Timeout | undefined;
  const never = new Promise<string>((resolve) => (timer = setTimeout(() => resolve('never'), 60_000)));
  const status = await Promise.race([server.exited, never]);
  clearTimeout(timer);
  const said = server
    .stdout()
    .trim()
    .split('\n')
    .map((line) => (JSON.parse(line) as { msg: string }).msg);
  return { status, said };
}

/** Takes connections and never says a word. */
async function mute(t: TestContext): Promise<{ address: string; connections(): number }> {
  const sockets = new Set<Socket>();
  const server = createServer((socket) => sockets.add(socket.on('error', () => undefined)));
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => {
    server.close();
    for (const socket of sockets) socket.destroy();
  });
  return {
    address: `127.0.0.1:${(server.address() as AddressInfo).port}`,
    connections: () => sockets.size,
  };
}

const put = (server: ServerProcess, address: string): Promise<Response> =>
  fetch(`${server.url}/nacos/v1/as/nodes?ips=${address}`, { method: 'POST' });

describe('a stop', { concurrency: 2 }, () => {
  it('waits for no node that is being read, and says last that it stopped', async (t) => {
    const server = await startServerProcess(t, { file: join(tempFolder(t), 'r.db') });
    const node = await mute(t);
    assert.equal((await put(server, node.address)).status, 200);
    void fetch(`${server.url}/api/v1/clusters/nacos/serverlist/health?fresh=true`).catch(() => undefined);
    await eventually('it is being read', () => node.connections() > 0, 60_000);
    const { status, said } = await stopped(server);
    assert.deepEqual([status, said.at(-1)], [0, 'stopped']);
  });

  it('waits for no name that is being looked up', async (t) => {
    if (process.getuid?.() !== 0) return t.skip('takes root, to have a name server of its own');
    const dns = createSocket('udp4');
    let asked = 0;
    dns.on('message', () => asked++);
    dns.bind(53, '127.0.0.77');
    await once(dns, 'listening');
    t.after(() => dns.close());
    const resolver = join(tempFolder(t), 'resolv.conf');
    writeFileSync(resolver, 'nameserver 127.0.0.77\noptions timeout:30 attempts:5\n');
    const script = `mount --bind ${resolver} /etc/resolv.conf && exec "$0" "$@"`;
    const server = await startServerProcess(t, {
      file: join(tempFolder(t), 'r.db'),
      through: ['unshare', '--mount', 'sh', '-c', script],
    });
    assert.equal((await put(server, 'nacos-0.nowhere.example:8848')).status, 200);
    await eventually('it is looked up', () => asked > 0, 60_000);
    const { status, said } = await stopped(server);
    assert.notEqual(status, 'never');
    assert.equal(said.at(-1), 'stopped');
  });
});
