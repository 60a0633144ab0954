import { ask } from '../support/raw.js';
import { startServer } from '../support/server.js';
import { becomes, eventTypes, pageTest, visit } from './browser.js';

pageTest('the history: newest first, filtered by event, cluster and words', async (t) => {
  const server = await startServer(t);
  const put = (cluster: string, ips: string): Promise<unknown> =>
    ask(server, 'POST', `/nacos/v1/as/nodes?cluster=${cluster}&ips=${ips}`);
  await put('a', '10.1.0.1');
  await put('a', '10.1.0.2');
  await put('b', '10.2.0.1');
  await ask(server, 'DELETE', '/nacos/v1/as/nodes?cluster=a&ips=10.1.0.2');
  const { page } = await visit(t, server.url);
  await page.locator('.event').nth(3).waitFor();
  await becomes(() => eventTypes(page), ['left', 'bootstrapped', 'admitted', 'bootstrapped']);
  // The server's clock is in 2026, and the reader in Berlin.
  await becomes(() => page.locator('.day h3').innerText(), 'Thu, 1 Jan 2026');
  await becomes(() => page.locator('.event time').first().innerText(), '01:00:00');
  await page.getByText('Times in Europe/Berlin (GMT+1)').waitFor();

  const history = page.getByRole('region', { name: 'History of all clusters' });
  await history.getByLabel('Event', { exact: true }).selectOption('bootstrapped');
  await becomes(() => eventTypes(page), ['bootstrapped', 'bootstrapped']);
  await history.getByLabel('Cluster', { exact: true }).selectOption('nacos/b');
  await becomes(() => eventTypes(page), ['bootstrapped']);
  await history.getByLabel('Event', { exact: true }).selectOption('');
  await history.getByLabel('Cluster', { exact: true }).selectOption('');
  await history.getByLabel('Search events').fill('10.1.0.2');
  await becomes(() => eventTypes(page), ['left', 'admitted']);
  await history.getByLabel('Search events').fill('no such word');
  await history.getByText('Nothing matches.').waitFor();
  await history.getByLabel('Search events').fill('');

  // What happens now comes on top by itself.
  await put('b', '10.2.0.2');
  await page.locator('.event').nth(4).waitFor();
  await becomes(async () => (await eventTypes(page))[0], 'admitted');
  await page.locator('.event').first().getByRole('link', { name: 'nacos/b' }).click();
  await page.getByRole('heading', { name: 'nacos/b' }).waitFor();
  await page.locator('.event').nth(2).waitFor({ state: 'detached' });
  // The cluster's own history is fetched only now.
  await page.locator('.event').nth(1).waitFor();
  await becomes(() => eventTypes(page), ['admitted', 'bootstrapped']);
});

pageTest('older events are loaded page by page, and searched without being shown', async (t) => {
  const server = await startServer(t);
  const ips = (from: number): string =>
    Array.from({ length: 250 }, (_, i) => `10.${from}.${i >> 8}.${i % 256}`).join(',');
  await ask(server, 'POST', `/nacos/v1/as/nodes?cluster=first&ips=10.9.9.9`);
  await ask(server, 'POST', `/nacos/v1/as/nodes?cluster=many&ips=10.0.0.1`);
  await ask(server, 'POST', `/nacos/v1/as/nodes?cluster=many&ips=${ips(1)}`);
  const { page } = await visit(t, server.url);
  const events = page.locator('.event');
  await events.nth(99).waitFor();
  await becomes(() => events.count(), 100);
  await page.getByRole('button', { name: 'Load older' }).click();
  await events.nth(199).waitFor();
  await page.getByRole('button', { name: 'Load older' }).click();
  await page.getByText('There are no older events.').waitFor();
  await becomes(() => events.count(), 252);

  await page.reload();
  await events.nth(99).waitFor();
  await page.getByLabel('Search events').fill('10.9.9.9');
  await page.getByText('Searched back to').waitFor();
  await page.getByRole('button', { name: 'Search older' }).click();
  await events.getByText('1 static member(s) were put: 10.9.9.9:8848').waitFor();
  await becomes(() => events.count(), 1);
});
