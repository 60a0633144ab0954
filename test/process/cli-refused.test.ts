import assert from 'node:assert/strict';
import { join } from 'node:path';
import { it, type TestContext } from 'node:test';
import { runCli } from '../support/cli.js';
import { startServerProcess } from '../support/process.js';
import { tempFolder } from '../support/temp.js';

/** A server with the cluster nacos/serverlist, of which some were refused. */
async function start(t: TestContext) {
  const server = await startServerProcess(t, { file: join(tempFolder(t), 'r.db') });
  const ask = async (path: string, method = 'GET'): Promise<number> =>
    (await fetch(server.url + path, { method, headers: { accept: 'application/json' } })).status;
  assert.equal(await ask('/nacos/v1/as/nodes?ips=127.0.7.1', 'POST'), 200);
  assert.equal(await ask('/nacos/serverlist?self=$(POD_IP)'), 400);
  assert.equal(await ask('/severlist?self=10.0.0.5:8848'), 404);
  assert.equal(await ask('/severlist?self=10.0.0.5:8848'), 404);
  const run = (...args: readonly string[]) => runCli(t, [...args, '--server', server.url]);
  return { ...server, run };
}

it('members and events --refused say who was refused, and why', async (t) => {
  const { run, url } = await start(t);
  const members = await run('members');
  assert.deepEqual([members.status, members.err], [0, '']);
  const [title, ...rest] = members.out.split('\n');
  assert.match(title!, /^nacos\/serverlist: whole .*; 1 refused caller\(s\), see events --refused$/);
  const text = rest.join('\n');
  assert.match(
    text,
    /\nrefused:\nlast +first +times +from +self +why\n\d s ago +\d s ago +1 +127\.0\.0\.1 +\$\(POD_IP\) +unexpanded +self="\$\(POD_IP\)" holds /,
  );
  assert.match(
    text,
    /\n\nrefused, and named no known cluster:\n.*\n.* 2 +127\.0\.0\.1 +10\.0\.0\.5:8848 +\/severlist +path +there is nothing at "\/severlist"; a list is at/,
  );
  const one = await run('members', 'nacos/serverlist');
  assert.match(one.out, /POD_IP/);
  assert.doesNotMatch(one.out, /severlist"/);

  const all = await run('events', '--refused', '--json');
  type Row = Record<'cluster' | 'self' | 'code' | 'times', unknown>;
  assert.deepEqual(
    (JSON.parse(all.out) as Row[]).map(({ cluster, self, code, times }) => [cluster, self, code, times]),
    [
      ['nacos/serverlist', '$(POD_IP)', 'unexpanded', 1],
      [undefined, '10.0.0.5:8848', 'path', 2],
    ],
    'the last one below, as of a log',
  );
  const table = await run('events', 'nacos/serverlist', '--refused');
  assert.match(table.out, /^last +first +times +from +self +cluster +why\n.* nacos\/serverlist +unexpanded/);
  assert.equal((await run('events', '--refused', '--limit', '1', '--json')).out.match(/"code"/g)?.length, 1);
  const history = await run('events');
  assert.match(history.out, /nacos\/serverlist +refused +\d+ +127\.0\.0\.1, self="\$\(POD_IP\)": self=/);

  const follow = await run('events', '--refused', '--follow');
  assert.deepEqual([follow.status, follow.out], [1, '']);
  assert.match(follow.err, /leave out --follow/);
  const nobody = await runCli(t, ['events', 'nacos/none', '--refused', '--server', url]);
  assert.match(nobody.err, /the cluster nacos\/none is unknown/);
});
