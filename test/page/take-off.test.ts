import assert from 'node:assert/strict';
import { NEVER } from '../support/eventually.js';
import { bootstrapCluster, live } from '../support/nodes.js';
import { startServer } from '../support/server.js';
import { becomes, pageTest, visit } from './browser.js';

const [A, B, C] = ['10.0.3.11:8848', '10.0.3.12:8848', '10.0.3.13:8848'] as const;

pageTest('a dead member is taken off, not before Raft can remove it', async (t) => {
  const server = await startServer(t);
  const nodes = await bootstrapCluster(t, server, [A, B, C]);
  nodes[2]!.die();
  server.probe.answers.set(C, 'refused');
  await live(server, nodes.slice(0, 2), 20_000);
  const { page } = await visit(t, server.url, { expected: /status of 409/ });
  const row = page.locator(`.member-row[data-address="${C}"]`);
  await row.getByText('down', { exact: true }).waitFor();
  await becomes(() => page.getByRole('button', { name: /^Take off/ }).count(), 1, 'of the dead one only');

  await page.getByRole('button', { name: `Take off … ${C}` }).click();
  const dialog = page.getByRole('dialog', { name: `Take ${C} off the list?` });
  await dialog.getByText('It leaves the list of nacos/serverlist at once, with revision 2.').waitFor();
  const submit = dialog.getByRole('button', { name: 'Take it off' });
  await becomes(() => submit.isDisabled(), true);
  await dialog.getByLabel('Its Nacos is stopped and will not come back.').check();
  await submit.click();
  await dialog
    .getByRole('alert')
    .getByText(/its last sign of life was \d+ s ago.* Try again in \d+ s/)
    .waitFor();
  assert.equal(server.service.find('nacos/serverlist')!.cluster.members.size, 3);

  await live(server, nodes.slice(0, 2), 20_000);
  const taken = page.waitForResponse((one) => one.request().method() === 'DELETE', { timeout: NEVER });
  await submit.click();
  await dialog.getByRole('button', { name: 'Working …' }).waitFor();
  await Promise.all(nodes.slice(0, 2).map((node) => node.poll()));
  await live(server, nodes.slice(0, 2), 10_000);
  assert.equal((await taken).status(), 200);
  await dialog.getByText(`${C} is off the list, revision 2.`).waitFor();
  await dialog.getByText('Every live member has the new list.').waitFor();
  await page.keyboard.press('Escape');
  await row.waitFor({ state: 'detached' });
  await page.locator('.hero').getByText('All 2 members are live and settled.').waitFor();
  await page.locator('[data-type=left]').getByText(C).waitFor();
});

pageTest('a member that comes back while one is asked is not taken off', async (t) => {
  const server = await startServer(t);
  const nodes = await bootstrapCluster(t, server, [A, B, C]);
  await live(server, nodes.slice(0, 2), 35_000);
  const { page } = await visit(t, server.url);
  await page.getByRole('button', { name: `Take off … ${C}` }).click();
  const dialog = page.getByRole('dialog');
  await dialog.getByLabel('Its Nacos is stopped and will not come back.').check();
  await nodes[2]!.poll();
  await dialog.getByText(`${C} is live again: there is nothing to take off.`).waitFor();
  await becomes(() => dialog.getByRole('button', { name: 'Take it off' }).isDisabled(), true);
  await dialog.getByRole('button', { name: 'Cancel' }).click();
  await dialog.waitFor({ state: 'detached' });
});
