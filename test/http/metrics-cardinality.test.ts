import assert from 'node:assert/strict';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it, test, type TestContext } from 'node:test';
import {
  ClusterChoice,
  NEVER_FOUNDED,
  OWN_SERIES,
  REMEMBER_TROUBLE_MS,
  type Candidate,
} from '../../src/metrics/cluster-choice.js';
import { OTHERS } from '../../src/metrics/cluster-metrics.js';
import type { ClusterState } from '../../src/registry/view.js';
import { scrape, type Exposition } from '../support/exposition.js';
import { ask } from '../support/raw.js';
import { startServer, type TestServer } from '../support/server.js';
import { tempFolder } from '../support/temp.js';

const nameOf = (i: number): string => `p/c${String(i).padStart(4, '0')}`;

/** Clusters of which these are in another state than `whole`. */
function clusters(count: number, states: Readonly<Record<number, ClusterState>> = {}): Candidate[] {
  return Array.from({ length: count }, (_, i) => ({
    name: nameOf(i),
    stats: { state: states[i] ?? 'whole', epoch: 1 },
  }));
}

const namesOf = (all: readonly Candidate[]): string[] => all.map(({ name }) => name).sort();
const upTo = (count: number): string[] => Array.from({ length: count }, (_, i) => nameOf(i));

describe('which clusters get series of their own', () => {
  it('all, as long as they are few', () => {
    const { own, others } = new ClusterChoice().choose(clusters(OWN_SERIES), 0);
    assert.deepEqual([own.length, others.length], [OWN_SERIES, 0]);
  });

  it('the first by name, in whatever order they come', () => {
    const all = clusters(1_000);
    const { own, others } = new ClusterChoice().choose(all, 0);
    assert.deepEqual(namesOf(own), upTo(OWN_SERIES));
    assert.equal(others.length, 1_000 - OWN_SERIES);
    const reversed = new ClusterChoice().choose([...all].reverse(), 0);
    assert.deepEqual(namesOf(reversed.own), namesOf(own));
  });

  it('those in trouble, each in place of a whole one', () => {
    const states = { 500: 'quorum-lost', 700: 'impaired', 900: 'bootstrapping' } as const;
    const { own } = new ClusterChoice().choose(clusters(1_000, states), 0);
    assert.deepEqual(namesOf(own), [...upTo(OWN_SERIES - 3), nameOf(500), nameOf(700), nameOf(900)]);
  });

  it('the worst first, when even those in trouble are too many', () => {
    const impaired = Object.fromEntries(upTo(900).map((_, i) => [i, 'impaired' as const]));
    const { own } = new ClusterChoice().choose(clusters(1_000, { ...impaired, 899: 'quorum-lost' }), 0);
    assert.deepEqual(namesOf(own), [...upTo(OWN_SERIES - 1), nameOf(899)]);
  });

  it('and those that were in trouble within the last hour, so that their recovery is seen', () => {
    const choice = new ClusterChoice();
    choice.choose(clusters(1_000, { 500: 'impaired' }), 0);
    const later = choice.choose(clusters(1_000), REMEMBER_TROUBLE_MS - 1);
    assert.deepEqual(namesOf(later.own), [...upTo(OWN_SERIES - 1), nameOf(500)]);
    const forgotten = choice.choose(clusters(1_000), REMEMBER_TROUBLE_MS);
    assert.deepEqual(namesOf(forgotten.own), upTo(OWN_SERIES));
  });

  it('not too many that never had a list, which whoever polls can make', () => {
    const strange = Array.from({ length: 5_000 }, (_, i) => ({
      name: `a/${i}`,
      stats: { state: 'bootstrapping', epoch: 0 } as const,
    }));
    const { own } = new ClusterChoice().choose([...strange, ...clusters(1_000, { 999: 'impaired' })], 0);
    assert.equal(own.filter(({ name }) => name.startsWith('a/')).length, NEVER_FOUNDED);
    assert.ok(namesOf(own).includes(nameOf(999)));
    assert.ok(namesOf(own).includes(nameOf(100)));
  });
});

/** On memory if there is such a folder: it is a thousand commits. */
function fastFile(t: TestContext): string {
  if (!existsSync('/dev/shm')) return join(tempFolder(t), 'registry.db');
  const folder = mkdtempSync('/dev/shm/address-server-');
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  return join(folder, 'registry.db');
}

const CLUSTERS = 1_000;
const SIZE = 10;

async function fill({ service }: TestServer): Promise<void> {
  for (let from = 0; from < CLUSTERS; from += 100) {
    await Promise.all(
      Array.from({ length: 100 }, (_, i) => {
        const [high, low] = [(from + i) >> 8, (from + i) & 255];
        const addresses = Array.from({ length: SIZE }, (_, j) => `127.${high + 1}.${low}.${j + 1}:8848`);
        return service.command({ product: 'p', name: `c${from + i}` }, { type: 'put', addresses });
      }),
    );
  }
}

test('1,000 clusters of 10: series stay bounded, nothing is lost, and polls go on meanwhile', async (t) => {
  const server = await startServer(t, { file: fastFile(t) });
  await fill(server);
  const found = await scrape(server);
  const names = new Set(found.samples.flatMap(({ labels }) => labels.cluster ?? []));
  assert.equal(names.size, OWN_SERIES + 1);
  assert.ok(names.has(OTHERS));
  assert.equal(found.value('address_server_clusters_aggregated'), CLUSTERS - OWN_SERIES);
  assert.equal(total(found, 'address_server_clusters'), CLUSTERS);
  assert.equal(total(found, 'address_server_cluster_members'), CLUSTERS * SIZE);
  const others = { product: OTHERS, cluster: OTHERS };
  const rest = (CLUSTERS - OWN_SERIES) * SIZE;
  assert.equal(found.value('address_server_cluster_members', { ...others, state: 'static' }), rest);
  assert.equal(found.find('address_server_cluster_revision', others).length, 0, 'a sum that says nothing');
  // Some 3,300 now; what grows with the clusters is bounded, and the rest are closed sets.
  assert.ok(found.samples.length < 5_000, `${found.samples.length} series`);

  // The last by name, so one without series of its own until it is in trouble.
  await ask(server, 'POST', '/p/c999?self=127.9.9.9');
  const troubled = await scrape(server);
  const unsettled = { product: 'p', cluster: 'c999' };
  assert.equal(troubled.value('address_server_cluster_unsettled_members', unsettled), 1);
  assert.equal(total(troubled, 'address_server_cluster_members'), CLUSTERS * SIZE + 1);

  const readable = {
    service: server.service,
    connections: { count: () => ({ open: 0, members: 0 }) },
    heldRequests: { held: 0 },
  };
  const shares: number[] = [];
  for (let i = 0; i < 5; i++) shares.push(await longestTurn(() => server.metrics.render(readable)));
  assert.ok(Math.min(...shares) < 0.5, `one turn of the event loop took ${shares.join(', ')} of all`);
});

function total(found: Exposition, name: string): number {
  return found.find(name).reduce((sum, { value }) => sum + value, 0);
}

/**
 * The part of the work that its longest turn of the event loop took. In CPU time, which does not depend on what else the
 * machine does.
 */
async function longestTurn(work: () => Promise<unknown>): Promise<number> {
  const used = (): number => {
    const { user, system } = process.cpuUsage();
    return user + system;
  };
  const start = used();
  let last = start;
  let longest = 0;
  let isOver = false;
  const turn = (): void => {
    const now = used();
    longest = Math.max(longest, now - last);
    last = now;
    if (!isOver) setImmediate(turn);
  };
  setImmediate(turn);
  await work();
  isOver = true;
  return longest / (used() - start);
}
