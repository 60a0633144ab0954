import assert from 'node:assert/strict';
import { join } from 'node:path';
import { describe, it, type TestContext } from 'node:test';
import type { ClusterView } from '../../src/registry/view.js';
import { jsonLines, linesOf, runCli, startOnTerminal } from '../support/cli.js';
import { eventually } from '../support/eventually.js';
import { bootstrapCluster } from '../support/nodes.js';
import { PollingNode } from '../support/polling.js';
import { startCli, startServerProcess, type ServerProcess } from '../support/process.js';
import { tempFolder } from '../support/temp.js';

const [A, B, C] = ['127.0.5.1:8848', '127.0.5.2:8848', '127.0.5.3:8848'] as const;

async function start(t: TestContext, options: Partial<Parameters<typeof startServerProcess>[1]> = {}) {
  const { file = join(tempFolder(t), 'r.db') } = options;
  return { ...(await startServerProcess(t, { ...options, file })), file };
}

/** The second screen without a cursor, and the first with one. */
const OPENED = '\x1b[?1049h\x1b[?25l';
const CLOSED = '\x1b[?25h\x1b[?1049l';

/** Two initial members that poll on, and one more that waits for them. */
async function bootstrap(t: TestContext, server: ServerProcess): Promise<PollingNode[]> {
  const nodes = [A, B].map(
    (self) => new PollingNode(t, server, self, `&expect=2&id=id-of-${self.slice(8, 9)}`),
  );
  await eventually('they bootstrapped', async () =>
    (await runCli(t, ['members'], env(server))).out.includes('whole'),
  );
  return nodes;
}

function env({ url }: ServerProcess): Record<string, string> {
  return { ADDRESS_SERVER_URL: url };
}

function post(server: ServerProcess, path: string): Promise<Response> {
  return fetch(server.url + path, { method: 'POST', headers: { accept: 'application/json' } });
}

type Line = Omit<ClusterView, 'state'> & { readonly state: ClusterView['state'] | 'unknown' };

describe('members', () => {
  it('shows states, ages, revisions, who waits and why', async (t) => {
    const server = await start(t);
    await bootstrapCluster(t, server, [A, B], (self) => `&id=id-of-${self}`);
    await post(server, `/other/list?self=${C}&expect=3`);
    const { status, out, err } = await runCli(t, ['members'], env(server));
    assert.deepEqual([status, err], [0, '']);
    assert.match(
      out,
      /^nacos\/serverlist: whole \(all 2 members are live and settled\); epoch 1, revision 1$/m,
    );
    assert.match(out, /^address +id +state +source +last heard +settled +revision$/m);
    assert.match(out, new RegExp(`^${A}  id-of-${A}  live +poll +\\d\\.\\d s ago +yes +1$`, 'm'));
    assert.match(
      out,
      new RegExp(`^${C}  waiting  for \\d s +other/list is bootstrapping: 1 of 3 members wait$`, 'm'),
    );
    const one = await runCli(t, ['members', 'other/list'], env(server));
    assert.ok(!one.out.includes('nacos/serverlist'));
    const json = JSON.parse((await runCli(t, ['members', '--json'], env(server))).out) as Line[];
    assert.deepEqual(
      json.map(({ cluster, members, waiting }) => [cluster, members.length, waiting.length]),
      [
        ['serverlist', 2, 0],
        ['list', 0, 1],
      ],
    );
  });

  it('stays readable in 80 columns', async (t) => {
    const server = await start(t);
    const long = '[2001:db8:1234:5678:9abc:def0:1234:5678]:8848';
    await post(server, `/nacos/serverlist?self=${long}&id=nacos-0.nacos.prod.svc.cluster.local`);
    await post(server, `/nacos/serverlist?self=${C}`);
    for (const command of ['members', 'events']) {
      const terminal = await startOnTerminal(t, [command], { env: env(server) });
      assert.equal(await terminal.exited, 0);
      const lines = terminal.sent().split('\r\n');
      for (const line of lines) assert.ok(line.length <= 80, line);
      assert.ok(
        lines.some((line) => line.startsWith(long) || line.includes(` ${long}`)),
        terminal.sent(),
      );
    }
  });
});

describe('members --watch', () => {
  it('prints a JSON line a change, over a restart of the server', async (t) => {
    const server = await start(t);
    const nodes = await bootstrap(t, server);
    const cli = startCli(t, ['members', 'nacos/serverlist', '--watch', '--json'], { env: env(server) });
    const views = (): Line[] => jsonLines<Line>(cli);
    await eventually('the first', () => views().length === 1);
    assert.deepEqual(
      views()[0]!.members.map(({ address }) => address),
      [A, B],
    );

    await post(server, `/nacos/serverlist?self=${C}`);
    await eventually('who waits or is listed', () => {
      const last = views().at(-1)!;
      return last.members.length + last.waiting.length === 3;
    });

    const before = views().length;
    server.child.kill('SIGTERM');
    await server.exited;
    await eventually('it says so', () => /\(trying again in \d+\.\d s\)/.test(cli.stderr()));
    const again = await start(t, server);
    await eventually('connected again', () => cli.stderr().includes('connected again'));
    nodes[1]!.die();
    await eventually('a change after the restart', () => {
      const member = views()
        .at(-1)!
        .members.find(({ address }) => address === B);
      return member?.state === 'down';
    });
    assert.ok(views().length > before);
    for (const [index, view] of views().entries()) {
      const next = views()[index + 1];
      if (next) assert.notEqual(withoutAges(view), withoutAges(next), 'that time passes is no change');
    }
    cli.child.kill('SIGINT');
    assert.equal(await cli.exited, 0);
    assert.equal(again.child.exitCode, null);
  });

  it('tells of all clusters, of new ones, and of one that is gone', async (t) => {
    const server = await start(t, { args: ['--member-ttl', '1s'] });
    const cli = startCli(t, ['members', '--watch', '--json'], { env: env(server) });
    await post(server, '/nacos/v1/as/nodes?ips=127.0.5.9&cluster=one');
    const last = (name: string): Line | undefined =>
      jsonLines<Line>(cli).findLast(({ cluster }) => cluster === name);
    await eventually('one', () => last('one')?.members.length === 1);
    await eventually('two', async () => {
      await post(server, `/nacos/two?self=${B}&expect=2`);
      return last('two')?.state === 'bootstrapping';
    });
    await post(server, `/nacos/one?self=${A}`);
    await eventually('one, changed', () => last('one')?.members.length === 2);
    await eventually('two is forgotten, since it waits no more', () => last('two')?.state === 'unknown');
    cli.child.kill('SIGTERM');
    assert.equal(await cli.exited, 0);
  });

  it('waits for a cluster that is unknown', async (t) => {
    const server = await start(t);
    const cli = startCli(t, ['members', 'nacos/later', '--watch'], { env: env(server) });
    await eventually('it says so', () =>
      linesOf(cli).some((line) => line.startsWith('nacos/later: unknown')),
    );
    await post(server, `/nacos/later?self=${A}`);
    await eventually('it is there', () => linesOf(cli).some((line) => line.startsWith('nacos/later: whole')));
  });

  it('appends blocks where there is no terminal, each with its time', async (t) => {
    const server = await start(t);
    await post(server, `/nacos/serverlist?self=${A}`);
    const cli = startCli(t, ['members', '--watch'], { env: env(server) });
    await eventually('a block', () => cli.stdout().includes(A));
    await post(server, `/nacos/serverlist?self=${B}`);
    await eventually('another', () => cli.stdout().includes(B));
    cli.child.kill('SIGTERM');
    assert.equal(await cli.exited, 0);
    const blocks = cli.stdout().trimEnd().split('\n\n');
    assert.ok(blocks.length >= 2);
    for (const block of blocks) assert.match(block, /^# \d{4}-\d\d-\d\dT[\d:.]+Z\nnacos\/serverlist: /);
    assert.doesNotMatch(cli.stdout(), /\x1b/);
  });

  it('redraws a terminal in place, shows a lost connection, and puts the terminal back on Ctrl-C', async (t) => {
    const server = await start(t);
    const nodes = await bootstrap(t, server);
    await post(server, `/nacos/other?self=${C}&expect=2`);
    const terminal = await startOnTerminal(t, ['members', '--watch'], { env: env(server) });
    await eventually('the picture', () => terminal.screen().includes('nacos/other is bootstrapping: 1 of 2'));
    assert.match(terminal.screen(), new RegExp(`^${server.url} at [-\\dT:.]+Z, server up\n`));
    assert.match(terminal.screen(), new RegExp(`^${A}  id-of-1  live `, 'm'));
    for (const line of terminal.screen().split('\n')) assert.ok(line.length <= 80, line);
    nodes[1]!.die();
    await eventually('it changes', () => new RegExp(`^${B}  id-of-2  down `, 'm').test(terminal.screen()));
    server.child.kill('SIGTERM');
    await eventually('it is lost', () => terminal.screen().startsWith('CONNECTION LOST: '));
    assert.ok(terminal.screen().includes(A), 'what was known stays');
    await start(t, server);
    await eventually('it is back', () => terminal.screen().startsWith(server.url));
    assert.ok(terminal.sent().startsWith(OPENED));
    assert.ok(!terminal.sent().includes(CLOSED));
    terminal.type('\x03');
    assert.equal(await terminal.exited, 0);
    assert.ok(terminal.sent().endsWith(CLOSED), JSON.stringify(terminal.sent().slice(-80)));
    assert.equal(terminal.sent().split(OPENED).length, 2, 'once');
  });

  it('puts the terminal back on SIGTERM and on an error, which is to be read then', async (t) => {
    const server = await start(t);
    const terminal = await startOnTerminal(t, ['members', '--watch'], { env: env(server) });
    await eventually('the picture', () => terminal.screen().includes('no clusters'));
    process.kill(terminal.pid, 'SIGTERM');
    assert.equal(await terminal.exited, 0);
    assert.ok(terminal.sent().endsWith(CLOSED));

    const other = await startOnTerminal(t, ['members', '--watch'], { env: env(server) });
    await eventually('the picture', () => other.screen().includes('no clusters'));
    server.child.kill('SIGTERM');
    await server.exited;
    await startServerProcess(t, {
      file: server.file,
      port: server.port,
      env: { READ_TOKEN: 'a-read-token-0123456789' },
    });
    assert.equal(await other.exited, 1);
    const [, after = ''] = other.sent().split(CLOSED);
    assert.match(after, /^nacos-address-server: .* answers 401: .*TOKEN/);
  });

  it('stops and goes on with Ctrl-Z and fg', async (t) => {
    const server = await start(t);
    const terminal = await startOnTerminal(t, ['members', '--watch'], { env: env(server) });
    await eventually('the picture', () => terminal.screen().includes('no clusters'));
    process.kill(terminal.pid, 'SIGTSTP');
    await terminal.resume();
    // `script` may stop before it has passed on what came last, and does so when it goes on.
    const [, before] = await eventually('the picture is back', () => {
      const pictures = terminal.sent().split(OPENED);
      return pictures.length === 3 && pictures[2]!.includes('no clusters') && pictures;
    });
    assert.ok(before!.endsWith(CLOSED), 'in between the shell had its screen');
    terminal.type('\x03');
    assert.equal(await terminal.exited, 0);
    assert.ok(terminal.sent().endsWith(CLOSED));
  });

  it('fits a small window, and shows many clusters at a glance, trouble first', async (t) => {
    const server = await start(t);
    for (let number = 10; number < 22; number++) {
      await post(server, `/nacos/v1/as/nodes?ips=127.0.5.9&cluster=c${number}`);
    }
    await post(server, `/nacos/zz?self=${A}&expect=3`);
    const terminal = await startOnTerminal(t, ['members', '--watch'], { env: env(server), rows: 10 });
    await eventually('the picture', () => terminal.screen().includes('nacos/zz'));
    const lines = terminal.screen().split('\n');
    assert.equal(lines.length, 10);
    assert.match(lines[2]!, /^cluster +state +members +live +unsettled +waiting +revision$/);
    assert.match(lines[3]!, /^nacos\/zz +bootstrapping +0 +0 +0 +1 +0$/);
    assert.match(lines[9]!, /^… \d+ more lines: a taller window shows them$/);
  });
});

function withoutAges(view: Line): string {
  return JSON.stringify(view, (key, value: unknown) =>
    /Ms$/.test(key) && key !== 'ttlMs' ? undefined : value,
  );
}
