import { mkdirSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import type { TestContext } from 'node:test';
import type { Browser, Page } from 'playwright-core';
import { examined, healthOf } from '../../src/doctor/examination.js';
import { voterIn } from '../../src/doctor/groups.js';
import type { ClusterHealth } from '../../src/doctor/health.js';
import type { Reading } from '../../src/doctor/node-view.js';
import type { ClusterView } from '../../src/registry/view.js';
import { GROUPS } from '../support/believers.js';
import { bootstrapCluster, live, NacosNode, pollPath } from '../support/nodes.js';
import { ask } from '../support/raw.js';
import { startServer, type TestServer } from '../support/server.js';
import { launchChromium, openWindow, type Reader } from './chromium.js';
import { smallPng } from './small-png.js';

/* The pictures of docs/images, made anew: npm run screenshots. */

const FOLDER = fileURLToPath(new URL('../../../docs/images/', import.meta.url));

/** Larger than this, in bytes, and a README is slow. */
const LARGEST = 150_000;

const CLUSTER = '/api/v1/clusters/nacos/serverlist';

/** Of Raft's port, below the main one. */
const OFFSET = 1_000;

type Clean = Pick<TestContext, 'after'>;

const [A, B, C, D] = ['10.0.3.11:8848', '10.0.3.12:8848', '10.0.3.13:8848', '10.0.3.27:8848'] as const;

/** The usual life of a cluster: bootstrapped, a node lost and replaced, another one silent. */
async function busyCluster(t: Clean, server: TestServer): Promise<NacosNode[]> {
  const nodes = await bootstrapCluster(
    t,
    server,
    [A, B, C],
    (self) => `&id=nacos-${Number(self.slice(8, 9)) - 1}`,
  );
  await live(server, nodes, 60_000);
  nodes[2]!.die();
  server.probe.answers.set(C, 'refused');
  await live(server, nodes.slice(0, 2), 20_000);
  const fourth = new NacosNode(t, server, pollPath(D, '&id=nacos-2'));
  await fourth.pollUntilListed();
  return [nodes[0]!, nodes[1]!, fourth];
}

async function manyClusters(t: Clean, server: TestServer): Promise<void> {
  for (const product of ['edge', 'eu-west', 'nacos', 'staging']) {
    for (const [i, name] of ['audit', 'billing', 'catalog', 'gateway', 'orders', 'search'].entries()) {
      const ips = [1, 2, 3, 4, 5].slice(0, 3 + 2 * (i % 2)).map((n) => `10.1.${i}.${n}`);
      await ask(server, 'POST', `/nacos/v1/as/nodes?product=${product}&cluster=${name}&ips=${ips.join(',')}`);
    }
  }
  const initialMembers = [1, 2].map(
    (n) => new NacosNode(t, server, `/edge/payments?self=10.4.0.${n}&expect=3`),
  );
  await Promise.all(initialMembers.map((node) => node.poll()));
  const lost = [1, 2, 3].map((n) => new NacosNode(t, server, `/prod/registry?self=10.8.0.${n}&expect=3`));
  await Promise.all(lost.map((node) => node.pollUntilListed()));
  const nodes = await busyCluster(t, server);
  for (const gone of lost.slice(1)) gone.die();
  server.probe.answers.set('10.8.0.2:8848', 'refused').set('10.8.0.3:8848', 'refused');
  await live(server, [...nodes, lost[0]!], 20_000);
  await Promise.all(initialMembers.map((node) => node.poll()));
}

/** Each heard at another moment. */
async function spread(server: TestServer, nodes: readonly NacosNode[]): Promise<void> {
  for (const node of nodes) {
    await node.poll();
    await server.pass(2_000);
  }
}

async function loseMajority(t: Clean, server: TestServer, nodes: readonly NacosNode[]): Promise<void> {
  nodes[1]!.die();
  nodes[2]!.die();
  server.probe.answers.set(B, 'refused').set(D, 'refused');
  await live(server, nodes.slice(0, 1), 20_000);
  await new NacosNode(t, server, pollPath('10.0.3.28:8848', '&id=nacos-3')).poll();
  await server.pass(2_000);
}

/**
 * What the server would tell if these were real Nacos nodes, of which those that live were read: the voters of every
 * Raft group are its members, or others.
 */
async function healthOfNodes(server: TestServer, voters?: readonly string[]): Promise<ClusterHealth> {
  const view = JSON.parse((await ask(server, 'GET', CLUSTER)).body) as ClusterView;
  const members = view.members.map(({ address }) => address);
  const copy = {
    leader: voterIn(A, OFFSET),
    term: 3,
    voters: (voters ?? members).map((address) => voterIn(address, OFFSET)),
  };
  const groups = new Map(GROUPS.map((name) => [name, copy]));
  const readings = view.members.map(({ address, state }): Reading =>
    state === 'live'
      ? { address, version: '2.5.1', members, groups, clockAhead: undefined }
      : { address, reason: 'it does not answer' },
  );
  const before = examined(view, readings, OFFSET, 0, undefined);
  const now = 260_000;
  return healthOf(examined(view, readings, OFFSET, now, before), OFFSET, now, undefined);
}

async function shoot(
  browser: Browser,
  server: TestServer,
  name: string,
  reader: Reader & { readonly health?: ClusterHealth },
  act?: (page: Page) => Promise<unknown>,
): Promise<void> {
  const { page, context } = await openWindow(browser, { width: 1360, height: 860, ...reader });
  const health = reader.health ?? (server.service.find('nacos/serverlist') && (await healthOfNodes(server)));
  await page.route(`**${CLUSTER}/health`, (route) => route.fulfill({ json: health }));
  await page.goto(server.url);
  await page.locator('.event').first().waitFor();
  await act?.(page);
  // The dot of the connection breathes, and ages are told each second.
  await page.waitForTimeout(1_200);
  const png = smallPng(await page.screenshot({ animations: 'disabled' }));
  writeFileSync(`${FOLDER}${name}.png`, png);
  console.log(`docs/images/${name}.png  ${Math.round(png.length / 1_000)} kB`);
  await context.close();
  if (png.length > LARGEST) throw new Error(`${name}.png has more than ${LARGEST} bytes`);
}

async function main(t: Clean): Promise<void> {
  const browser = await launchChromium();
  t.after(() => browser.close());
  mkdirSync(FOLDER, { recursive: true });
  const many = await startServer(t);
  await manyClusters(t, many);
  await shoot(browser, many, 'clusters', {});
  await shoot(browser, many, 'clusters-dark', { colorScheme: 'dark' });
  await shoot(browser, many, 'clusters-phone', { width: 360, height: 740, isPhone: true });

  const one = await startServer(t);
  const nodes = await busyCluster(t, one);
  await spread(one, nodes);
  await shoot(browser, one, 'cluster', {});
  await shoot(browser, one, 'cluster-dark', { colorScheme: 'dark' });
  await shoot(browser, one, 'cluster-chinese', { locale: 'zh-CN' });
  await shoot(browser, one, 'cluster-phone', { width: 360, height: 740, isPhone: true, colorScheme: 'dark' });

  const unhealthy = await startServer(t);
  const all = await busyCluster(t, unhealthy);
  await live(unhealthy, all, 60_000);
  await spread(unhealthy, all);
  // All are live and settled, and Raft still has the one that crashed, and not yet the one in its place.
  const health = await healthOfNodes(unhealthy, [A, B, C]);
  await shoot(browser, unhealthy, 'unhealthy', { height: 1_040, health });
  await shoot(browser, unhealthy, 'unhealthy-chinese', { height: 1_040, health, locale: 'zh-CN' });

  await loseMajority(t, one, nodes);
  await shoot(browser, one, 'quorum-lost', {});
  await shoot(browser, one, 'recover', {}, (page) => page.getByRole('button', { name: 'Recover …' }).click());
}

const steps: (() => unknown)[] = [];
try {
  await main({ after: (step) => void steps.push(step as () => unknown) });
} finally {
  for (const step of steps.reverse()) await step();
}
