import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { describe, it, type TestContext } from 'node:test';
import type { EventView } from '../../src/http/api/schemas.js';
import { jsonLines, linesOf, runCli, startOnTerminal } from '../support/cli.js';
import { eventually } from '../support/eventually.js';
import { CLI, startCli, startServerProcess, type ServerProcess } from '../support/process.js';
import { tempFolder } from '../support/temp.js';

async function start(t: TestContext, { file = join(tempFolder(t), 'r.db'), port = 0 } = {}) {
  return { ...(await startServerProcess(t, { file, port })), file };
}

/** Makes one event, about `127.0.6.<number>:9`. */
async function put(server: ServerProcess, number: number, cluster = 'serverlist'): Promise<void> {
  const path = `/nacos/v1/as/nodes?ips=127.0.6.${number}:9&cluster=${cluster}`;
  const { ok } = await fetch(server.url + path, { method: 'POST' });
  assert.ok(ok);
}

async function putAll(server: ServerProcess, from: number, to: number, cluster?: string): Promise<void> {
  for (let number = from; number <= to; number++) await put(server, number, cluster);
}

/** The whole history, as the API has it, oldest first. */
async function history(server: ServerProcess): Promise<EventView[]> {
  const answer = await fetch(`${server.url}/api/v1/events?after=0&limit=1000`);
  return ((await answer.json()) as { events: EventView[] }).events;
}

function follow(t: TestContext, { url }: ServerProcess, ...args: readonly string[]) {
  return startCli(t, ['events', '--follow', '--json', '--server', url, ...args]);
}

describe('events', () => {
  it('prints the newest, oldest first', async (t) => {
    const server = await start(t);
    await putAll(server, 1, 5);
    await put(server, 6, 'other');
    const all = await runCli(t, ['events', '--server', server.url]);
    assert.deepEqual([all.status, all.err], [0, '']);
    const [head, first, ...more] = all.out.trimEnd().split('\n');
    assert.match(head!, /^time +cluster +event +address +revision$/);
    assert.match(first!, /^\d{4}-\d\d-\d\dT[\d:.]+Z  nacos\/serverlist +bootstrapped +1 +\w/);
    assert.equal(more.length, 5);
    const some = await runCli(t, [
      'events',
      'nacos/serverlist',
      '--limit',
      '2',
      '--json',
      '--server',
      server.url,
    ]);
    assert.deepEqual(
      (JSON.parse(some.out) as EventView[]).map(({ address }) => address),
      ['127.0.6.4:9', '127.0.6.5:9'],
    );
    const none = await runCli(t, ['events', 'nacos/none', '--server', server.url]);
    assert.deepEqual([none.status, none.out], [0, 'no events\n']);
  });

  it('refuses a limit that is none', async (t) => {
    for (const [args, least] of [
      [['--limit', '0'], 1],
      [['--limit', '1001'], 1],
      [['--limit', 'x', '--follow'], 0],
      [['--limit', '-1', '--follow'], 0],
    ] as const) {
      const { status, err } = await runCli(t, ['events', ...args]);
      assert.equal(status, 1);
      assert.match(err, new RegExp(`--limit="${args[1]}" is not a number from ${least} to 1000`));
    }
  });
});

describe('events --follow', () => {
  it('misses and doubles no event over restarts, a kill among them', async (t) => {
    let server = await start(t);
    await putAll(server, 1, 3);
    const cli = follow(t, server);
    await eventually('the history', () => jsonLines(cli).length === 3);
    for (const [round, signal] of (['SIGTERM', 'SIGKILL'] as const).entries()) {
      const first = 10 + 50 * round;
      await putAll(server, first, first + 9);
      // Some are told before the server ends, and some are not.
      server.child.kill(signal);
      await server.exited;
      const lost = new RegExp('trying again');
      await eventually('it says so', () => (cli.stderr().match(new RegExp(lost, 'g')) ?? []).length > round);
      server = await start(t, server);
      await putAll(server, first + 10, first + 29);
      await eventually('connected again', () => cli.stderr().split('connected again').length === round + 2);
    }
    await put(server, 200);
    await eventually('the last', () => cli.stdout().includes('127.0.6.200:9'));
    const events = await history(server);
    await eventually('all of it', () => jsonLines(cli).length >= events.length);
    assert.deepEqual(jsonLines(cli).slice(0, events.length), events);
    cli.child.kill('SIGINT');
    assert.equal(await cli.exited, 0);
  });

  it('begins with the newest, and goes on without a gap while events come', async (t) => {
    const server = await start(t);
    await putAll(server, 1, 20);
    let number = 20;
    let isOver = false;
    const flood = (async () => {
      while (!isOver && number < 250) await put(server, ++number);
    })();
    const all = Array.from({ length: 4 }, (_, index) => follow(t, server, '--limit', String(index * 5)));
    await eventually('all of them follow', () => all.every((cli) => jsonLines(cli).length > 20));
    isOver = true;
    await flood;
    const events = await history(server);
    for (const cli of all) {
      await eventually('the last', () => cli.stdout().includes(`127.0.6.${number}:9`));
      const printed = jsonLines<EventView>(cli);
      const known = events.slice(events.findIndex(({ seq }) => seq === printed[0]!.seq));
      assert.deepEqual(printed.slice(0, known.length), known);
    }
  });

  it('prints only those of one cluster', async (t) => {
    const server = await start(t);
    await putAll(server, 1, 3);
    await putAll(server, 4, 6, 'other');
    const cli = follow(t, server, 'nacos/other', '--limit', '2');
    await eventually('the newest', () => jsonLines(cli).length === 2);
    await put(server, 7);
    await put(server, 8, 'other');
    await eventually('the next', () => jsonLines(cli).length === 3);
    assert.deepEqual(
      jsonLines<EventView>(cli).map(({ address }) => address),
      ['127.0.6.5:9', '127.0.6.6:9', '127.0.6.8:9'],
    );
  });

  it('prints rows below each other, readable in 80 columns, until Ctrl-C', async (t) => {
    const server = await start(t);
    const terminal = await startOnTerminal(t, ['events', '--follow', '--server', server.url]);
    const lines = (): string[] => terminal.sent().split('\r\n');
    await put(server, 1);
    await eventually(
      'the head and an event',
      () => lines().filter((line) => /^\d{4}-/.test(line)).length === 1,
    );
    await put(server, 222);
    await eventually('another', () => terminal.sent().includes('127.0.6.222:9'));
    for (const line of lines()) assert.ok(line.length <= 80, line);
    assert.equal(lines().filter((line) => line.startsWith('time ')).length, 1);
    terminal.type('\x03');
    assert.equal(await terminal.exited, 0);
  });

  it('ends quietly when nobody reads it any more', async (t) => {
    const server = await start(t);
    await putAll(server, 1, 3);
    for (const args of [[], ['--json']]) {
      const child = spawn(process.execPath, [CLI, 'events', '--follow', '--server', server.url, ...args], {
        stdio: ['ignore', 'pipe', 'pipe'],
      });
      t.after(() => child.kill('SIGKILL'));
      let complaints = '';
      child.stderr.setEncoding('utf8').on('data', (text: string) => (complaints += text));
      const exited = once(child, 'exit');
      await once(child.stdout, 'data');
      child.stdout.destroy();
      await eventually('it notices', async () => {
        await put(server, 4);
        await fetch(`${server.url}/nacos/v1/as/nodes?ips=127.0.6.4:9`, { method: 'DELETE' });
        return child.exitCode !== null;
      });
      assert.deepEqual(await exited, [0, null]);
      assert.equal(complaints, '');
    }
  });

  it('ends quietly before `head`', async (t) => {
    // So many addresses at once are more than one client may change.
    const file = join(tempFolder(t), 'r.db');
    const server = await startServerProcess(t, { file, env: { WRITE_RATE_LIMIT: '0' } });
    // More than a pipe holds (64 KiB), so that it still writes when nobody reads.
    const ips = Array.from({ length: 250 }, (_, index) => `127.0.6.${index + 1}`).join(',');
    for (const cluster of ['one', 'two', 'three']) {
      await put(server, 251, cluster);
      await fetch(`${server.url}/nacos/v1/as/nodes?cluster=${cluster}&ips=${ips}`, { method: 'POST' });
    }
    assert.ok(
      (await runCli(t, ['events', '--json', '--limit', '1000', '--server', server.url])).out.length > 70_000,
    );
    const script = `'${process.execPath}' '${CLI}' events --json --limit 1000 --server ${server.url} | head -n 1; echo "\${PIPESTATUS[0]}"`;
    const child = spawn('bash', ['-c', script], { stdio: ['ignore', 'pipe', 'pipe'] });
    t.after(() => child.kill('SIGKILL'));
    let printed = '';
    for (const stream of [child.stdout, child.stderr]) {
      stream.setEncoding('utf8').on('data', (text: string) => (printed += text));
    }
    await once(child, 'close');
    assert.equal(printed, '[\n0\n');
  });

  it('says that there is nothing yet, on standard error', async (t) => {
    const server = await start(t);
    const cli = startCli(t, ['events', '--follow', '--server', server.url]);
    await eventually('it says so', () => cli.stderr().includes('no events yet'));
    await put(server, 1);
    await eventually('the head and an event', () => linesOf(cli).length === 2);
  });
});
