import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { closeSync, openSync, readFileSync } from 'node:fs';
import { once } from 'node:events';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { fileURLToPath } from 'node:url';
import { pause } from '../../src/util/pause.js';
import { startOnTerminal } from '../support/cli.js';
import { eventually, NEVER } from '../support/eventually.js';
import { freePort } from '../support/private-server.js';
import { CLI } from '../support/process.js';
import { tempFolder } from '../support/temp.js';

const STREAM = fileURLToPath(new URL('../../src/server/log-stream.js', import.meta.url));

/** Runs a script whose standard output is the log; what it says itself goes to standard error. */
function run(t: TestContext, body: string, stdout: 'pipe' | number = 'pipe') {
  const script = `import { LogStream, logLoss } from ${JSON.stringify(STREAM)};
    const log = new LogStream(1, (dropped) => JSON.stringify({ dropped }));
    ${body}`;
  const child = spawn(process.execPath, ['--input-type=module', '-e', script], {
    stdio: ['ignore', stdout, 'pipe'],
  });
  let said = '';
  child.stderr?.setEncoding('utf8').on('data', (text: string) => (said += text));
  const exited = once(child, 'exit');
  t.after(async () => {
    child.kill('SIGKILL');
    await exited;
  });
  return { child, exited, said: () => said };
}

const LINES = 60_000;
const WRITE = `for (let i = 0; i < ${LINES}; i++) log.write(JSON.stringify({ i, text: 'x'.repeat(80) }) + '\\n');`;

test('a log that nobody reads holds nothing up; what is dropped is counted, and said when it is read again', async (t) => {
  const { child, said, exited } = run(
    t,
    `${WRITE}
    console.error('written', logLoss.dropped);
    process.on('SIGUSR2', () => { log.write('{"last":true}\\n'); clearInterval(stay); });
    const stay = setInterval(() => {}, 1000);`,
  );
  await eventually('it has written', () => said().includes('written'), 60_000);
  const dropped = Number(/written (\d+)/.exec(said())?.[1]);
  assert.ok(dropped > 0 && dropped < LINES, `${dropped} dropped`);
  let text = '';
  child.stdout?.setEncoding('utf8').on('data', (some: string) => (text += some));
  await eventually('the loss is said', () => text.includes('"dropped"'), 60_000);
  child.kill('SIGUSR2');
  await exited;
  await eventually('the last line', () => text.includes('{"last":true}\n'), 60_000);
  const lines = text
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as { i?: number; dropped?: number });
  const whole = lines.filter(({ i }) => i !== undefined);
  assert.deepEqual(
    whole.map(({ i }) => i),
    whole.map((_, i) => i),
    'the first ones, in order and whole',
  );
  const told = lines.reduce((sum, line) => sum + (line.dropped ?? 0), 0);
  assert.equal(whole.length + told, LINES);
  assert.equal(told, dropped);
});

test('a flush of a log that nobody reads ends in time, and calls back as pino wants it', async (t) => {
  const { said, exited } = run(t, `${WRITE} log.flush(() => console.error('flushed'));`);
  await eventually('it is flushed', () => said().includes('flushed'));
  assert.deepEqual(await exited, [0, null]);
});

test('an exit and a crash lose nothing of a log that is read', async (t) => {
  for (const end of ['process.exit(3)', "throw new Error('a crash')"]) {
    const { child, exited } = run(
      t,
      `for (let i = 0; i < 5000; i++) log.write(i + ' ' + 'x'.repeat(80) + '\\n'); ${end}`,
    );
    let text = '';
    child.stdout?.setEncoding('utf8').on('data', (some: string) => (text += some));
    const closed = once(child, 'close');
    await exited;
    await closed;
    assert.equal(text.split('\n').length - 1, 5_000, end);
  }
});

test('a log in a file is whole and in order after an exit', async (t) => {
  const file = join(tempFolder(t), 'log');
  const fd = openSync(file, 'a');
  const { exited } = run(
    t,
    `for (let i = 0; i < 5000; i++) log.write(i + '\\n'); setTimeout(() => process.exit(0), 50);`,
    fd,
  );
  closeSync(fd);
  await exited;
  const lines = readFileSync(file, 'utf8').trimEnd().split('\n');
  assert.deepEqual(
    lines.map(Number),
    Array.from({ length: 5_000 }, (_, i) => i),
  );
});

/** Starts `serve`, by what runs it; its URL as soon as it answers. */
async function serve<T>(
  t: TestContext,
  start: (args: string[]) => T,
): Promise<{ started: Awaited<T>; url: string }> {
  const port = await freePort();
  const file = join(tempFolder(t), 'registry.db');
  const args = [
    '--port',
    `${port}`,
    '--host',
    '127.0.0.1',
    '--database-url',
    `sqlite:${file}`,
    '--write-rate-limit',
    '0',
  ];
  const started = await start(['serve', ...args]);
  const url = `http://127.0.0.1:${port}`;
  const isUp = () =>
    fetch(`${url}/healthz`).then(
      ({ ok }) => ok,
      () => false,
    );
  await eventually('it listens', isUp);
  return { started, url };
}

/** More is logged than a pipe (64 KiB) or a terminal takes that nobody reads, and every request is answered. */
async function answersAll(url: string): Promise<void> {
  const put = async (from: number, count: number): Promise<void> => {
    const ips = Array.from({ length: count }, (_, i) => `10.0.${(from + i) >> 8}.${(from + i) & 255}`).join(
      ',',
    );
    const body = new URLSearchParams({ cluster: 'serverlist', ips });
    const signal = AbortSignal.timeout(NEVER);
    const { status } = await fetch(`${url}/nacos/v1/as/nodes`, { method: 'POST', body, signal });
    assert.equal(status, 200);
  };
  // Each member is a line of some 200 bytes.
  await put(0, 10);
  await put(10, 900);
  const list = await fetch(`${url}/nacos/serverlist`, { signal: AbortSignal.timeout(NEVER) });
  assert.equal((await list.text()).trimEnd().split('\n').length, 910);
}

test('a server whose log is a stuck pipe answers, and stops', async (t) => {
  const { started: child, url } = await serve(t, (args) => {
    const server = spawn(process.execPath, [CLI, ...args], { stdio: ['ignore', 'pipe', 'ignore'] });
    t.after(() => server.kill('SIGKILL'));
    return server;
  });
  const exited = once(child, 'exit');
  await answersAll(url);
  child.kill('SIGTERM');
  assert.deepEqual(await exited, [0, null]);
});

test('a server whose terminal was stopped by Ctrl-S answers, goes on with Ctrl-Q, and stops', async (t) => {
  const { started: terminal, url } = await serve(t, (args) => startOnTerminal(t, args));
  await eventually('it logs', () => terminal.sent().includes('listening'));
  terminal.type('\x13');
  // Nothing more comes out of the terminal once it has read the key.
  await eventually('the terminal is stopped', async () => {
    const before = terminal.sent().length;
    await fetch(`${url}/nacos/v1/as/nodes?cluster=c${before}${Math.random()}&ips=10.9.9.9`, {
      method: 'POST',
      signal: AbortSignal.timeout(NEVER),
    });
    await pause(50);
    return terminal.sent().length === before;
  });
  await answersAll(url);
  assert.ok(!terminal.sent().includes('10.0.3.1'));
  terminal.type('\x11');
  await eventually('the rest comes', () => terminal.sent().includes('10.0.3.141'));
  terminal.type('\x13');
  process.kill(terminal.pid, 'SIGTERM');
  assert.equal(await terminal.exited, 0);
});
