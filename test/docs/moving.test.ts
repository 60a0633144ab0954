import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { promisify } from 'node:util';
import { memberView } from '../../src/http/api/schemas.js';
import { bootstrapCluster } from '../support/nodes.js';
import { getJson } from '../support/raw.js';
import { startServer } from '../support/server.js';
import { tempFolder } from '../support/temp.js';

const A = '10.0.0.5:8848';
const B = '10.0.0.6:8848';

/** The lines of all blocks of commands. */
function linesOf(guide: string): string[] {
  const text = readFileSync(guide, 'utf8');
  return [...text.matchAll(/^```sh\n(.*?)^```/gms)].flatMap(([, block = '']) => block.trimEnd().split('\n'));
}

test('the guide has the same commands in both languages', () => {
  const english = linesOf('docs/moving.md');
  assert.ok(english.length >= 9);
  assert.deepEqual(linesOf('docs/moving.zh-CN.md'), english);
});

test('what the guide asks the address server does what it says', async (t) => {
  const server = await startServer(t);
  await bootstrapCluster(t, server, [A, B]);
  const home = tempFolder(t);
  mkdirSync(join(home, 'conf'));
  const run = async (command: string): Promise<string> => {
    const env = { PATH: process.env.PATH, AS: server.url, no_proxy: '*' };
    return (await promisify(execFile)('bash', ['-ec', command], { env, cwd: home })).stdout;
  };
  const sources = async (): Promise<unknown[]> => {
    const path = '/api/v1/clusters/nacos/serverlist';
    return (await getJson<{ members: { source: string }[] }>(server, path)).members.map(
      ({ source }) => source,
    );
  };
  const [list, settled, makeStatic, ...more] = linesOf('docs/moving.md').filter((line) =>
    /^curl .*\$AS/.test(line),
  );
  assert.ok(list && settled && makeStatic && more.length === 0);
  assert.equal(await run(list), `${A}\n${B}\n`);
  assert.equal(memberView.parse(JSON.parse(await run(settled))).address, A);
  assert.deepEqual(await sources(), ['poll', 'poll']);
  assert.match(await run(makeStatic), /put success with size=2$/);
  assert.deepEqual(await sources(), ['static', 'static']);
  const copy = /`(curl [^`]*cp \/tmp\/list conf\/cluster\.conf)`/.exec(
    readFileSync('docs/moving.md', 'utf8'),
  )?.[1];
  assert.ok(copy);
  await run(copy.replaceAll('/tmp/list', 'list'));
  assert.equal(readFileSync(join(home, 'conf', 'cluster.conf'), 'utf8'), `${A}\n${B}\n`);
});
