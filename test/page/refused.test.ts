import assert from 'node:assert/strict';
import { bootstrapCluster, pollPath } from '../support/nodes.js';
import { ask, CURL, NACOS } from '../support/raw.js';
import { startServer } from '../support/server.js';
import { accessibilityProblems, becomes, pageTest, visit } from './browser.js';

const A = '10.0.0.1:8848';

pageTest('before there is a cluster, a node whose URL has another path is seen', async (t) => {
  const server = await startServer(t);
  await ask(server, 'GET', '/severlist?self=10.0.0.5:8848&expect=3', NACOS);
  const { page } = await visit(t, server.url);
  const row = page.locator('#strays [data-code=path]');
  await row.getByText('No list has this path.').waitFor();
  for (const text of ['10.0.0.5:8848', 'From 127.0.0.1', '/severlist', 'once']) {
    await row.getByText(text, { exact: true }).or(row.getByText(text)).first().waitFor();
  }
  await row.locator('[lang=en]').getByText('a list is at /{product}/{cluster}').waitFor();
});

pageTest('on a cluster’s page are those that named it and those that named none, live', async (t) => {
  const server = await startServer(t);
  await bootstrapCluster(t, server, [A]);
  const { page } = await visit(t, server.url);
  await page.locator('.member-row[data-address]').waitFor();
  assert.equal(await page.locator('.callers').count(), 0, 'nobody was refused');
  await ask(server, 'GET', pollPath('$(POD_IP):8848'), CURL);
  await ask(server, 'GET', pollPath('$(POD_IP):8848'), CURL);
  await ask(server, 'GET', '/nacos/severlist', CURL);
  const named = page.locator('#refused > li');
  await named.getByText('is an unexpanded variable').waitFor();
  await named.getByText('$(POD_IP):8848', { exact: true }).waitFor();
  await named.getByText('2 times in').waitFor();
  await page.locator('#strays [data-code=unknown-cluster]').getByText('/nacos/severlist').first().waitFor();
  await page.locator('[data-type=refused]').getByText('127.0.0.1, self="$(POD_IP):8848": self=').waitFor();
  assert.deepEqual(await accessibilityProblems(page), []);
  await page.getByRole('button', { name: '中文' }).click();
  await named.getByText('没有展开的变量').waitFor();
  await page.getByRole('heading', { name: '被拒绝的调用方（没有对应的集群）' }).waitFor();
});

pageTest('the overview counts them with each cluster, and has those that named none', async (t) => {
  const server = await startServer(t);
  await bootstrapCluster(t, server, [A]);
  await ask(server, 'POST', '/nacos/other?self=10.0.0.9:8848', CURL);
  await ask(server, 'GET', pollPath('10.0.0.5:x'), CURL);
  for (let i = 0; i < 9; i++) await ask(server, 'GET', `/typo-${i}`, CURL, '', `127.0.0.${i + 2}`);
  const { page } = await visit(t, server.url);
  const row = page.locator('.cluster-row', { hasText: 'serverlist' });
  await row.getByText('1 of 1 live · 1 refused').waitFor();
  await becomes(() => page.locator('#strays > li').count(), 8);
  await page.getByText('and 1 more: run nacos-address-server events --refused to see them').waitFor();
  assert.deepEqual(await accessibilityProblems(page), []);
});
