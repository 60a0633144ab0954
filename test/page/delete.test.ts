import assert from 'node:assert/strict';
import { bootstrapCluster, live, NacosNode, pollPath } from '../support/nodes.js';
import { startServer } from '../support/server.js';
import { accessibilityProblems, becomes, pageTest, visit } from './browser.js';

const [A, B, C] = ['10.0.3.11:8848', '10.0.3.12:8848', '10.0.3.13:8848'] as const;

pageTest('a cluster of which nobody lives is deleted, not while one may live', async (t) => {
  const server = await startServer(t);
  const nodes = await bootstrapCluster(t, server, [A, B]);
  const { page } = await visit(t, server.url, { expected: /status of 409/ });
  const open = page.getByRole('button', { name: 'Delete …' });
  await page.locator('.hero').getByText('All 2 members are live').waitFor();
  await becomes(() => open.count(), 0, 'of one that lives');
  for (const node of nodes) node.die();
  for (const address of [A, B]) server.probe.answers.set(address, 'refused');
  await server.pass(20_000);

  await open.click();
  const dialog = page.getByRole('dialog', { name: 'Delete nacos/serverlist?' });
  await dialog.getByText('Its list (members: 2) and its waiting nodes (0 now) are gone at once.').waitFor();
  const submit = dialog.getByRole('button', { name: 'Delete it' });
  await becomes(() => submit.isDisabled(), true);
  await dialog.getByLabel('Type nacos/serverlist to confirm').fill('nacos/serverlist');
  await submit.click();
  await dialog
    .getByRole('alert')
    .getByText(/nacos\/serverlist is not deleted: one of its members was heard.* Try again in \d+ s/)
    .waitFor();
  assert.equal(server.service.find('nacos/serverlist')!.cluster.members.size, 2);
  assert.deepEqual(await accessibilityProblems(page), []);

  await server.pass(60_000);
  await submit.click();
  const done = page.getByRole('dialog', { name: 'nacos/serverlist is deleted' });
  await done.getByText('nacos-address-server events nacos/serverlist').waitFor();
  assert.equal(server.service.find('nacos/serverlist')?.cluster.members.size ?? 0, 0);
  await page.keyboard.press('Escape');
  await done.waitFor({ state: 'detached' });
  await page.getByRole('heading', { name: 'No clusters yet' }).waitFor();
});

pageTest('one that waits to be bootstrapped is deleted, in Chinese', async (t) => {
  const server = await startServer(t);
  await bootstrapCluster(t, server, [A, B]);
  await new NacosNode(t, server, pollPath(C, '&expect=3').replace('serverlist', 'slip')).poll();
  // What the page asked of it just before it was deleted may be answered after that.
  const { page } = await visit(t, server.url, { hash: '#/nacos/slip', expected: /status of 404/ });
  await page.getByRole('button', { name: '中文' }).click();
  await page.getByRole('button', { name: '删除…' }).click();
  const dialog = page.getByRole('dialog', { name: '删除 nacos/slip？' });
  await dialog.getByLabel('输入 nacos/slip 以确认').fill('nacos/slip');
  await dialog.getByRole('button', { name: '删除', exact: true }).click();
  await page.getByRole('dialog', { name: 'nacos/slip 已删除' }).getByText('它的历史仍可查看').waitFor();
  await page.keyboard.press('Escape');
  await page.locator('[data-type=deleted]').waitFor();
  assert.equal(server.service.find('nacos/serverlist')!.cluster.members.size, 2);
});

pageTest('a cluster that comes back while one is asked is not deleted', async (t) => {
  const server = await startServer(t);
  const nodes = await bootstrapCluster(t, server, [A, B, C]);
  await server.pass(35_000);
  const { page } = await visit(t, server.url);
  await page.getByRole('button', { name: 'Delete …' }).click();
  const dialog = page.getByRole('dialog');
  await dialog.getByLabel('Type nacos/serverlist to confirm').fill('nacos/serverlist');
  await live(server, nodes.slice(0, 1), 5_000);
  await dialog.getByText('A member of nacos/serverlist is live: it cannot be deleted.').waitFor();
  await becomes(() => dialog.getByRole('button', { name: 'Delete it' }).isDisabled(), true);
});
