import assert from 'node:assert/strict';
import { join } from 'node:path';
import { describe, it, type TestContext } from 'node:test';
import type { ClusterView } from '../../src/registry/view.js';
import { runCli, startOnTerminal } from '../support/cli.js';
import { eventually } from '../support/eventually.js';
import { PollingNode } from '../support/polling.js';
import { startServerProcess, type ServerProcess } from '../support/process.js';
import { tempFolder } from '../support/temp.js';

const [A, B, C, D] = ['127.0.7.1:8848', '127.0.7.2:8848', '127.0.7.3:8848', '127.0.7.4:8848'] as const;

/** Three initial members that poll on; nobody listens on their ports. */
async function start(t: TestContext) {
  const server = await startServerProcess(t, { file: join(tempFolder(t), 'r.db') });
  const nodes = [A, B, C].map((self) => new PollingNode(t, server, self, '&expect=3'));
  await eventually('they bootstrapped', async () => (await view(server)).members?.length === 3);
  return { server, nodes };
}

async function view({ url }: ServerProcess): Promise<Partial<ClusterView>> {
  const answer = await fetch(`${url}/api/v1/clusters/nacos/serverlist`);
  return (await answer.json()) as Partial<ClusterView>;
}

async function members(server: ServerProcess): Promise<string[]> {
  return ((await view(server)).members ?? []).map(({ address }) => address).sort();
}

async function untilDown(server: ServerProcess, ...addresses: readonly string[]): Promise<void> {
  await eventually(`${addresses.join(', ')} are down`, async () => {
    const all = (await view(server)).members ?? [];
    return addresses.every((address) => all.find((member) => member.address === address)?.state === 'down');
  });
}

function run(t: TestContext, { url }: ServerProcess, ...args: readonly string[]) {
  return runCli(t, [...args, '--server', url]);
}

describe('leave', () => {
  it('waits until the others have taken it up', async (t) => {
    const { server, nodes } = await start(t);
    const ran = await run(t, server, 'leave', C);
    assert.deepEqual([ran.status, ran.err], [0, '']);
    assert.match(ran.out, new RegExp(`^${C} is off nacos/serverlist, which has revision 2 now\\.\n`));
    assert.match(ran.out, /Every other live member has taken that up\. If its node still runs, stop it/);
    assert.deepEqual(await members(server), [A, B]);
    nodes[2]!.die();
  });

  it('has a status of its own when some have not, names them, and goes on when it is said again', async (t) => {
    const { server, nodes } = await start(t);
    nodes[1]!.pause();
    const ran = await run(t, server, 'leave', C, 'nacos/serverlist', '--wait', '1s');
    assert.equal(ran.status, 75);
    assert.match(ran.out, new RegExp(`^After 1s these had not taken that up yet: .*${B}`, 'm'));
    const json = await run(t, server, 'leave', C, '--wait', '500ms', '--json');
    assert.equal(json.status, 75);
    const { address, pendingMembers } = JSON.parse(json.out) as { address: string; pendingMembers: string[] };
    assert.deepEqual([address, pendingMembers.includes(B)], [C, true]);
    nodes[1]!.resume();
    const again = await run(t, server, 'leave', C);
    assert.equal(again.status, 0, again.out);
  });

  it('does not wait with --wait 0s, and says who lacks the list', async (t) => {
    const { server, nodes } = await start(t);
    nodes[1]!.pause();
    const ran = await run(t, server, 'leave', C, '--wait', '0s');
    assert.equal(ran.status, 0);
    assert.match(ran.out, new RegExp(`^These have not taken that up yet: .*${B}`, 'm'));
  });

  it('is refused where it would harm, unless by force', async (t) => {
    const { server, nodes } = await start(t);
    nodes[2]!.die();
    await untilDown(server, C);
    const refused = await run(t, server, 'leave', C);
    assert.deepEqual([refused.status, refused.out], [1, '']);
    assert.match(
      refused.err,
      /answers 409: .*its last sign of life was \d+ s ago.* --force takes it off all the same/,
    );
    assert.deepEqual(await members(server), [A, B, C]);
    const forced = await run(t, server, 'leave', C, '--force', '--wait', '0s');
    assert.equal(forced.status, 0, forced.err);
    assert.deepEqual(await members(server), [A, B]);
  });

  it('says what is wrong', async (t) => {
    const server = await startServerProcess(t, { file: join(tempFolder(t), 'r.db') });
    const wrong: readonly (readonly [args: readonly string[], sentence: RegExp])[] = [
      [['127.0.7.9'], /answers 404: 127\.0\.7\.9:8848 is not a member of nacos\/serverlist/],
      [['127.0.7.9:8848', 'nacos/none'], /answers 404: 127\.0\.7\.9:8848 is not a member of nacos\/none/],
      [['[::1]:8848'], /answers 404: \[::1\]:8848 is not a member/],
      [['::1'], /answers 404: \[::1\]:8848 is not a member/],
      [['fd00::5:8848'], /the address "fd00::5:8848" is IPv6 without brackets/],
      [['a/../b'], /the address "a\/\.\.\/b" has a path/],
      [['127.0.7.9', 'serverlist'], /the cluster "serverlist" is not of the form product\/cluster/],
      [['127.0.7.9', 'nacos/..'], /the cluster "nacos\/\.\." is not of the form/],
      [['127.0.7.9', '--wait', '15'], /--wait="15" is not a duration up to 60s, such as 15s/],
      [['127.0.7.9', '--wait', '2m'], /--wait="2m" is not a duration/],
      [[], /missing required argument 'address'/],
    ];
    for (const [args, sentence] of wrong) {
      const { status, out, err } = await run(t, server, 'leave', ...args);
      assert.deepEqual([status, out], [1, ''], args.join(' '));
      assert.match(err, sentence);
    }
  });
});

describe('recover', () => {
  /** One of three is left, and another waits. */
  async function lose(t: TestContext) {
    const { server, nodes } = await start(t);
    nodes[1]!.die();
    nodes[2]!.die();
    await untilDown(server, B, C);
    const waiting = new PollingNode(t, server, D);
    await eventually('it waits', async () => (await view(server)).waiting?.length === 1);
    return { server, waiting };
  }

  it('decides the list and says how to repair Raft', async (t) => {
    const { server } = await lose(t);
    const ran = await run(t, server, 'recover', 'nacos/serverlist', '--yes');
    assert.deepEqual([ran.status, ran.err], [0, '']);
    assert.match(ran.out, /^nacos\/serverlist: impaired /);
    assert.match(ran.out, /^ {2}nacos-address-server doctor nacos\/serverlist --repair$/m);
    assert.ok(
      ran.out.includes(
        `curl -g -X POST 'http://${A}/nacos/v1/core/ops/raft' -H 'Content-Type: application/json' ` +
          `-d '{"command":"resetPeers","value":"127.0.7.1:7848"}'`,
      ),
      ran.out,
    );
    assert.deepEqual(await members(server), [A]);
  });

  it('prints the cluster with --json', async (t) => {
    const { server } = await lose(t);
    const ran = await run(t, server, 'recover', 'nacos/serverlist', '--yes', '--json');
    const { members: list } = JSON.parse(ran.out) as ClusterView;
    assert.deepEqual(
      list.map(({ address }) => address),
      [A],
    );
  });

  it('is refused while there is a majority, and for an unknown cluster', async (t) => {
    const { server } = await start(t);
    const ran = await run(t, server, 'recover', 'nacos/serverlist', '--yes');
    assert.deepEqual([ran.status, ran.out], [1, '']);
    assert.match(ran.err, /answers 409: nacos\/serverlist has a majority/);
    const unknown = await run(t, server, 'recover', 'nacos/none', '--yes');
    assert.equal(unknown.status, 1);
    assert.match(unknown.err, /answers 404: the cluster nacos\/none is unknown/);
  });

  it('needs --yes where no terminal is', async (t) => {
    const { server } = await lose(t);
    const ran = await run(t, server, 'recover', 'nacos/serverlist');
    assert.equal(ran.status, 1);
    assert.match(ran.err, /there is no terminal; give --yes/);
    assert.deepEqual(await members(server), [A, B, C]);
  });

  it('asks on a terminal, and takes only a yes for one', async (t) => {
    const { server } = await lose(t);
    const args = ['recover', 'nacos/serverlist', '--server', server.url];
    for (const answer of ['\r', 'n\r', 'yesterday\r', '\x04', '\x03']) {
      const terminal = await startOnTerminal(t, args);
      await eventually('it asks', () => terminal.sent().includes('Recover nacos/serverlist? [y/N]'));
      assert.match(terminal.sent(), /nacos\/serverlist: quorum-lost/);
      terminal.type(answer);
      assert.equal(await terminal.exited, 1);
      assert.match(terminal.sent(), /not confirmed; nothing was changed/);
    }
    assert.deepEqual(await members(server), [A, B, C]);
    const terminal = await startOnTerminal(t, args);
    await eventually('it asks', () => terminal.sent().includes('[y/N]'));
    terminal.type('y\r');
    assert.equal(await terminal.exited, 0);
    assert.match(terminal.sent(), /resetPeers/);
    assert.deepEqual(await members(server), [A]);
  });
});
