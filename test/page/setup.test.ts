import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { parse } from 'yaml';
import { parseTokens } from '../../src/http/access/token.js';
import { bootstrapCluster, NacosNode } from '../support/nodes.js';
import { startServer } from '../support/server.js';
import { matches, pageTest, visit } from './browser.js';

const [A, B] = ['10.0.3.11:8848', '10.0.3.12:8848'] as const;

pageTest('the copied configuration is right, in its four forms', async (t) => {
  const server = await startServer(t);
  await bootstrapCluster(t, server, [A, B]);
  const { page, context } = await visit(t, server.url);
  await context.grantPermissions(['clipboard-read', 'clipboard-write']);
  const setup = page.locator('.setup');
  const copied = async (form: string): Promise<string> => {
    await setup.getByRole('button', { name: form }).click();
    await setup.getByRole('button', { name: 'Copy' }).click();
    await setup.getByRole('button', { name: 'Copied' }).waitFor();
    return page.evaluate<string>('navigator.clipboard.readText()');
  };

  const url = '/nacos/serverlist?self=NODE_IP:8848&expect=2';
  const variables = {
    NACOS_CORE_MEMBER_LOOKUP_TYPE: 'address-server',
    NACOS_CORE_ADDRESS_SERVER_RETRY: '150',
    address_server_domain: '127.0.0.1',
    address_server_port: String(server.port),
    address_server_url: url,
  };
  assert.deepEqual(entries(await copied('Env file')), variables);
  assert.deepEqual(inShell(await copied('Shell'), Object.keys(variables)), variables);
  assert.deepEqual(entries(await copied('application.properties')), {
    'nacos.core.member.lookup.type': 'address-server',
    'nacos.core.address-server.retry': '150',
    'address.server.domain': '127.0.0.1',
    'address.server.port': String(server.port),
    'address.server.url': url,
  });
  const { env } = parse(await copied('Kubernetes')) as { env: { name: string; value?: unknown }[] };
  assert.deepEqual(Object.fromEntries(env.map(({ name, value }) => [name, value])), {
    POD_IP: undefined,
    NACOS_SERVER_IP: '$(POD_IP)',
    NACOS_CORE_MEMBER_LOOKUP_TYPE: 'address-server',
    NACOS_CORE_ADDRESS_SERVER_RETRY: '150',
    address_server_domain: '127.0.0.1',
    address_server_port: String(server.port),
    address_server_url: '/nacos/serverlist?self=$(POD_IP):8848&expect=2',
  });

  // A node that is told so joins; one whose operator forgot to put its address in is not listed under that name.
  const joining = new NacosNode(t, server, url.replace('NODE_IP', '10.0.3.13'));
  assert.match((await joining.pollUntilListed()).body, /^10\.0\.3\.13:8848$/m);
  assert.equal((await new NacosNode(t, server, url).poll()).status, 302);
  assert.ok(!server.service.find('nacos/serverlist')!.cluster.members.has('NODE_IP:8848'));
});

pageTest('without a clipboard (plain http from afar) it copies the old way', async (t) => {
  const server = await startServer(t);
  const { page, context } = await visit(t, server.url);
  await context.addInitScript('Object.defineProperty(navigator, "clipboard", { value: undefined })');
  await page.reload();
  await page.locator('.setup').getByRole('button', { name: 'Copy' }).click();
  await page.locator('.setup').getByRole('button', { name: 'Copied' }).waitFor();
  const other = await context.newPage();
  await other.goto(server.url);
  await other.getByRole('searchbox').first().waitFor({ state: 'detached' });
  await page.keyboard.press('Control+c');
  await matches(() => page.evaluate<string>('getSelection().toString()'), /address_server_url=/);
});

pageTest('where changes take a token, the configuration has a place for it', async (t) => {
  const server = await startServer(t, {
    access: { changeTokens: { tokens: parseTokens('correct-horse-battery'), file: undefined } },
  });
  const { page } = await visit(t, server.url);
  await page
    .locator('.setup pre')
    .getByText('/nacos/serverlist?self=NODE_IP:8848&expect=3&token=TOKEN')
    .waitFor();
  await page.getByText('Replace TOKEN with a token').waitFor();
});

pageTest('an empty server says what to do next, in both languages', async (t) => {
  const server = await startServer(t);
  const { page } = await visit(t, server.url);
  await page.getByRole('heading', { name: 'No clusters yet' }).waitFor();
  await page.getByText('Start the nodes with this configuration:').waitFor();
  await page.locator('.setup pre').getByText(`address_server_port=${server.port}`).waitFor();
  // What was opened on the server's own machine names it in a way that is of no use to others.
  await page.getByText('Replace 127.0.0.1 with the address at which the nodes reach this server.').waitFor();
  await page.getByText('No Nacos at hand?').waitFor();
  const demo = page.getByRole('region', { name: 'Demo' });
  assert.equal(await demo.textContent(), 'npx nacos-address-server demo');

  await page.getByRole('button', { name: '中文' }).click();
  await page.getByRole('heading', { name: '还没有集群' }).waitFor();
  await page.getByText('把 127.0.0.1 换成节点访问本服务器所用的地址。').waitFor();
  await page.getByText('手边没有 Nacos？').waitFor();
  await page.getByRole('region', { name: '演示' }).waitFor();
});

/** What a command finds in its environment that is started where the text was pasted, in the shells that there are. */
function inShell(text: string, names: readonly string[]): Record<string, string> {
  const found = ['sh', 'bash'].map((shell) => {
    const options = { encoding: 'utf8', env: { PATH: process.env.PATH } } as const;
    return names.map((name) => [
      name,
      execFileSync(shell, ['-ec', `${text}printenv ${name}`], options).trimEnd(),
    ]);
  });
  assert.deepEqual(found[0], found[1]);
  return Object.fromEntries(found[0] ?? []) as Record<string, string>;
}

function entries(text: string): Record<string, string> {
  return Object.fromEntries(
    text
      .trim()
      .split('\n')
      .map((line) => [line.slice(0, line.indexOf('=')), line.slice(line.indexOf('=') + 1)]),
  );
}
