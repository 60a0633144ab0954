import assert from 'node:assert/strict';
import { bootstrapCluster, live, NacosNode, pollPath } from '../support/nodes.js';
import { parseTokens } from '../../src/http/access/token.js';
import { startServer, type TestServer, type TestServerOptions } from '../support/server.js';
import type { Cleanup } from '../support/cleanup.js';
import { accessibilityProblems, becomes, pageTest, visit } from './browser.js';

const [A, B, C, D] = ['10.0.3.11:8848', '10.0.3.12:8848', '10.0.3.13:8848', '10.0.3.28:8848'] as const;
const TOKEN = 'correct-horse-battery';

/** Two of three are gone for good, and a new node waits. */
async function lostCluster(t: Cleanup, options: TestServerOptions = {}): Promise<TestServer> {
  const server = await startServer(t, options);
  const token = options.access ? `&token=${TOKEN}` : '';
  const nodes = await bootstrapCluster(t, server, [A, B, C], () => token);
  for (const gone of nodes.slice(1)) gone.die();
  server.probe.answers.set(B, 'refused').set(C, 'refused');
  await live(server, nodes.slice(0, 1), 20_000);
  await new NacosNode(t, server, pollPath(D, token)).poll();
  return server;
}

pageTest('a lost majority is said with what to do, and recovered by a dialog', async (t) => {
  const server = await lostCluster(t);
  const { page } = await visit(t, server.url);
  const hero = page.locator('.hero');
  await hero.getByText('Quorum lost', { exact: true }).waitFor();
  await hero
    .getByText('Only 1 of 3 members are live, no majority: the list is kept as it is and nobody is evicted.')
    .waitFor();
  await hero.getByText(`Restart the missing nodes at their addresses: ${B}, ${C}.`).waitFor();
  await page.getByRole('list', { name: 'Waiting' }).getByText('Raft needs a majority to add one').waitFor();

  await becomes(() => page.getByRole('button', { name: /^Take off/ }).count(), 0, 'it would be refused');

  await page.getByRole('button', { name: 'Recover …' }).click();
  const dialog = page.getByRole('dialog', { name: 'Recover nacos/serverlist?' });
  await dialog
    .getByText(`(1 live now). Members that do not answer are dropped: ${B}, ${C}. Waiting nodes (1 now) join`)
    .waitFor();
  await dialog.getByText('Repair Raft right afterwards.').waitFor();
  await becomes(() => dialog.getByLabel('Token').count(), 0, 'changes are open');
  const submit = dialog.getByRole('button', { name: 'Recover the list' });
  await becomes(() => submit.isDisabled(), true);
  await dialog.getByLabel('Type nacos/serverlist to confirm').fill('nacos/serverlis');
  await becomes(() => submit.isDisabled(), true);
  await dialog.getByLabel('Type nacos/serverlist to confirm').fill('nacos/serverlist');
  await submit.click();

  const done = page.getByRole('dialog', { name: 'nacos/serverlist is recovered' });
  await done.getByText('The list is recovered, revision 2.').waitFor();
  const doctor = `nacos-address-server doctor nacos/serverlist --repair --server ${server.url}`;
  await becomes(() => done.locator('pre').first().innerText(), doctor);
  await done.getByText('By hand instead').click();
  await becomes(
    () => done.locator('pre').nth(1).innerText(),
    `curl -X POST 'http://${A}/nacos/v1/core/ops/raft' \\\n` +
      `  -H 'Content-Type: application/json' \\\n` +
      `  -d '{"command":"resetPeers","value":"10.0.3.11:7848"}'`,
  );
  assert.deepEqual([...server.service.find('nacos/serverlist')!.cluster.members.keys()], [A]);
  assert.deepEqual(await accessibilityProblems(page), []);
  await page.keyboard.press('Escape');
  await done.waitFor({ state: 'detached' });

  // Whoever opens the page later still sees it.
  await hero.getByText('Raft of those that are left must be repaired first').waitFor();
  await hero.getByText('This cluster was recovered at').waitFor();
  await page.getByRole('button', { name: 'Show how' }).click();
  const repair = page.getByRole('dialog', { name: 'Repair Raft' });
  await becomes(() => repair.locator('pre').first().innerText(), doctor);
  await becomes(() => repair.getByRole('combobox').count(), 0, 'the doctor comes first');
  await page.keyboard.press('Escape');
  await page.getByRole('button', { name: 'Already done' }).click();
  await page.reload();
  await page.locator('[data-type=recovered]').waitFor();
  await becomes(() => hero.getByText('This cluster was recovered at').count(), 0);
});

pageTest('a change takes the token, which stays in memory only', async (t) => {
  const server = await lostCluster(t, {
    access: { changeTokens: { tokens: parseTokens(TOKEN), file: undefined } },
  });
  const { page } = await visit(t, server.url, { expected: /status of 401/ });
  await page.getByRole('button', { name: 'Recover …' }).click();
  const dialog = page.getByRole('dialog');
  const submit = dialog.getByRole('button', { name: 'Recover the list' });
  await dialog.getByLabel('Type nacos/serverlist to confirm').fill('nacos/serverlist');
  await becomes(() => submit.isDisabled(), true, 'without a token');
  const field = dialog.getByLabel('Token');
  await becomes(() => field.getAttribute('type'), 'password');
  await field.fill('another-horse-battery');
  await submit.click();
  await dialog.getByRole('alert').getByText('The server requires another token').waitFor();
  await dialog.getByRole('alert').getByText('the token that was given').waitFor();
  assert.equal(server.service.find('nacos/serverlist')!.cluster.revision, 1);

  const request = page.waitForRequest((one) => one.method() === 'POST');
  await field.fill(TOKEN);
  await submit.click();
  assert.equal(await (await request).headerValue('authorization'), `Bearer ${TOKEN}`);
  await page.getByRole('dialog', { name: 'nacos/serverlist is recovered' }).waitFor();
  const kept = await page.evaluate<string>(
    'JSON.stringify([Object.entries(localStorage), Object.entries(sessionStorage), document.cookie, location.href, document.documentElement.outerHTML])',
  );
  assert.ok(!kept.includes(TOKEN));
  await page.keyboard.press('Escape');
  await page.reload();
  await page.locator('.hero').waitFor();
  await becomes(() => page.getByText('Anyone can make changes').count(), 0);
});
