import assert from 'node:assert/strict';
import { join } from 'node:path';
import { test } from 'node:test';
import { runCli } from '../support/cli.js';
import { startServerProcess } from '../support/process.js';
import { tempFolder } from '../support/temp.js';

const A = '127.0.0.11:8848';

/** The built command from its start to its end; all else about processes is in test/process. */
test('the command starts, lists who polls, is asked by another, and loses nobody when it starts again', async (t) => {
  const file = join(tempFolder(t), 'registry.db');
  const first = await startServerProcess(t, { file });
  const poll = await fetch(`${first.url}/nacos/serverlist?self=${A}&expect=1`);
  assert.deepEqual([poll.status, await poll.text()], [200, `${A}\n`]);
  const members = await runCli(t, ['members', '--json', '--server', first.url]);
  assert.equal(members.status, 0, members.err);
  assert.match(members.out, /"address": "127\.0\.0\.11:8848"/);
  first.child.kill('SIGTERM');
  assert.equal(await first.exited, 0);
  assert.match(first.stdout(), /"stopped"/);

  const second = await startServerProcess(t, { file });
  assert.equal(await (await fetch(`${second.url}/nacos/serverlist`)).text(), `${A}\n`);
});
