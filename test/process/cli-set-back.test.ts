import assert from 'node:assert/strict';
import { join } from 'node:path';
import { it } from 'node:test';
import { runCli } from '../support/cli.js';
import { eventually } from '../support/eventually.js';
import { startServer } from '../support/server.js';
import { tempFolder } from '../support/temp.js';

it('recover bootstraps with those that wait after a database was replaced', async (t) => {
  const server = await startServer(t, { file: join(tempFolder(t), 'r.db') });
  const beat = (self: string): Promise<Response> =>
    fetch(`${server.url}/nacos/serverlist?self=${self}&expect=2&revision=57`, { method: 'POST' });
  for (const self of ['127.0.0.11:8848', '127.0.0.12:8848']) {
    const answer = await beat(self);
    assert.equal(answer.status, 202);
    assert.match(await answer.text(), /revision 57.*recover nacos\/serverlist/);
  }
  await eventually('it is in the history', async () => {
    const events = await fetch(`${server.url}/api/v1/events`);
    return (await events.text()).includes('"set-back"');
  });
  const { status, out, err } = await runCli(t, ['recover', 'nacos/serverlist', '--yes'], {
    ADDRESS_SERVER_URL: server.url,
  });
  assert.deepEqual([status, err], [0, '']);
  assert.match(out, /epoch 1, revision 58/);
  assert.doesNotMatch(out, /resetPeers/);
  const listed = await beat('127.0.0.11:8848');
  assert.equal(await listed.text(), '127.0.0.11:8848\n127.0.0.12:8848\n');
});
