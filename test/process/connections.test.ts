import assert from 'node:assert/strict';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it, type TestContext } from 'node:test';
import { connectionLimit } from '../../src/server/file-limit.js';
import { eventually } from '../support/eventually.js';
import { NacosNode, pollPath } from '../support/nodes.js';
import { ask, RawConnection } from '../support/raw.js';
import { startServerProcess, type ServerProcess } from '../support/process.js';
import { tempFolder } from '../support/temp.js';

const MEMBERS = ['127.0.0.11:8848', '127.0.0.12:8848', '127.0.0.13:8848'];

function warnings(server: ServerProcess): string[] {
  return server
    .stdout()
    .split('\n')
    .filter((line) => line.includes('connections are open'));
}

async function strangers(t: TestContext, server: ServerProcess, count: number): Promise<RawConnection[]> {
  const connections = await Promise.all(Array.from({ length: count }, () => RawConnection.open(server.port)));
  t.after(() => connections.forEach((connection) => connection.hangUp()));
  return connections;
}

describe('the process’s connections', () => {
  it('with more strangers than it may open files, members go on, and it is said once', async (t) => {
    const file = join(tempFolder(t), 'r.db');
    const server = await startServerProcess(t, { file, fileLimit: 256, args: ['--probe', 'off'] });
    const ips = MEMBERS.join(',');
    assert.equal((await ask(server, 'POST', `/nacos/v1/as/nodes?ips=${ips}`)).status, 200);
    const nodes = MEMBERS.map((address) => new NacosNode(t, server, pollPath(address)));
    for (const node of nodes) assert.equal((await node.poll()).status, 200);
    const connections = nodes.map(({ connection }) => connection);

    for (let round = 0; round < 3; round++) {
      const crowd = await strangers(t, server, 400);
      await eventually('some are cut', () => crowd.filter(({ isClosed }) => isClosed).length > 200);
      for (const node of nodes) assert.equal((await node.poll()).status, 200);
      const files = readdirSync(`/proc/${server.pid}/fd`).length;
      assert.ok(files < 230, `${files} files are open, none is left for the database and probes`);
      assert.equal((await ask(server, 'POST', `/nacos/new-${round}?self=127.0.0.21`)).status, 200);
    }
    assert.deepEqual(
      nodes.map(({ connection }) => connection),
      connections,
      'on the connections that they had',
    );
    await eventually('it is said', () => warnings(server).length > 0);
    assert.equal(warnings(server).length, 1, server.stdout());
    assert.match(warnings(server)[0]!, /this process's limit of 256 files \(ulimit -n\)/);
    assert.equal(server.child.exitCode, null);
  });

  it('takes as many as MAX_CONNECTIONS says, and says that it is that', async (t) => {
    const file = join(tempFolder(t), 'r.db');
    const server = await startServerProcess(t, { file, env: { MAX_CONNECTIONS: '16' } });
    assert.match(server.stdout(), /"connections":16/);
    const crowd = await strangers(t, server, 30);
    await eventually('the first are cut', () => crowd.filter(({ isClosed }) => isClosed).length === 14);
    assert.deepEqual(
      crowd.map(({ isClosed }) => isClosed),
      crowd.map((_, i) => i < 14),
    );
    assert.match(warnings(server)[0]!, /MAX_CONNECTIONS=16/);
  });

  it('leaves files for the database and probes, a quarter where there are few', () => {
    for (const [max, files, connections] of [
      [20_000, Infinity, 20_000],
      [20_000, 1_048_576, 20_000],
      [20_000, 20_000, 19_700],
      [500, 1_024, 500],
      [20_000, 1_024, 768],
      [20_000, 256, 192],
    ] as const) {
      assert.equal(connectionLimit(max, files).connections, connections);
    }
  });
});
