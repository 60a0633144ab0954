import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { ServerProcess } from '../support/process.js';
import { addressesOf, groupsOf } from './beliefs.js';
import { type Cluster } from './cluster.js';
import { clusterConfOf, type NacosNode } from './node.js';
import { readInstance } from './persistent-data.js';
import { patiently } from './patience.js';

/*
 * Lists as no server of ours would serve them. The nodes read them from their own files, and our server only holds
 * what the list should be, for the doctor to compare with.
 */

/** Starts a node in file lookup for each of these ports, all with the same first list. */
export function startWithList(
  cluster: Cluster,
  ports: readonly number[],
  members: readonly string[],
): Promise<NacosNode[]> {
  return Promise.all(ports.map((port) => cluster.startNode({ lookup: 'file', port, members })));
}

export async function takePorts(cluster: Cluster, count: number): Promise<number[]> {
  const ports: number[] = [];
  while (ports.length < count) ports.push(await cluster.takePort());
  return ports;
}

/** Gives these nodes another list, and returns at once: a node in file lookup has read it some 10 ms later. */
export function writeLists(to: readonly NacosNode[], members: readonly NacosNode[]): void {
  const text = members.map(({ address }) => `${address}\n`).join('');
  for (const { home } of to) writeFileSync(clusterConfOf(home), text);
}

/** Waits until each of the nodes believes in exactly these members. */
export async function listEachOther(nodes: readonly NacosNode[]): Promise<void> {
  const members = addressesOf(nodes).join();
  await patiently('the nodes list each other', async () => {
    const views = await Promise.all(nodes.map((node) => node.members()));
    return views.every((view) => view.join() === members);
  });
}

/**
 * Waits until each group has a leader. One that has none yet is not shown at all, so nodes that agree may still lack some.
 * Not for a lone node: it may never show a group that it leads. Where nodes do not show their groups there is nothing to
 * wait for.
 */
export async function allLed(nodes: readonly NacosNode[]): Promise<void> {
  if (!nodes.some(({ showsGroups }) => showsGroups)) return;
  const led = async (): Promise<boolean> => (await groupsOf(nodes)).size === nodes[0]?.traits.groups;
  await patiently('every Raft group has a leader', led, 200);
}

/** For how long no node may have failed to join a group until it has joined all, in milliseconds: it tries each second. */
const JOINED = 3_000;

/**
 * Waits until every node has joined every Raft group: it asks once a second until it is a voter (JRaftServer's
 * registerSelfToCluster), and one that still does so adds itself again right after it was dropped.
 */
export async function haveJoined(nodes: readonly NacosNode[]): Promise<void> {
  await allLed(nodes);
  let failures = -1;
  let since = performance.now();
  await patiently(
    'every node has joined',
    () => {
      const now = nodes.reduce((total, { home }) => total + failedToJoin(home), 0);
      if (now !== failures) [failures, since] = [now, performance.now()];
      return performance.now() - since > JOINED;
    },
    200,
  );
}

function failedToJoin(home: string): number {
  const file = join(home, 'logs', 'protocol-raft.log');
  return existsSync(file) ? readFileSync(file, 'utf8').split('Failed to join the cluster').length : 0;
}

/** Tells our server what the list should be. */
export async function register(
  server: Pick<ServerProcess, 'url'>,
  nodes: readonly Pick<NacosNode, 'address'>[],
): Promise<void> {
  for (const { address } of nodes) {
    const query = `self=${address}&expect=${nodes.length}`;
    await fetch(`${server.url}/nacos/serverlist?${query}`, { method: 'POST' });
  }
}

/** Waits until every node's own copy has the instance. */
export async function haveInstance(nodes: readonly NacosNode[], service: string): Promise<void> {
  for (const node of nodes) {
    await patiently(`${node.port} has ${service}`, () => readInstance(node, service), 200);
  }
}
