import assert from 'node:assert/strict';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { openPoll, NACOS_HEADERS } from '../support/nacos-client.js';
import { eventually } from '../support/eventually.js';
import { startServerProcess, type ServerProcess } from '../support/process.js';
import { tempFolder } from '../support/temp.js';
import { connect } from 'node:net';
import { once } from 'node:events';

const A = '127.0.0.1:9';
const B = '127.0.0.2:9';

async function list(server: ServerProcess): Promise<string> {
  const response = await fetch(`${server.url}/nacos/serverlist`);
  assert.equal(response.status, 200);
  return response.text();
}

describe('the process', () => {
  it('on SIGTERM ends held polls with the unterminated answer and exits 0', async (t) => {
    const server = await startServerProcess(t, { file: join(tempFolder(t), 'r.db') });
    const socket = connect(server.port, '127.0.0.1');
    t.after(() => socket.destroy());
    let received = '';
    socket.setEncoding('latin1').on('data', (text: string) => (received += text));
    socket.write(`GET /nacos/serverlist?self=${A}&expect=3 HTTP/1.1\r\n${NACOS_HEADERS}\r\n`);
    await eventually('the poll waits', async () => {
      const response = await fetch(`${server.url}/api/v1/clusters`);
      return ((await response.json()) as { clusters: unknown[] }).clusters.length === 1;
    });
    const closed = once(socket, 'close');
    server.child.kill('SIGTERM');
    // A stop that takes longer than 4.5 s ends with 1.
    assert.equal(await server.exited, 0);
    await closed;
    assert.match(received, /^HTTP\/1\.1 302 /);
    assert.match(received, /\r\n\r\n[0-9a-f]+\r\n[^\r]*\r\n$/, 'one chunk, and not the last');
    assert.match(server.stdout(), /"stopped"/);
  });

  it('on SIGTERM closes idle poll connections and exits 0', async (t) => {
    const server = await startServerProcess(t, { file: join(tempFolder(t), 'r.db') });
    const { socket } = await openPoll(t, server.port, `/nacos/serverlist?self=${A}&expect=1`);
    const closed = once(socket, 'close');
    server.child.kill('SIGTERM');
    await closed;
    assert.equal(await server.exited, 0);
  });

  it('on SIGINT, also when npm passes on what the terminal sent already, stops in good order', async (t) => {
    const server = await startServerProcess(t, { file: join(tempFolder(t), 'r.db') });
    server.child.kill('SIGINT');
    server.child.kill('SIGINT');
    assert.equal(await server.exited, 0);
    assert.match(server.stdout(), /"stopped"/);
  });

  it('refuses a second server on its file', async (t) => {
    const file = join(tempFolder(t), 'r.db');
    await startServerProcess(t, { file });
    await assert.rejects(startServerProcess(t, { file }), /locked by another process/);
  });

  it('loses no member by kill -9 at any moment', async (t) => {
    const file = join(tempFolder(t), 'r.db');
    const confirmed = new Set<string>();
    let next = 1;
    for (let round = 0; round < 12; round++) {
      const server = await startServerProcess(t, { file, args: ['--probe', 'off', '--settle-after', '0s'] });
      if (confirmed.size > 0) {
        const listed = new Set((await list(server)).trim().split('\n'));
        for (const member of confirmed) assert.ok(listed.has(member), `${member} was confirmed, and is lost`);
      }
      // Joins as fast as they are confirmed, and is killed in the midst of them: some moments after one was, which is another
      // place in the server's work each time, however fast that is.
      const enough = confirmed.size + 1 + (round % 4);
      let alive = true;
      const kill = (): void => {
        alive = false;
        server.child.kill('SIGKILL');
      };
      const put = async (): Promise<void> => {
        while (alive) {
          const number = next++;
          const ip = `127.1.${number >> 8}.${number & 255}`;
          const response = await fetch(`${server.url}/nacos/v1/as/nodes?ips=${ip}:9`, {
            method: 'POST',
          }).catch(() => undefined);
          if (response?.status === 200 && (await response.text().catch(() => '')).includes('success')) {
            confirmed.add(`${ip}:9`);
            if (confirmed.size >= enough) setTimeout(kill, round * 5);
          }
          if (response === undefined) return;
        }
      };
      await Promise.all([put(), put(), put()]);
      kill();
      await server.exited;
    }
    assert.ok(confirmed.size > 20, `only ${confirmed.size} were confirmed`);
  });

  it('logs one JSON line an event and none a poll', async (t) => {
    const server = await startServerProcess(t, { file: join(tempFolder(t), 'r.db') });
    for (let i = 0; i < 20; i++) {
      for (const self of [A, B])
        await (await fetch(`${server.url}/nacos/serverlist?self=${self}&expect=1`)).text();
    }
    server.child.kill('SIGTERM');
    await server.exited;
    const lines = server
      .stdout()
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as Record<string, unknown>);
    const events = lines.filter((line) => 'event' in line);
    assert.deepEqual(
      events.map(({ event, address }) => [event, address].filter(Boolean).join(' ')),
      [`waiting ${A}`, 'bootstrapped', `waiting ${B}`, `admitted ${B}`],
    );
    for (const line of events) {
      assert.equal(line.cluster, 'nacos/serverlist');
      assert.equal(typeof line.revision, 'number');
      assert.ok(line.reason);
    }
    assert.deepEqual(
      lines.filter((line) => !('event' in line)).map(({ msg }) => String(msg).split(':')[0]),
      ['listening', 'there is no token (AUTH_TOKEN)', 'stopping', 'stopped'],
    );
  });

  it('keeps serving and evicts nobody after SIGSTOP and SIGCONT', async (t) => {
    const server = await startServerProcess(t, { file: join(tempFolder(t), 'r.db') });
    await (await fetch(`${server.url}/nacos/serverlist?self=${A}&expect=1`)).text();
    server.child.kill('SIGSTOP');
    await new Promise((resolve) => setTimeout(resolve, 2_500));
    server.child.kill('SIGCONT');
    assert.equal(await list(server), `${A}\n`);
    await eventually('the grace is there', async () => {
      const response = await fetch(`${server.url}/readyz`);
      return ((await response.json()) as { graceMs: number }).graceMs > 20_000;
    });
    await eventually('it says so', () => server.stdout().includes('was paused'));
  });
});
