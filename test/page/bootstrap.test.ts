import { bootstrapCluster, live, NacosNode, pollPath } from '../support/nodes.js';
import { startServer } from '../support/server.js';
import { becomes, pageTest, visit } from './browser.js';

const [A, B, C] = ['10.0.3.11:8848', '10.0.3.12:8848', '10.0.3.13:8848'] as const;

pageTest('a bootstrap is seen live: nothing, 2 of 3, whole', async (t) => {
  const server = await startServer(t);
  const { page } = await visit(t, server.url);
  await page.getByRole('heading', { name: 'No clusters yet' }).waitFor();

  const [a, b] = [
    new NacosNode(t, server, pollPath(A, '&expect=3&id=nacos-0')),
    new NacosNode(t, server, pollPath(B, '&expect=3&id=nacos-1')),
  ];
  await Promise.all([a.poll(), b.poll()]);
  const hero = page.locator('.hero');
  await hero.getByText('Bootstrapping 2 of 3', { exact: true }).waitFor();
  const waiting = page.getByRole('list', { name: 'Waiting' });
  await waiting.getByText(A).waitFor();
  await waiting.getByText('nacos-1', { exact: true }).waitFor();
  await becomes(() => waiting.getByText('nacos/serverlist is bootstrapping: 2 of 3 members wait').count(), 2);

  const c = new NacosNode(t, server, pollPath(C, '&expect=3&id=nacos-2'));
  await Promise.all([a, b, c].map((node) => node.pollUntilListed()));
  await hero.getByText('Whole', { exact: true }).waitFor();
  await hero.getByText('All 3 members are live and settled.').waitFor();
  await becomes(() => page.locator('.member-row[data-address]').count(), 3);
  await becomes(() => waiting.count(), 0);
  await page.locator('[data-type=bootstrapped]').getByText('3 waited at once, 3 wanted').waitFor();
});

pageTest('a member goes silent and returns', async (t) => {
  const server = await startServer(t);
  const nodes = await bootstrapCluster(t, server, [A, B, C]);
  const { page } = await visit(t, server.url);
  const row = page.locator(`.member-row[data-address="${C}"]`);
  await row.getByText('live', { exact: true }).waitFor();
  await row.getByText('rev 1').waitFor();

  await live(server, nodes.slice(0, 2), 20_000);
  await row.getByText('silent', { exact: true }).waitFor();
  await row.getByText('20 s', { exact: true }).waitFor();
  await becomes(() => row.locator('.age').getAttribute('data-phase'), 'over');
  await page.locator('.hero').getByText('Impaired', { exact: true }).waitFor();
  await becomes(() => page.title(), '(1) Nacos address server');
  await becomes(() => page.locator('.member-row[data-address] code').allTextContents(), [C, A, B]);

  await nodes[2]!.poll();
  await row.getByText('live', { exact: true }).waitFor();
  await page.locator('.hero').getByText('Whole', { exact: true }).waitFor();
  await page.locator('[data-type=returned]').getByText(C).waitFor();
  await becomes(() => page.title(), 'Nacos address server');
});

pageTest('one sees who has the newest list, and who has settled', async (t) => {
  const server = await startServer(t);
  const nodes = await bootstrapCluster(t, server, [A, B]);
  const { page } = await visit(t, server.url);
  await page.locator(`.member-row[data-address="${B}"]`).getByText('rev 1').waitFor();
  const joiner = new NacosNode(t, server, pollPath(C));
  await joiner.pollUntilListed();
  const old = page.locator(`.member-row[data-address="${B}"]`);
  await old.getByText('1 behind').waitFor();
  await page.locator(`.member-row[data-address="${C}"]`).getByText('not yet settled').waitFor();
  await becomes(
    () => page.locator('.facts').getByText('Newest list').locator('..').innerText(),
    'Newest list\n1 of 3',
  );

  await Promise.all(nodes.map((node) => node.poll()));
  await old.getByText('has the newest list').waitFor();
  await page.locator('.facts').getByText('3 of 3').first().waitFor();
});
