import assert from 'node:assert/strict';
import SQLite from 'better-sqlite3';
import { join } from 'node:path';
import { describe, it, type TestContext } from 'node:test';
import { emptyCluster } from '../../src/registry/cluster.js';
import { decide } from '../../src/registry/decide.js';
import { DEFAULT_RULES } from '../../src/registry/rules.js';
import { problemIn } from '../../src/store/row-check.js';
import { changesOf, clusterRow, type ClusterRows, type MemberRow } from '../../src/store/rows.js';
import { recordingLog } from '../support/log.js';
import { startServer } from '../support/server.js';
import { tempFolder } from '../support/temp.js';

const A = '127.0.0.11:8848';
const B = '127.0.0.12:8848';
const GOOD = '127.0.0.13:8848';

/** The rows of a cluster as this program writes them. */
function rows(): ClusterRows {
  const before = emptyCluster({ product: 'nacos', name: 'serverlist' });
  const context = { now: 1_000, rules: DEFAULT_RULES, graceUntil: 0, clusters: 0 };
  const { cluster } = decide(before, { type: 'put', addresses: [A, B] }, context);
  const changes = changesOf(before, cluster);
  return { cluster: clusterRow(cluster), members: changes.members.put, waiting: [], tombstones: [] };
}

const none = new Map();

describe('rows that a person has edited', () => {
  it('are no others than those that this program writes', () => {
    assert.equal(problemIn(rows(), none), undefined);
  });

  const member = (change: Partial<Record<keyof MemberRow, unknown>>): ClusterRows => {
    const all = rows();
    const [first, ...more] = all.members;
    return { ...all, members: [{ ...first, ...change } as MemberRow, ...more] };
  };
  const cluster = (change: object): ClusterRows => {
    const all = rows();
    return { ...all, cluster: { ...all.cluster, ...change } };
  };
  for (const [what, found, sentence] of [
    ['a line break', member({ address: '10.0.0.5:8848\n10.0.0.6:8848' }), /address="10\.0\.0\.5:8848\\n/],
    ['no port', member({ address: '10.0.0.5' }), /address="10\.0\.0\.5"/],
    ['an empty address', member({ address: '' }), /address=""/],
    ['a number for an address', member({ address: 7 }), /address=7/],
    ['the same twice', member({ address: B }), /appears twice/],
    [
      'two spellings',
      {
        ...rows(),
        members: [
          ...rows().members,
          { ...member({}).members[0], address: '[::ffff:127.0.0.11]:8848' } as MemberRow,
        ],
      },
      /are one address/,
    ],
    ['a source that is none', member({ source: 'me' }), /source="me"/],
    ['a presence that is none', member({ presence: 'LIVE' }), /presence="LIVE"/],
    ['a flag that is none', member({ settled: 2 }), /settled=2/],
    ['a text for a number', member({ joined_at: 'yesterday' }), /joined_at="yesterday"/],
    ['a fraction', member({ joined_revision: 1.5 }), /joined_revision=1\.5/],
    ['a number that is not exact', member({ joined_at: 2 ** 60 }), /joined_at=/],
    ['a size that nobody asks for', member({ expect: 0 }), /expect=0/],
    ['an identity with a line break', member({ stable_id: 'a\nb' }), /stable_id="a\\nb"/],
    ['a revision below none', cluster({ revision: -1 }), /revision=-1/],
    ['no revision', cluster({ revision: null }), /revision=null/],
    ['an epoch that is a text', cluster({ epoch: '{' }), /epoch="\{"/],
    ['members that were never bootstrapped', cluster({ epoch: 0 }), /never bootstrapped/],
    ['a name with a slash', cluster({ name: 'a/b' }), /name="a\/b"/],
  ] as const) {
    it(`are refused for ${what}`, () => assert.match(problemIn(found, none) ?? '', sentence));
  }

  it('are refused for a lease that is none', () => {
    const lease = {
      heardAt: NaN,
      openAt: -1,
      endedAt: -1,
      refusedAt: -1,
      delivered: 0,
      deliveredAt: 0,
      polls: true,
    };
    assert.match(problemIn(rows(), new Map([[A, lease]])) ?? '', /the lease of .* has heardAt/);
  });
});

describe('a damaged cluster', () => {
  async function damaged(t: TestContext, edit: string): Promise<{ file: string }> {
    const file = join(tempFolder(t), 'r.db');
    const server = await startServer(t, { file });
    for (const [cluster, ips] of [
      ['serverlist', `${A},${B}`],
      ['other', GOOD],
    ])
      await fetch(`${server.url}/nacos/v1/as/nodes?cluster=${cluster}&ips=${ips}`, { method: 'POST' });
    await server.stop();
    const db = new SQLite(file);
    db.exec(edit);
    db.close();
    return { file };
  }

  it('is served to nobody and changed by nobody, loudly, and the others are as ever', async (t) => {
    const { file } = await damaged(
      t,
      `UPDATE address_server_member SET address = '10.0.0.5:8848' || char(10) || 'evil:1' WHERE address = '${A}'`,
    );
    const { log, lines } = recordingLog();
    const server = await startServer(t, { file, log });
    const said = lines().filter(({ msg }) => msg === 'a cluster is damaged');
    assert.equal(said.length, 1);
    assert.match(
      String(said[0]?.reason),
      /state of nacos\/serverlist is invalid.*address="10\.0\.0\.5:8848\\nevil:1"/,
    );
    const ask = async (method: string, path: string): Promise<[number, string]> => {
      const answer = await fetch(server.url + path, { method, headers: { 'user-agent': 'curl/8' } });
      return [answer.status, await answer.text()];
    };
    for (const [method, path] of [
      ['GET', '/nacos/serverlist'],
      ['GET', `/nacos/serverlist?self=${B}`],
      ['POST', `/nacos/serverlist?self=${B}`],
    ] as const) {
      const [status, text] = await ask(method, path);
      assert.equal(status, 503, `${method} ${path}: ${text}`);
      assert.match(text, /is invalid, so none of it/);
    }
    for (const [method, path] of [
      ['POST', `/nacos/v1/as/nodes?ips=${GOOD}`],
      ['DELETE', `/nacos/v1/as/nodes?ips=${B}`],
      ['DELETE', `/nacos/serverlist?self=${B}`],
      ['POST', '/api/v1/clusters/nacos/serverlist/recover'],
      ['POST', '/api/v1/clusters/nacos/serverlist/adopt'],
      ['DELETE', `/api/v1/clusters/nacos/serverlist/members/${encodeURIComponent(B)}?force=true`],
    ] as const) {
      const [status, text] = await ask(method, path);
      assert.ok(status >= 400, `${method} ${path}: ${status} ${text}`);
    }
    assert.deepEqual(await ask('GET', '/nacos/other'), [200, `${GOOD}\n`]);
    const [, clusters] = await ask('GET', '/api/v1/clusters');
    assert.match(clusters, /"state":"damaged"/);
    const [ready, body] = await ask('GET', '/readyz');
    assert.deepEqual([ready, (JSON.parse(body) as { damaged?: number }).damaged], [200, 1]);
    assert.match((await ask('GET', '/metrics'))[1], /address_server_clusters\{state="damaged"\} 1/);
    await server.pass(120_000);
    await server.stop();
    const db = new SQLite(file);
    const left = db.prepare('SELECT count(*) FROM address_server_member').pluck().get();
    db.close();
    assert.equal(left, 3, 'the rows are as they were');
  });
});
