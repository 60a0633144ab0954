import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { connect, createServer, type AddressInfo } from 'node:net';
import { describe, it, type TestContext } from 'node:test';
import { TcpProbe } from '../../src/probe/tcp.js';

async function listen(t: TestContext): Promise<number> {
  const server = createServer((socket) => socket.end()).listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => server.close());
  return (server.address() as AddressInfo).port;
}

/** A port whose queue is full, so that the system answers no more: a process that is stopped before it accepts. */
async function silentPort(t: TestContext): Promise<number> {
  const script =
    "const s = require('net').createServer().listen({ port: 0, host: '127.0.0.1', backlog: 1 }, () => { console.log(s.address().port); process.kill(process.pid, 'SIGSTOP'); })";
  const child = spawn(process.execPath, ['-e', script], { stdio: ['ignore', 'pipe', 'inherit'] });
  t.after(() => child.kill('SIGKILL'));
  const [line] = (await once(child.stdout, 'data')) as [Buffer];
  const port = Number(line.toString());
  for (let i = 0; i < 4; i++) {
    const socket = connect({ host: '127.0.0.1', port });
    socket.on('error', () => undefined);
    t.after(() => socket.destroy());
    await Promise.race([once(socket, 'connect'), new Promise((resolve) => setTimeout(resolve, 200))]);
  }
  return port;
}

/** Nothing else of this process runs meanwhile. */
function blockLoop(ms: number): void {
  const until = performance.now() + ms;
  while (performance.now() < until);
}

describe('the probe of a port', () => {
  it('tells an open port, a refused one, and one that does not answer', async (t) => {
    const probe = new TcpProbe();
    assert.equal(await probe.probe(`127.0.0.1:${await listen(t)}`), 'open');
    assert.equal(await probe.probe('127.0.0.1:1'), 'refused');
    assert.equal(await probe.probe(`127.0.0.1:${await silentPort(t)}`), 'unreachable');
  });

  it('says nothing of a host when nothing could be sent', async () => {
    const probe = new TcpProbe();
    // A broadcast address: refused by connect() itself (Linux). Not one of a link that is not named: Node.js 24 names one.
    const answer = await probe.probe('255.255.255.255:8848');
    assert.ok(typeof answer === 'object', JSON.stringify(answer));
    assert.match(answer.unknown, /^this server could not try: connect E(NETUNREACH|INVAL|ACCES)/);
  });

  it('finds a live port open however busy this process was, and says nothing of a silent one then', async (t) => {
    const probe = new TcpProbe();
    const live = probe.probe(`127.0.0.1:${await listen(t)}`);
    await new Promise((resolve) => process.nextTick(resolve));
    blockLoop(3_000);
    assert.equal(await live, 'open');
    const port = await silentPort(t);
    const silent = probe.probe(`127.0.0.1:${port}`);
    await new Promise((resolve) => setTimeout(resolve, 100));
    blockLoop(3_000);
    const answer = await silent;
    assert.ok(typeof answer === 'object', JSON.stringify(answer));
    assert.match(answer.unknown, /^this process was too busy to look for \d+ ms$/);
  });

  it('says nothing of a port when this process has no descriptor left', async (t) => {
    const port = await listen(t);
    const script = `
      const { TcpProbe } = await import(${JSON.stringify(new URL('../../src/probe/tcp.js', import.meta.url).href)});
      const { openSync } = await import('node:fs');
      const probe = new TcpProbe();
      await probe.probe('127.0.0.1:1');
      try { for (;;) openSync('/dev/null'); } catch {}
      process.stdout.write(JSON.stringify([await probe.probe('127.0.0.1:${port}'), await probe.probe('127.0.0.1:1'), await probe.probe('no-such-name.invalid:1')]));
    `;
    const child = spawn(
      'sh',
      ['-c', 'ulimit -n 60; exec "$0" --input-type=module -e "$1"', process.execPath, script],
      {
        stdio: ['ignore', 'pipe', 'inherit'],
      },
    );
    t.after(() => child.kill('SIGKILL'));
    let said = '';
    child.stdout.on('data', (chunk: Buffer) => (said += chunk.toString()));
    await once(child, 'close');
    const answers = JSON.parse(said) as { unknown?: string }[];
    assert.equal(answers.length, 3);
    for (const { unknown } of answers) assert.equal(typeof unknown, 'string', said);
    assert.match(said, /EMFILE/);
  });
});
