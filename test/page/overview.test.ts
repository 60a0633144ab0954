import assert from 'node:assert/strict';
import type { Page } from 'playwright-core';
import { live, NacosNode } from '../support/nodes.js';
import { ask } from '../support/raw.js';
import { startServer, type TestServer } from '../support/server.js';
import type { Cleanup } from '../support/cleanup.js';
import { becomes, matches, pageTest, visit } from './browser.js';

/** Three whole clusters, one that bootstraps, a impaired one and one without a majority. */
async function manyClusters(t: Cleanup): Promise<TestServer> {
  const server = await startServer(t);
  for (const name of ['audit', 'billing', 'zulu']) {
    await ask(server, 'POST', `/nacos/v1/as/nodes?product=edge&cluster=${name}&ips=10.1.0.1,10.1.0.2`);
  }
  const node = (cluster: string, host: string): NacosNode =>
    new NacosNode(t, server, `/${cluster}?self=${host}:8848&expect=3`);
  const three = async (cluster: string, net: string): Promise<NacosNode[]> => {
    const nodes = [1, 2, 3].map((n) => node(cluster, `${net}.${n}`));
    await Promise.all(nodes.map((one) => one.pollUntilListed()));
    return nodes;
  };
  const impaired = await three('nacos/impaired', '10.2.0');
  const lost = await three('nacos/lost', '10.3.0');
  for (const gone of ['10.2.0.3', '10.3.0.2', '10.3.0.3'])
    server.probe.answers.set(`${gone}:8848`, 'refused');
  for (const gone of [impaired[2]!, lost[1]!, lost[2]!]) gone.die();
  await live(server, [...impaired.slice(0, 2), ...lost.slice(0, 1)], 20_000);
  await node('prod/bootstrapping', '10.4.0.1').poll();
  return server;
}

const names = (page: Page): Promise<string[]> => page.locator('.cluster-name').allTextContents();

pageTest('all clusters, the troubled first, filtered by state and by words', async (t) => {
  const server = await manyClusters(t);
  const { page } = await visit(t, server.url);
  await page.getByRole('heading', { name: 'Clusters', exact: true }).waitFor();
  await becomes(
    () => names(page),
    ['nacos/lost', 'nacos/impaired', 'prod/bootstrapping', 'edge/audit', 'edge/billing', 'edge/zulu'],
  );
  await becomes(() => page.title(), '(3) Nacos address server');
  const filter = page.getByRole('group', { name: 'Filter by state' });
  await becomes(
    async () => (await filter.getByRole('button').allInnerTexts()).map((text) => text.replace('\n', ' ')),
    ['All 6', 'Quorum lost 1', 'Impaired 1', 'Bootstrapping 1', 'Whole 3'],
  );
  await page
    .getByRole('link', { name: 'prod/bootstrapping' })
    .getByText('Bootstrapping 1 of 3', { exact: true })
    .waitFor();
  await page
    .getByRole('link', { name: 'nacos/lost' })
    .getByText('start new ones and recover the cluster')
    .waitFor();

  await filter.getByRole('button', { name: 'Whole' }).click();
  await becomes(() => filter.getByRole('button', { name: 'Whole' }).getAttribute('aria-pressed'), 'true');
  await becomes(() => names(page), ['edge/audit', 'edge/billing', 'edge/zulu']);
  await page.getByRole('searchbox', { name: 'Search clusters' }).fill('EDGE z');
  await becomes(() => names(page), ['edge/zulu']);
  await page.getByText('1 of 6').waitFor();
  await page.getByRole('searchbox', { name: 'Search clusters' }).fill('nothing');
  await page.getByRole('button', { name: 'Clear the filters' }).click();
  await becomes(async () => (await names(page)).length, 6);

  // A change of state moves it, and is told to those who listen.
  await ask(server, 'POST', '/nacos/v1/as/nodes?product=prod&cluster=bootstrapping&ips=10.4.0.9');
  await page.locator('[role=status][aria-live=polite]').getByText('prod/bootstrapping: Impaired').waitFor();
});

pageTest('by keyboard alone: search, move, open, back', async (t) => {
  const server = await manyClusters(t);
  const { page } = await visit(t, server.url);
  await page.getByRole('heading', { name: 'Clusters', exact: true }).waitFor();
  const focused = (): Promise<string> => page.evaluate<string>('document.activeElement.textContent');

  await page.keyboard.press('Tab');
  await becomes(focused, 'Skip to content');
  assert.notEqual(await page.evaluate('getComputedStyle(document.activeElement).outlineStyle'), 'none');
  await page.keyboard.press('Enter');
  await becomes(() => page.evaluate('document.activeElement.id'), 'content');

  await page.keyboard.press('/');
  await becomes(() => page.evaluate('document.activeElement.type'), 'search');
  await page.keyboard.type('edge');
  await page.keyboard.press('ArrowDown');
  await matches(focused, /^edge\/audit/);
  await page.keyboard.press('ArrowDown');
  await matches(focused, /^edge\/billing/);
  await page.keyboard.press('End');
  await matches(focused, /^edge\/zulu/);
  await page.keyboard.press('ArrowUp');
  await page.keyboard.press('Enter');
  await page.getByRole('heading', { name: 'edge/billing' }).waitFor();
  assert.equal(new URL(page.url()).hash, '#/edge/billing');

  await page.goBack();
  await page.getByRole('heading', { name: 'Clusters', exact: true }).waitFor();
  await page.keyboard.press('/');
  await page.keyboard.type('lost');
  await becomes(() => names(page), ['nacos/lost']);
  await page.keyboard.press('Escape');
  await becomes(async () => (await names(page)).length, 6);
  await page.keyboard.press('ArrowDown');
  await page.keyboard.press('Enter');
  await page.getByRole('heading', { name: 'nacos/lost' }).waitFor();

  // A dialog keeps the focus, Esc closes it, and the focus is back where it was.
  const recover = page.getByRole('button', { name: 'Recover …' });
  await recover.focus();
  await page.keyboard.press('Enter');
  const dialog = page.getByRole('dialog');
  await dialog.waitFor();
  for (let i = 0; i < 8; i++) {
    await page.keyboard.press('Tab');
    assert.equal(
      await page.evaluate(
        'document.activeElement === document.body || !!document.activeElement.closest("dialog")',
      ),
      true,
    );
  }
  await page.keyboard.press('Escape');
  await dialog.waitFor({ state: 'detached' });
  await becomes(focused, 'Recover …');
});

pageTest('a cluster’s page can be linked, also one that nobody knows yet', async (t) => {
  const server = await manyClusters(t);
  const { page } = await visit(t, server.url, { hash: '#/prod/bootstrapping' });
  await page.locator('.hero').getByText('Bootstrapping 1 of 3', { exact: true }).waitFor();
  await page.getByRole('link', { name: 'All clusters' }).click();
  await page.getByRole('heading', { name: 'Clusters', exact: true }).waitFor();

  await page.goto(`${server.url}/#/nacos/new-one`);
  await page
    .getByRole('heading', { name: 'nacos/new-one is unknown: no node was ever listed, and none is waiting.' })
    .waitFor();
  await page.locator('.setup pre').getByText('/nacos/new-one?self=NODE_IP:8848&expect=3').waitFor();
  await new NacosNode(t, server, '/nacos/new-one?self=10.5.0.1').pollUntilListed();
  await page.locator('.hero').getByText('Whole', { exact: true }).waitFor();
});
