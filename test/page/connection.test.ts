import assert from 'node:assert/strict';
import { join } from 'node:path';
import type { Page } from 'playwright-core';
import { eventually } from '../support/eventually.js';
import { FlakyStore } from '../support/flaky-store.js';
import { bootstrapCluster, NacosNode, pollPath } from '../support/nodes.js';
import { startServerProcess } from '../support/process.js';
import { startServer } from '../support/server.js';
import { TcpProxy } from '../support/tcp-proxy.js';
import { tempFolder } from '../support/temp.js';
import { becomes, eventTypes, matches, openTab, pageTest, visit } from './browser.js';

const [A, B, C] = ['127.0.0.11:8848', '127.0.0.12:8848', '127.0.0.13:8848'] as const;

/** What a browser says of a server that is not there. */
const UNREACHABLE =
  /ERR_CONNECTION_REFUSED|ERR_INCOMPLETE_CHUNKED_ENCODING|ERR_CONNECTION_RESET|ERR_EMPTY_RESPONSE/;

pageTest(
  'a server that is killed and started again: said at once, nothing looks fresh, no event is missed',
  async (t) => {
    const file = join(tempFolder(t), 'registry.db');
    // On a slow machine nobody is to fall silent meanwhile.
    const env = { MEMBER_TTL: '10m', EVICT_AFTER: '1h' };
    const first = await startServerProcess(t, { file, env });
    await bootstrapCluster(t, first, [A, B]);
    const { page } = await visit(t, first.url, { expected: UNREACHABLE });
    const row = page.locator(`.member-row[data-address="${A}"]`);
    await row.getByText('live', { exact: true }).waitFor();
    await page.locator('[data-link=live]').waitFor();
    await becomes(() => page.getByText('Connection lost').count(), 0);
    await page.evaluate('window.notReloaded = true');

    first.child.kill('SIGKILL');
    await first.exited;
    await page
      .getByText(/^Connection lost\. The last update came \d+ s ago; everything below dates from then\.$/)
      .waitFor();
    await page.locator('[data-link=lost]').waitFor();
    await becomes(() => row.locator('.age').getAttribute('data-phase'), 'stale');
    await matches(() => row.locator('.age').innerText(), /^was \d+ s$/);
    await matches(() => page.title(), /^Connection lost – /);
    await page.getByText(/The last update came ([2-9]|\d\d) s ago/).waitFor();

    const second = await startServerProcess(t, { file, port: first.port, env });
    // While the page may not have come back yet.
    await new NacosNode(t, second, pollPath(C)).pollUntilListed();
    await page
      .getByRole('button', { name: 'Try now' })
      .click({ timeout: 2_000 })
      .catch(() => undefined);
    await page.locator('[data-link=live]').waitFor();
    await page.locator('[data-type=admitted]').getByText(C).waitFor();
    await page.locator(`.member-row[data-address="${C}"]`).waitFor();
    await page.getByText(/^Grace: no member is evicted for another /).waitFor();
    await becomes(() => eventTypes(page), ['admitted', 'waiting', 'bootstrapped', 'waiting', 'waiting']);
    assert.equal(await page.evaluate('window.notReloaded'), true);
  },
);

pageTest('the stream is closed while the tab is hidden, and open again when it is shown', async (t) => {
  const server = await startServer(t);
  await bootstrapCluster(t, server, [A, B]);
  const { feed } = server.server;
  const tab = await openTab(t, server.url);
  await eventually('the stream is open', () => feed.listeners === 1);
  await tab.hide();
  await eventually('it is closed', () => feed.listeners === 0);
  await tab.show();
  await eventually('it is open again', () => feed.listeners === 1);
});

pageTest(
  'a network that swallows everything is found out, and a quiet server is not taken for one',
  async (t) => {
    const server = await startServer(t);
    await bootstrapCluster(t, server, [A, B]);
    const network = await TcpProxy.open({ port: server.port });
    t.after(() => network.close());
    const { page } = await visit(t, `http://127.0.0.1:${network.port}`, { expected: UNREACHABLE });
    await page.clock.install();
    await page.reload();
    await page.locator('.member-row[data-address]').first().waitFor();

    // Nobody knows this cluster, so nothing is said of it again and again.
    await page.goto(`http://127.0.0.1:${network.port}/#/nacos/unknown`);
    await page.getByRole('heading', { name: 'nacos/unknown is unknown' }).waitFor();
    await page.locator('[data-link=live]').waitFor();
    const links = await watchLink(page);
    for (let i = 0; i < 3; i++) {
      const asked = page.waitForResponse((answer) => answer.url().endsWith('/api/v1/server'));
      await page.clock.runFor(22_000);
      assert.equal((await asked).status(), 200);
    }
    assert.deepEqual(await links(), [], 'it is live all the time');

    await page.goto(`http://127.0.0.1:${network.port}/#/nacos/serverlist`);
    await page.locator('.member-row[data-address]').first().waitFor();
    network.silence();
    await page.clock.runFor(22_000);
    const lost = page.getByText(/^Connection lost\. The last update came .* ago/);
    await lost.waitFor();
    assert.ok(secondsIn(await lost.innerText()) >= 20);
    // The next tries are swallowed, too, and given up.
    let tries = 0;
    page.on('request', (request) => {
      if (request.url().includes('/stream')) tries++;
    });
    await page.clock.runFor(60_000);
    await eventually('two tries more', () => tries >= 2);
    await lost.waitFor();
    assert.ok(secondsIn(await lost.innerText()) >= 80, 'none of them was news');
    await network.restore();
    // Step by step: a clock that runs far ahead of the network makes any stream look silent.
    await eventually('it is live again', async () => {
      await page.clock.runFor(1_000);
      return (await page.locator('[data-link=live]').count()) === 1;
    });
    await becomes(() => page.getByText('Connection lost').count(), 0);
  },
);

/** From here on what the page says of its connection; returns how to read it. */
async function watchLink(page: Page): Promise<() => Promise<string[]>> {
  await page.evaluate(`
    window.links = [];
    new MutationObserver((changes) => links.push(...changes.map(({ target }) => target.dataset.link)))
      .observe(document.querySelector('[data-link]'), { attributeFilter: ['data-link'] });`);
  return () => page.evaluate<string[]>('links');
}

/** In a sentence such as `Last news 1 min 24 s ago`. */
function secondsIn(sentence: string): number {
  const [, min = '0', s = ''] = /The last update came (?:(\d+) min )?(\d+) s ago/.exec(sentence) ?? [];
  return Number(min) * 60 + Number(s);
}

pageTest('one stream to a page, opened anew for another cluster', async (t) => {
  const server = await startServer(t);
  for (const cluster of ['a', 'b'])
    await new NacosNode(t, server, `/p/${cluster}?self=10.0.0.1`).pollUntilListed();
  const { page } = await visit(t, server.url);
  await page.locator('[data-link=live]').waitFor();
  const asked: string[] = [];
  page.on('request', (request) => {
    if (request.url().includes('/stream'))
      asked.push(new URL(request.url()).searchParams.get('cluster') ?? 'none');
  });
  for (const name of ['p/a', 'p/b']) {
    await page.getByRole('link', { name }).first().click();
    await page.getByRole('heading', { name }).waitFor();
    await page.locator('.member-row[data-address]').waitFor();
    await eventually('one stream', () => server.server.feed.listeners === 1);
    await page.goBack();
    await page.getByRole('heading', { name: 'Clusters', exact: true }).waitFor();
  }
  assert.deepEqual(asked, ['p/a', 'none', 'p/b', 'none']);
});

pageTest('a server without its store says so, and its history comes back with it', async (t) => {
  let store: FlakyStore | undefined;
  const server = await startServer(t, { wrap: (real) => (store = new FlakyStore(real)) });
  await bootstrapCluster(t, server, [A, B]);
  const { page } = await visit(t, server.url, { expected: /status of 503/ });
  await page.locator('[data-type=bootstrapped]').waitFor();

  store!.become('failing');
  await server.service.sync();
  await page
    .getByText('Degraded: the store is unavailable. Lists are served from memory, and no change is accepted.')
    .waitFor();
  await page.reload();
  await page.getByRole('alert').getByText('The history cannot be read: the store is unavailable').waitFor();
  await page.locator('.hero').getByText('Whole', { exact: true }).waitFor();

  store!.become('up');
  await server.service.sync();
  await page.locator('[data-type=bootstrapped]').waitFor();
  await becomes(() => page.getByRole('alert').count(), 0);
  await becomes(() => page.getByText('Degraded:').count(), 0);
});
