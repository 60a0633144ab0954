import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { describe, test, type TestContext } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { promisify } from 'node:util';
import { clusterView, eventPage, streamSnapshot } from '../../src/http/api/schemas.js';
import { bootstrapCluster } from '../support/nodes.js';
import { startServer, type TestServer } from '../support/server.js';

const A = '10.0.0.5:8848';
const B = '10.0.0.6:8848';

/** Pages whose commands ask an address server alone, without their ending. */
const GUIDES = ['README', 'docs/install', 'docs/how-it-works', 'docs/api', 'docs/doctor', 'docs/failures'];

/** What each command of them answers on a server with two members; keyed by what it holds. */
const EXPECTED: readonly (readonly [part: string, check: (body: string) => unknown])[] = [
  [
    '/api/v1/clusters/nacos/serverlist/members/',
    (body) => assert.equal((JSON.parse(body) as { address: string }).address, A),
  ],
  ['/api/v1/clusters/nacos/serverlist/recover', (body) => assert.match(body, /has a majority/)],
  ['/api/v1/clusters/nacos/serverlist', (body) => clusterView.parse(JSON.parse(body))],
  ['/api/v1/events', (body) => eventPage.parse(JSON.parse(body))],
  [
    '/api/v1/stream',
    (body) => streamSnapshot.parse(JSON.parse(/event: snapshot\ndata: (.*)\n/.exec(body)?.[1] ?? '')),
  ],
  ['-X DELETE', (body) => assert.match(body, /^10\.0\.0\.5:8848 left nacos\/serverlist, revision 2; /)],
  ['-X POST', (body) => assert.equal(body, `${A}\n${B}\n`)],
  ['/nacos/serverlist', (body) => assert.equal(body, `${A}\n${B}\n`)],
];

/** Every curl command in a block, and in a sentence when it is whole. */
function commandsOf(guide: string): string[] {
  const text = readFileSync(guide, 'utf8');
  const blocks = [...text.matchAll(/^```sh\n(.*?)^```/gms)].flatMap(([, block = '']) => block.split('\n'));
  const inline = [...text.matchAll(/`(curl [^`]*)`/g)].map(([, command = '']) => command);
  return [...blocks, ...inline].filter(
    (line) => line.startsWith('curl ') && !line.includes('…,') && !line.includes('…/'),
  );
}

async function run(server: TestServer, command: string): Promise<string> {
  const here = command.replaceAll(/http:\/\/(?:address-server\.example\.org|…):8080/g, server.url);
  assert.notEqual(here, command, `${command} names no server of the documents'`);
  // Without a proxy of the machine's. What has an end comes, sooner or later; a stream has none but its first snapshot.
  const curl = here.replace('curl ', 'curl -sS --noproxy "*" --max-time 120 ');
  const isStream = command.includes('/api/v1/stream');
  const script = isStream ? `sed -u '/^event: snapshot/{n;q}' < <(${curl} 2>/dev/null)` : curl;
  const { stdout } = await promisify(execFile)('bash', ['-c', script]);
  return stdout;
}

// They wait for most of their time.
describe('the commands of the documents do what they say', { concurrency: true }, () => {
  for (const end of ['.md', '.zh-CN.md']) {
    describe(`those of README${end} and the guides`, { concurrency: true }, () => {
      const commands = [...new Set(GUIDES.flatMap((guide) => commandsOf(`${guide}${end}`)))];
      test('are found', () => assert.ok(commands.length >= 9, `only ${commands.length} were found`));
      for (const command of commands) test(command, (t) => proves(t, command));
    });
  }
});

async function proves(t: TestContext, command: string): Promise<void> {
  const server = await startServer(t);
  const nodes = await bootstrapCluster(t, server, [A, B]);
  // Both poll on while time passes, five times as fast as it does.
  let stopped = false;
  const living = (async () => {
    while (!stopped) {
      await server.pass(500);
      await Promise.all(nodes.map((node) => node.poll()));
      await delay(100);
    }
  })();
  try {
    const [, check] = EXPECTED.find(([part]) => command.includes(part)) ?? [];
    assert.ok(check, 'nothing is known of it');
    check(await run(server, command));
  } finally {
    stopped = true;
    await living;
  }
}
