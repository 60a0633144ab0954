import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { dirname } from 'node:path';
import { describe, it } from 'node:test';
import type { ClusterView } from '../../src/registry/view.js';
import { jsonLines, linesOf } from '../support/cli.js';
import { eventually } from '../support/eventually.js';
import { startCli, type CliProcess } from '../support/process.js';

interface Line {
  readonly seconds: number;
  readonly what: string;
  readonly why: string;
  readonly cluster?: ClusterView;
}

/** The page and the folder, as the first lines say them. */
function placesOf(text: string): { url: string; folder: string } {
  const url = /http:\/\/127\.0\.0\.1:\d+\//.exec(text)?.[0] ?? '';
  return { url, folder: dirname(/\S+server\.log/.exec(text)?.[0] ?? '') };
}

async function assertGone(cli: CliProcess): Promise<void> {
  const { url, folder } = placesOf(cli.stdout());
  assert.match(folder, /nacos-address-server-demo-/);
  assert.ok(!existsSync(folder), folder);
  await assert.rejects(fetch(url));
}

describe('demo', () => {
  it('shows three nodes that bootstrap a cluster, and one that dies and is replaced', async (t) => {
    const cli = startCli(t, ['demo', '--exit', '--json']);
    assert.equal(await cli.exited, 0, cli.stderr());
    assert.equal(cli.stderr(), '');
    const lines = jsonLines<Line>(cli);
    const pictures = lines.flatMap(({ cluster }) => (cluster === undefined ? [] : [cluster]));
    // Which others are live is not looked at: on a slow machine a poll may be late.
    assert.deepEqual(
      pictures.map(({ members, waiting }) => [members.length, waiting.length]),
      [
        [0, 2],
        [3, 0],
        [3, 0],
        [4, 0],
        [4, 0],
        [3, 0],
      ],
    );
    const dead = pictures[2]!.members.find(({ state }) => state === 'down')!;
    const successor = pictures[3]!.members.at(-1)!;
    assert.equal(successor.id, dead.id);
    assert.equal(pictures[4]!.members.find(({ address }) => address === successor.address)?.settled, true);
    const last = pictures[5]!.members.map(({ address }) => address);
    assert.ok(!last.includes(dead.address) && last.includes(successor.address), last.join());
    assert.match(lines.at(-2)!.what, /its port does not answer; 127\.0\.0\.1:\d+ has taken its place/);
    assert.match(lines.at(-1)!.what, /every Raft group has a leader and exactly these voters/);
    await assertGone(cli);
  });

  it('ends at any time by Ctrl-C, and leaves nothing', async (t) => {
    const cli = startCli(t, ['demo']);
    await eventually('the first scene', () => linesOf(cli).some((line) => line.includes('they wait')));
    const { url, folder } = placesOf(cli.stdout());
    assert.equal((await fetch(url)).status, 200);
    assert.ok(existsSync(folder));
    cli.child.kill('SIGINT');
    assert.equal(await cli.exited, 0, cli.stderr());
    await assertGone(cli);
  });
});
