import assert from 'node:assert/strict';
import { parseTokens } from '../../src/http/access/token.js';
import { bootstrapCluster, NacosNode } from '../support/nodes.js';
import { startServer } from '../support/server.js';
import { becomes, pageTest, visit } from './browser.js';

const ALL = 'good-for-all-clusters';
const ONE = 'good-for-one-cluster';

pageTest('with a token for reads the browser’s own prompt is all there is to it', async (t) => {
  const tokens = parseTokens(`${ALL}, nacos/serverlist:${ONE}`);
  const server = await startServer(t, { access: { readTokens: { tokens, file: undefined } } });
  await bootstrapCluster(t, server, ['10.0.0.1:8848']);
  await new NacosNode(t, server, '/secret/cluster?self=10.9.0.1').pollUntilListed();
  const all = await visit(t, server.url, { readToken: ALL });
  await all.page.locator('.cluster-name').nth(1).waitFor();
  await all.page.locator('[data-type=bootstrapped]').nth(1).waitFor();

  // Who may read about one cluster learns nothing of the others.
  const one = await visit(t, server.url, { readToken: ONE });
  await one.page.locator('.hero').getByText('Whole', { exact: true }).waitFor();
  await one.page.locator('[data-type=bootstrapped]').waitFor();
  assert.ok(!(await one.page.content()).includes('secret'));
});

pageTest('a token that is valid no more is said, instead of a silent page', async (t) => {
  const server = await startServer(t, {
    access: { readTokens: { tokens: parseTokens(ALL), file: undefined } },
  });
  await bootstrapCluster(t, server, ['10.0.0.1:8848']);
  const { page } = await visit(t, server.url, { readToken: ALL, expected: /status of 401/ });
  await page.locator('.hero').waitFor();
  await page.context().setHTTPCredentials({ username: 'operator', password: 'another-token-now' });
  await page.route('**/api/v1/**', async (route) => {
    await route.continue({
      headers: { ...route.request().headers(), authorization: 'Bearer another-token-now' },
    });
  });
  await page.evaluate(`dispatchEvent(new Event('pagehide')); dispatchEvent(new Event('pageshow'))`);
  await page.getByText('is not valid, or no longer').waitFor();
});

pageTest('a member whose polls are refused is shown with the reason', async (t) => {
  const server = await startServer(t, {
    access: { changeTokens: { tokens: parseTokens(ALL), file: undefined } },
  });
  const [node] = await bootstrapCluster(t, server, ['10.0.0.1:8848', '10.0.0.2:8848'], () => `&token=${ALL}`);
  const { page } = await visit(t, server.url);
  await page.locator('.member-row[data-address]').nth(1).waitFor();
  await node!.poll('/nacos/serverlist?self=10.0.0.1:8848');
  const notice = page.locator('.notices');
  await notice.getByText('10.0.0.1:8848', { exact: true }).waitFor();
  await notice.getByText('Polls in its name are refused:').waitFor();
  await notice
    .locator('[lang=en]')
    .getByText('a token is needed to change nacos/serverlist, and none was given')
    .waitFor();
  const first = page.locator('.member-row[data-address]').first();
  await becomes(() => first.getAttribute('data-address'), '10.0.0.1:8848');
  await first.locator('.warn').waitFor();
});
