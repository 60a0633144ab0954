import assert from 'node:assert/strict';
import type { Page } from 'playwright-core';
import { ask } from '../support/raw.js';
import { startServer, type TestServer } from '../support/server.js';
import { becomes, pageTest, scrollTo, visit } from './browser.js';

/** A task that keeps the page from answering for longer is too long on any machine, in milliseconds. */
const TOO_LONG = 2_000;

/** What one would not notice. */
const LONG = 200;

const CLUSTERS = 1_000;
const MEMBERS_EACH = 10;

pageTest('1,000 clusters and 10,000 members, while ten of them change every moment', async (t) => {
  const server = await startServer(t);
  const put = (cluster: number, ips: string): Promise<unknown> =>
    ask(server, 'POST', `/nacos/v1/as/nodes?cluster=c${String(cluster).padStart(4, '0')}&ips=${ips}`);
  for (let first = 0; first < CLUSTERS; first += 20) {
    const some = Array.from({ length: 20 }, (_, i) => first + i);
    await Promise.all(some.map((cluster) => put(cluster, addresses(cluster, MEMBERS_EACH))));
  }
  const { page } = await visit(t, server.url);
  await watchLongTasks(page);
  await page.reload();
  await page.getByText('All 1,000', { exact: true }).waitFor();
  assert.ok((await page.locator('.cluster-row').count()) < 60, 'only what is in sight is drawn');

  const started = performance.now();
  let changes = 0;
  const changing = (async () => {
    for (let turn = 0; turn < 20; turn++) {
      await Promise.all(
        Array.from({ length: 10 }, (_, i) => put((turn * 37 + i * 91) % CLUSTERS, `10.200.${turn}.${i + 1}`)),
      );
      changes += 10;
    }
  })();
  for (const y of [5_000, 20_000, 43_000, 0]) {
    await scrollTo(page, '.clusters', y);
    await becomes(
      async () => (await page.locator('.cluster-row').count()) > 5,
      true,
      'something is drawn wherever one scrolls',
    );
  }
  await page.keyboard.press('/');
  await page.keyboard.type('c0999', { delay: 20 });
  await changing;
  await page.getByRole('listitem').getByText('c0999').waitFor();
  await becomes(() => page.locator('.cluster-row').count(), 1);
  await page.keyboard.press('ArrowDown');
  await page.keyboard.press('Enter');
  await page.getByRole('heading', { name: 'nacos/c0999' }).waitFor();
  await judgeLongTasks(
    page,
    `${CLUSTERS} clusters, ${changes} changes in ${Math.round(performance.now() - started)} ms`,
  );
});

pageTest('one cluster with 1,000 members, whose ages grow between two news', async (t) => {
  const server = await startServer(t);
  await ask(server, 'POST', '/nacos/v1/as/nodes', form, `ips=${addresses(1, 999)}`);
  await ask(server, 'POST', '/nacos/serverlist?self=10.99.0.1');
  const { page } = await visit(t, server.url);
  await watchLongTasks(page);
  await page.reload();
  await page.getByRole('heading', { name: 'Members 1,000' }).waitFor();
  assert.ok((await page.locator('.member-row[data-address]').count()) < 60);
  await page.getByRole('searchbox', { name: 'Search members' }).fill('10.99.0.1');
  const age = page.locator('.member-row[data-address="10.99.0.1:8848"] .age-text');
  // The server's clock stands; it speaks each 5 s, and in between the page counts on.
  await age.getByText('3 s', { exact: true }).waitFor();
  await age.getByText('0 s', { exact: true }).waitFor();
  await page.getByRole('searchbox', { name: 'Search members' }).fill('');
  for (const y of [10_000, 30_000, 56_000]) {
    await scrollTo(page, '.members .windowed', y);
    await page.waitForTimeout(100);
  }
  await page.locator('.member-row').last().waitFor();
  await judgeLongTasks(page, '1,000 members');
});

pageTest('one cluster with two dead members and 998 that wait', async (t) => {
  const server = await startServer(t);
  await quorumLost(server);
  for (let first = 0; first < 998; first += 50) {
    const some = addresses(7, 998)
      .split(',')
      .slice(first, first + 50);
    await Promise.all(some.map((self) => ask(server, 'POST', `/nacos/serverlist?self=${self}`)));
  }
  const { page } = await visit(t, server.url);
  await watchLongTasks(page);
  await page.reload();
  await page.getByRole('heading', { name: 'Waiting 998' }).waitFor();
  assert.ok((await page.locator('.waiting-row').count()) < 60);
  await page.waitForTimeout(1_500);
  await judgeLongTasks(page, '998 waiting');
});

const form = ['Host: h', 'User-Agent: curl/8', 'Content-Type: application/x-www-form-urlencoded'];

async function quorumLost(server: TestServer): Promise<void> {
  for (const self of ['10.98.0.1', '10.98.0.2']) {
    void ask(server, 'POST', `/nacos/serverlist?self=${self}&expect=2`);
  }
  await ask(server, 'POST', '/nacos/serverlist?self=10.98.0.2&expect=2');
  await server.pass(20_000);
}

/** Some thousand networks of up to 1,000 addresses each. */
function addresses(net: number, count: number): string {
  return Array.from(
    { length: count },
    (_, i) => `10.${net >> 5}.${((net & 31) << 3) + (i >> 8)}.${i & 255}`,
  ).join(',');
}

async function watchLongTasks(page: Page): Promise<void> {
  await page.addInitScript(`
    window.longTasks = [];
    new PerformanceObserver((list) => longTasks.push(...list.getEntries().map(({ duration }) => Math.round(duration))))
      .observe({ type: 'longtask', buffered: true });`);
}

/** Says how long the longest tasks were; fails only when one would be too long anywhere. */
async function judgeLongTasks(page: Page, what: string): Promise<void> {
  const tasks = await page.evaluate<number[]>('longTasks.sort((a, b) => b - a)');
  const long = tasks.filter((duration) => duration > LONG).length;
  console.log(
    `${what}: ${long} tasks over ${LONG} ms; the longest ${tasks.slice(0, 3).join(', ') || 'under 50'} ms`,
  );
  assert.ok((tasks[0] ?? 0) < TOO_LONG);
}
