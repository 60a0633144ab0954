import assert from 'node:assert/strict';
import type { Locator, Page } from 'playwright-core';
import { FINDING_CODES, type FindingCode } from '../../src/doctor/findings.js';
import { HEALTH_STATES, type ClusterHealth } from '../../src/doctor/health.js';
import { parseTokens } from '../../src/http/access/token.js';
import { Believers, GROUPS, voter } from '../support/believers.js';
import type { Cleanup } from '../support/cleanup.js';
import { eventually, NEVER } from '../support/eventually.js';
import { bootstrapCluster, live, NacosNode } from '../support/nodes.js';
import { ask } from '../support/raw.js';
import { startServer, type TestServer } from '../support/server.js';
import { accessibilityProblems, becomes, matches, pageTest, visit } from './browser.js';

const HEALTH = '/api/v1/clusters/nacos/serverlist/health';

/** A voter at which nobody listens. */
const GONE = '127.0.0.1:7848';

/** Members that an operator has put, so that they live without polls. */
async function listed(t: Cleanup, count = 3): Promise<{ server: TestServer; nacos: Believers }> {
  const server = await startServer(t);
  const nacos = await Believers.start(t, count);
  await ask(server, 'POST', `/nacos/v1/as/nodes?ips=${nacos.addresses.join()}`);
  return { server, nacos };
}

/** The server looks at the nodes now. */
async function look(server: TestServer): Promise<void> {
  assert.equal((await ask(server, 'GET', `${HEALTH}?fresh=true`)).status, 200);
}

/** What the page would ask for by itself a little later it asks for now. */
async function askAgain(page: Page): Promise<void> {
  const answer = page.waitForResponse((one) => one.url().endsWith('/health'));
  await page.clock.runFor(5_000);
  await answer;
}

async function open(
  t: Cleanup,
  server: TestServer,
  options: Parameters<typeof visit>[2] = {},
): Promise<{ page: Page; panel: Locator }> {
  const { page } = await visit(t, server.url, options);
  await page.clock.install();
  await page.reload();
  await page.locator('.member-row[data-address]').first().waitFor();
  return { page, panel: page.locator('.health') };
}

/** The page's own clock, in milliseconds since 1970. */
const now = (page: Page): Promise<number> => page.evaluate<number>('Date.now()');

const row = (page: Page, address: string): Locator => page.locator(`.member-row[data-address="${address}"]`);

/** Everything of which the page has words, in one answer. */
function everything(nacos: Believers): ClusterHealth {
  return {
    product: 'nacos',
    cluster: 'serverlist',
    revision: 1,
    state: 'unhealthy',
    summary: 'as many findings as there are',
    readMs: 1_000,
    findings: FINDING_CODES.map((code, i) => ({
      code,
      node: nacos.addresses[0]!,
      sentence: `the server’s own sentence of ${code} with a_rather_long_name_of_a_raft_group`,
      advice: 'none',
      sinceMs: 1_000 * 60 ** (i % 3),
      persistent: i % 4 !== 3,
      severity: i > 5 ? 'harm' : 'notice',
    })),
    unknown: ['whether naming_service_metadata has a majority: some of its voters cannot be read'],
    nodes: nacos.addresses.map((address, i) => ({
      address,
      version: '2.5.1',
      leads: i === 0 ? GROUPS : [],
      voterIn: GROUPS.slice(i),
    })),
    groups: GROUPS,
  };
}

/** Has the page's question answered so. */
function answer(page: Page, health: ClusterHealth): Promise<unknown> {
  return page.route('**/health', (route) => route.fulfill({ json: health }));
}

pageTest('nodes that believe what is listed: healthy, and what Raft has of each member', async (t) => {
  const { server, nacos } = await listed(t);
  const [a, b] = nacos.addresses as [string, string];
  const { page, panel } = await open(t, server);
  await panel.getByRole('heading', { name: 'What Nacos believes' }).waitFor();
  await panel.getByText('Unknown', { exact: true }).waitFor();
  await panel.locator('[lang=en]').getByText('the nodes have not been read yet').waitFor();
  await becomes(() => page.locator('.raft-mark').count(), 0);
  await becomes(() => page.getByText('2.5.1').count(), 0);

  await look(server);
  await askAgain(page);
  await panel.getByText('Healthy', { exact: true }).waitFor();
  await panel.getByText('Every node that was read believes what is listed here').waitFor();
  await panel.getByText(/^read \d s ago$/).waitFor();
  await becomes(() => panel.getByText('--repair').count(), 0);
  await row(page, a).getByText('voter · leads 3', { exact: true }).waitFor();
  await row(page, b).getByText('voter', { exact: true }).waitFor();
  await matches(() => row(page, b).locator('.member-more').innerText(), /· Nacos 2\.5\.1$/);

  // No group is seen any more, and nobody looked at the nodes since.
  nacos.groups.clear();
  await look(server);
  await askAgain(page);
  await page.locator('.raft-mark').first().waitFor({ state: 'detached' });
  await becomes(() => page.getByText('Nacos 2.5.1').count(), 0);
  await server.pass(61_000);
  await askAgain(page);
  await panel.getByText(/The nodes were last read 1 min \d s ago/).waitFor();
});

pageTest('a voter of whom nobody knows: normal for a moment, and then with what to do', async (t) => {
  const { server, nacos } = await listed(t);
  nacos.vote([...nacos.addresses.map(voter), GONE]);
  await look(server);
  const { page, panel } = await open(t, server);
  await panel.getByText('Transient', { exact: true }).waitFor();
  const finding = panel.locator('[data-code=phantom-voter]');
  await finding.getByRole('heading', { name: 'Phantom voter' }).waitFor();
  await finding.getByText('for 0 s, which may be normal for a moment').waitFor();
  await finding.locator('[lang=en]').getByText(`${GONE} is a voter of 3 groups`).waitFor();
  await becomes(() => panel.getByText('--repair').count(), 0, 'it may pass by itself');

  await server.pass(30_000);
  await look(server);
  await askAgain(page);
  await panel.getByText('Unhealthy', { exact: true }).waitFor();
  await finding.getByText('for 30 s', { exact: true }).waitFor();
  await finding.getByText('it counts for every majority and never votes').first().waitFor();
  await becomes(
    () => panel.locator('pre').innerText(),
    `nacos-address-server doctor nacos/serverlist --repair --server ${server.url}`,
  );
  await becomes(() => panel.getByText('ADDRESS_SERVER_TOKEN').count(), 0, 'changes are open');
  await becomes(() => panel.getByRole('button', { name: /repair/i }).count(), 0, 'by a terminal only');

  nacos.vote(nacos.addresses.map(voter));
  await look(server);
  await askAgain(page);
  await panel.getByText('Healthy', { exact: true }).waitFor();
  await becomes(() => panel.locator('.finding').count(), 0);
  await becomes(() => panel.locator('pre').count(), 0);
});

pageTest('a member that is no voter, in its row; and nodes that are split', async (t) => {
  const { server, nacos } = await listed(t);
  const [a, b, c] = nacos.addresses as [string, string, string];
  nacos.groups.get(GROUPS[0]!)!.voters = [voter(a), voter(b)];
  await look(server);
  await server.pass(60_000);
  await look(server);
  const { page, panel } = await open(t, server);
  await row(page, c).getByText('voter of 2 of 3', { exact: true }).waitFor();
  await row(page, b).getByText('voter', { exact: true }).waitFor();
  await panel.locator('[data-code=no-voter]').getByText(`${c} is live and listed, but not a voter`).waitFor();
  await panel.getByText('Repair Raft in a terminal.').waitFor();

  nacos.vote(nacos.addresses.map(voter).slice(0, 2));
  const own = GROUPS.map((name): [string, { leader: string; voters: string[] }] => [
    name,
    { leader: voter(c), voters: [voter(c)] },
  ]);
  nacos.apart.set(c, new Map(own));
  await look(server);
  await server.pass(30_000);
  await look(server);
  await askAgain(page);
  await panel.locator('[data-code=split]').getByText(`${a} and ${c} each lead 3 groups`).waitFor();
  await panel.getByText('This prints which nodes to restart, and in what order:').waitFor();
  await panel.locator('pre').getByText('doctor nacos/serverlist --repair').waitFor();
  await row(page, c).getByText('not a voter', { exact: true }).waitFor();
});

pageTest('a repair is seen while it is under way, and in the history, in Chinese', async (t) => {
  const { server, nacos } = await listed(t);
  nacos.vote([...nacos.addresses.map(voter), GONE]);
  let isCarriedOut = (): void => undefined;
  nacos.onCommand = async ({ value, groupId }) => {
    if (groupId === GROUPS[0]) await new Promise<void>((resolve) => (isCarriedOut = resolve));
    const group = nacos.groups.get(groupId ?? '')!;
    group.voters = group.voters.filter((one) => one !== value);
  };
  await look(server);
  await server.pass(30_000);
  const { page, panel } = await open(t, server, { locale: 'zh-CN' });
  await panel.getByText('变化中', { exact: true }).waitFor();

  const path = '/api/v1/clusters/nacos/serverlist/repair';
  const { id } = JSON.parse((await ask(server, 'GET', path)).body) as { id: string };
  assert.equal((await ask(server, 'POST', `${path}?plan=${id}`)).status, 202);
  await page.locator('[data-type=repairing]').getByText('开始修复', { exact: true }).waitFor();
  await askAgain(page);
  await panel.getByText('正在逐步修复 Raft；每一步都记在历史中。').waitFor();
  await panel.locator('[lang=en]').getByText("an operator's repair").waitFor();
  await panel.getByText('不健康', { exact: true }).waitFor();
  await becomes(() => panel.locator('pre').count(), 0, 'another one would be refused');

  // Meanwhile nobody comes in.
  await new NacosNode(t, server, '/nacos/serverlist?self=10.0.0.9').poll();
  await page
    .getByRole('list', { name: '等待准入' })
    .getByText('正在修复或需要先修复 Raft，在此之前不接纳新成员。')
    .waitFor();

  isCarriedOut();
  await page.locator('[data-type=repaired]').getByText('修复完成', { exact: true }).waitFor();
  await becomes(() => page.locator('[data-type=repair-step]').count(), 3);
});

pageTest('in Chinese every finding has its words, and English stands as the detail only', async (t) => {
  const { server, nacos } = await listed(t);
  const { page, panel } = await open(t, server, { locale: 'zh-CN' });
  await answer(page, everything(nacos));
  await askAgain(page);
  await panel.getByRole('heading', { name: 'Nacos 自身的看法' }).waitFor();
  await panel.getByText('不健康', { exact: true }).waitFor();
  const codes = await page.evaluate<FindingCode[]>(
    `[...document.querySelectorAll('.finding')].map(({ dataset }) => dataset.code)`,
  );
  assert.deepEqual(codes.sort(), [...FINDING_CODES].sort());
  for (const code of FINDING_CODES) {
    const finding = panel.locator(`[data-code=${code}]`);
    await matches(() => finding.locator('h3').innerText(), /[\u4e00-\u9fff]/);
    for (const text of await finding.locator('p').allInnerTexts())
      assert.match(text, /[\u4e00-\u9fff].*[。？]$/);
    await finding.locator('[lang=en]').getByText(`the server’s own sentence of ${code}`).waitFor();
  }
  // The fourth is as old as that, and does not last yet (`everything`).
  await panel
    .locator(`[data-code=${FINDING_CODES[3]}]`)
    .getByText('已持续 1 秒，短时间内可能是正常的')
    .waitFor();
  const english = await page.evaluate<string[]>(`
    [...document.querySelectorAll('.health *')]
      .filter((element) => element.children.length === 0 && !element.closest('[lang=en], code'))
      .map((element) => element.textContent)
      .filter((text) => /[a-z]{3,} [a-z]{2,} [a-z]{2,}/i.test(text))`);
  assert.deepEqual(english, []);

  await page.getByRole('button', { name: /^English/ }).click();
  await panel.getByRole('heading', { name: 'What Nacos believes' }).waitFor();
  for (const code of FINDING_CODES) {
    const texts = await panel.locator(`[data-code=${code}]`).locator('p').allInnerTexts();
    assert.equal(texts.length, 2);
    for (const text of texts) assert.match(text, /^[A-Za-z][^\u4e00-\u9fff]+[.?]$/, code);
  }
});

pageTest(
  'the states of health, light and dark, wide and narrow: axe-core finds nothing, all fits',
  async (t) => {
    const { server, nacos } = await listed(t);
    const all = everything(nacos);
    for (const colorScheme of ['light', 'dark'] as const) {
      for (const width of [320, 900, 1280]) {
        const { page } = await visit(t, server.url, { colorScheme, width, reducedMotion: 'reduce' });
        for (const state of HEALTH_STATES) {
          const repair = state === 'transient' ? { repair: { holder: 'somebody', leftMs: 1_000 } } : {};
          await page.unrouteAll();
          await answer(page, { ...all, state, ...repair });
          await page.reload();
          await page.locator(`.health.tone-${state}`).waitFor();
          await page.locator('.event').first().waitFor();
          assert.deepEqual(await accessibilityProblems(page), [], `${state} ${colorScheme} ${width}`);
        }
        assert.ok((await page.evaluate<number>('document.documentElement.scrollWidth')) <= width, `${width}`);
        const cut = await page.evaluate<string[]>(`
        [...document.querySelectorAll('.health *, .raft-mark, .member-standing, .member-more')]
          .filter((element) => element.checkVisibility() && element.clientWidth > 0 && element.scrollWidth > element.clientWidth + 1)
          .map((element) => element.className + ': ' + element.textContent)`);
        assert.deepEqual(cut, [], `${width}`);
      }
    }
  },
);

pageTest('a server that does not know of health: no panel, and everything else as ever', async (t) => {
  const { server, nacos } = await listed(t);
  await look(server);
  const { page } = await visit(t, server.url, { expected: /status of 404/ });
  await page.locator('.health').waitFor();
  let asked = 0;
  const knowsNothing = (): Promise<unknown> =>
    page.route('**/health', (route) => {
      asked++;
      return route.fulfill({ status: 404, json: { detail: 'nothing is at this path' } });
    });
  await knowsNothing();
  await page.clock.install();
  const first = page.waitForResponse((one) => one.url().endsWith('/health'));
  await page.reload();
  await first;
  await row(page, nacos.addresses[0]!).waitFor();
  await page.locator('[data-link=live]').waitFor();
  await page.clock.runFor(15_000);
  await becomes(async () => [asked, await page.locator('.health, .raft-mark').count()], [1, 0]);

  await page.unroute('**/health');
  await ask(server, 'POST', '/nacos/v1/as/nodes?ips=10.0.0.9');
  await row(page, '10.0.0.9:8848').waitFor();
  await page.locator('.health').getByText('Healthy', { exact: true }).waitFor();

  // An older one takes its place.
  await knowsNothing();
  await page.clock.runFor(5_000);
  await page.locator('.health').waitFor({ state: 'detached' });
});

pageTest('it is asked for while somebody looks, and at once when the list changes', async (t) => {
  const { server } = await listed(t);
  await look(server);
  const { page, panel } = await open(t, server);
  await panel.getByText('Healthy', { exact: true }).waitFor();
  let asked = 0;
  page.on('request', (request) => {
    if (request.url().endsWith('/health')) asked++;
  });
  const since = await now(page);
  await askAgain(page);
  await askAgain(page);
  // The page's clock also runs by itself between the two.
  const most = Math.floor(((await now(page)) - since) / 5_000);
  assert.ok(asked >= 2 && asked <= most + 1, `${asked} in ${most} times 5 s`);

  // The page's clock stands: what is asked now is asked at once.
  const isHealth = (request: { url(): string }): boolean => request.url().endsWith('/health');
  const atOnce = async (act: () => Promise<unknown>): Promise<void> => {
    await page.clock.pauseAt((await now(page)) + 1_000);
    const question = page.waitForRequest(isHealth, { timeout: NEVER });
    await act();
    await question;
    await page.clock.resume();
  };
  await atOnce(() => ask(server, 'POST', '/nacos/v1/as/nodes?ips=10.0.0.9'));

  await page.evaluate(`dispatchEvent(new Event('pagehide'))`);
  await page.locator('[data-link=paused]').waitFor();
  asked = 0;
  await page.clock.runFor(60_000);
  assert.equal(asked, 0);
  await atOnce(() => page.evaluate(`dispatchEvent(new Event('pageshow'))`));

  // Of all clusters nobody's health is shown.
  await ask(server, 'POST', '/nacos/v1/as/nodes?cluster=other&ips=10.0.0.1');
  await page.goto(`${server.url}/#/`);
  await page.getByRole('heading', { name: 'Clusters', exact: true }).waitFor();
  asked = 0;
  await page.clock.runFor(15_000);
  assert.equal(asked, 0);
});

pageTest('when it cannot be had, the last one stays, says how old it is, and the rest is live', async (t) => {
  const { server, nacos } = await listed(t);
  await look(server);
  const { page, panel } = await open(t, server, { expected: /ERR_FAILED/ });
  await panel.getByText('Healthy', { exact: true }).waitFor();
  await page.route('**/health', (route) => route.abort());
  await page.clock.runFor(15_000);
  await panel.getByText(/^read 1\d s ago$/).waitFor();
  await page.clock.runFor(50_000);
  await panel.getByText(/The nodes were last read 1 min \d+ s ago/).waitFor();
  await panel.getByText('Healthy', { exact: true }).waitFor();
  await page.locator('[data-link=live]').waitFor();
  await ask(server, 'DELETE', `/nacos/v1/as/nodes?ips=${nacos.addresses[2]!}`);
  await row(page, nacos.addresses[2]!).waitFor({ state: 'detached' });

  await page.unroute('**/health');
  await page.clock.runFor(5_000);
  await panel.getByText(/^read \d s ago$/).waitFor();
});

pageTest('among all clusters the unhealthy ones stand with the troubled, and say so', async (t) => {
  const { server, nacos } = await listed(t);
  for (const cluster of ['audit', 'zulu'])
    await ask(server, 'POST', `/nacos/v1/as/nodes?cluster=${cluster}&ips=10.0.0.1`);
  const { page } = await visit(t, server.url, { reducedMotion: 'reduce' });
  const names = page.locator('.cluster-name');
  await names.nth(2).waitFor();
  await becomes(() => names.allTextContents(), ['nacos/audit', 'nacos/serverlist', 'nacos/zulu']);
  await becomes(() => page.title(), 'Nacos address server');

  nacos.vote([...nacos.addresses.map(voter), GONE]);
  await look(server);
  await server.pass(30_000);
  await look(server);
  await page
    .getByRole('link', { name: 'nacos/serverlist' })
    .getByText('What Nacos believes: A problem persists and harms the cluster.')
    .waitFor();
  await becomes(() => names.allTextContents(), ['nacos/serverlist', 'nacos/audit', 'nacos/zulu']);
  await page.waitForFunction(`document.title === '(1) Nacos address server'`);
  assert.deepEqual(await accessibilityProblems(page), []);
});

pageTest('with a token for reads and for changes', async (t) => {
  const [read, change] = ['only-for-reading-1', 'only-for-changes-1'];
  const tokens = (token: string) => ({ tokens: parseTokens(token), file: undefined });
  const server = await startServer(t, {
    access: { readTokens: tokens(read), changeTokens: tokens(change) },
  });
  const nacos = await Believers.start(t, 1);
  await bootstrapCluster(t, server, nacos.addresses, () => `&token=${change}`);
  const { page } = await visit(t, server.url, { readToken: read });
  await page.locator('.health').getByText('Unknown', { exact: true }).waitFor();
  await answer(page, everything(nacos));
  await page.reload();
  await page.locator('.health').getByText('The variable ADDRESS_SERVER_TOKEN must hold a token').waitFor();
});

pageTest('after a recovery nothing is left to do once Nacos is well', async (t) => {
  const server = await startServer(t);
  const nacos = await Believers.start(t, 3);
  const [a, b, c] = nacos.addresses as [string, string, string];
  const nodes = await bootstrapCluster(t, server, nacos.addresses);
  for (const i of [1, 2]) {
    nodes[i]!.die();
    nacos.stop(i);
  }
  server.probe.answers.set(b, 'refused').set(c, 'refused');
  await live(server, nodes.slice(0, 1), 20_000);
  await look(server);
  const { page, panel } = await open(t, server);
  await panel.locator('[data-code=no-leader]').waitFor();
  assert.equal((await ask(server, 'POST', '/api/v1/clusters/nacos/serverlist/recover')).status, 200);
  const hint = page.locator('.hero').getByText('This cluster was recovered at');
  await hint.waitFor();

  nacos.addresses.splice(1);
  nacos.vote([voter(a)]);
  await look(server);
  await askAgain(page);
  await panel.getByText('Healthy', { exact: true }).waitFor();
  await hint.waitFor({ state: 'detached' });
});

pageTest('who was taken off and is a voter still: the dialog says of which groups', async (t) => {
  const server = await startServer(t);
  const nacos = await Believers.start(t, 3);
  const nodes = await bootstrapCluster(t, server, nacos.addresses);
  const c = nacos.addresses[2]!;
  nodes[2]!.die();
  nacos.stop(2);
  server.probe.answers.set(c, 'refused');
  await live(server, nodes.slice(0, 2), 40_000);
  const { page } = await open(t, server);
  // Long enough for a look meanwhile, and shorter than a quarter of a minute.
  await page.route(/wait=15s/, (route) =>
    route.continue({ url: route.request().url().replace('wait=15s', 'wait=2s') }),
  );
  await page.getByRole('button', { name: `Take off … ${c}` }).click();
  const dialog = page.getByRole('dialog');
  await dialog.getByLabel('Its Nacos is stopped').check();
  await dialog.getByRole('button', { name: 'Take it off' }).click();
  await eventually(
    'it is off the list',
    () => server.service.find('nacos/serverlist')!.cluster.members.size === 2,
  );
  await server.pass(1_000);
  await look(server);
  await dialog.getByText(`Still a voter of Raft groups: ${[...GROUPS].sort().join(', ')}.`).waitFor();
  // It lies behind the dialog.
  await page.evaluate(`document.querySelector('.top [lang="zh-CN"]').click()`);
  await dialog.getByText('仍是这些 Raft 组的投票成员：').waitFor();
});
