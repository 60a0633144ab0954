import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { createServer, type RequestListener } from 'node:http';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { describe, it, type TestContext } from 'node:test';
import type { ClusterView } from '../../src/registry/view.js';
import { runCli, startOnTerminal } from '../support/cli.js';
import { eventually } from '../support/eventually.js';
import { PollingNode } from '../support/polling.js';
import { startServerProcess, type ServerProcess } from '../support/process.js';
import { tempFolder } from '../support/temp.js';

const [A, B, C, D] = ['127.0.7.1:8848', '127.0.7.2:8848', '127.0.7.3:8848', '127.0.7.4:8848'] as const;

async function start(t: TestContext) {
  const folder = tempFolder(t);
  const server = await startServerProcess(t, { file: join(folder, 'r.db') });
  const write = (text: string): string => {
    const file = join(folder, 'cluster.conf');
    writeFileSync(file, text);
    return file;
  };
  const run = (...args: readonly string[]) => runCli(t, ['import', ...args, '--server', server.url]);
  return { server, write, run };
}

async function view({ url }: ServerProcess): Promise<Partial<ClusterView>> {
  return (await (await fetch(`${url}/api/v1/clusters/nacos/serverlist`)).json()) as Partial<ClusterView>;
}

async function sources(server: ServerProcess): Promise<string[]> {
  return ((await view(server)).members ?? []).map(({ address, source }) => `${address} ${source}`);
}

/** Something else on the network that is asked for a list. */
async function serving(t: TestContext, answer: RequestListener): Promise<string> {
  const other = createServer(answer).listen(0, '127.0.0.1');
  await once(other, 'listening');
  t.after(() => {
    other.closeAllConnections();
    other.close();
  });
  return `http://127.0.0.1:${(other.address() as AddressInfo).port}`;
}

describe('import', () => {
  it('puts the whole list as static members, and again there is nothing to do', async (t) => {
    const { server, write, run } = await start(t);
    const file = write(`#it is ip\r\n${A}\r\n127.0.7.2\r\n`);
    const first = await run(file, '--yes');
    assert.equal(first.status, 0);
    assert.match(first.err, /: 127\.0\.7\.2 in \/.* has no port; 8848 is assumed, as Nacos does\n$/);
    assert.match(first.out, new RegExp(`^${A} +is added\n${B} +is added\n`, 'm'));
    assert.match(
      first.out,
      /nacos\/serverlist has revision 1 now, and all 2 of \/.*cluster\.conf are on it\./,
    );
    assert.deepEqual(await sources(server), [`${A} static`, `${B} static`]);
    const again = await run(write(`${A}\n${B}\n`));
    assert.deepEqual([again.status, again.err], [0, ''], 'and nobody is asked');
    assert.match(again.out, /Nothing to do: nacos\/serverlist is the same list\./);
  });

  it('shows what would change with --dry-run, warns of what the source lacks, and leaves leases alone', async (t) => {
    const { server, write, run } = await start(t);
    for (const self of [A, B]) new PollingNode(t, server, self, '&expect=2');
    await eventually('they bootstrapped', async () => (await view(server)).members?.length === 2);
    const file = write(`${B}\n${C}\n`);
    const dry = await run(file, '--dry-run');
    assert.equal(dry.status, 0, dry.err);
    assert.match(
      dry.out,
      new RegExp(`^${C} +is added *\n${B} +is there +with a lease \\(poll\\)\n${A} +not in `, 'm'),
    );
    assert.match(dry.out, new RegExp(`WARNING: .* lacks ${A}, which the registry lists\\. It stays`));
    assert.match(dry.out, /Nothing was changed: without --dry-run, 1 static member would be put onto/);
    assert.deepEqual(await sources(server), [`${A} poll`, `${B} poll`]);
    const json = await run(file, '--yes', '--json');
    assert.deepEqual(JSON.parse(json.out), {
      cluster: 'nacos/serverlist',
      source: file,
      added: [C],
      present: [B],
      missing: [A],
      revision: 2,
    });
    assert.match(json.err, /lacks 127\.0\.7\.1:8848, which the registry lists/);
    assert.deepEqual((await sources(server)).sort(), [`${A} poll`, `${B} poll`, `${C} static`]);
    const strange = await run(write(`${D}\n`), '--dry-run');
    assert.match(
      strange.out,
      /No address of the two lists is the same\. If they are two clusters of Nacos, do not import/,
    );
  });

  it('takes what an nginx returns as JSON, and warns of what no node calls itself', async (t) => {
    const { server, write, run } = await start(t);
    const file = write(
      `location = /nacos/serverlist {\n  return 200 '{"code":200,"message":null,"data":"10.0.0.5:8848\\\\nnacos-1.example\\\\n127.0.0.1:8848"}';\n}\n`,
    );
    const dry = await run(file, '--dry-run');
    assert.equal(dry.status, 0, dry.err);
    assert.match(
      dry.err,
      /nacos-1\.example in .*\(returned in line 2\) \(data\) has no port; 8848 is assumed/,
    );
    const said = dry.out.replaceAll(/\s+/g, ' ');
    assert.match(
      said,
      /WARNING: 127\.0\.0\.1:8848 is each machine's own loopback, among addresses of other machines/,
    );
    assert.match(
      said,
      /WARNING: Some are IP addresses \(10\.0\.0\.5:8848\) and some are names \(nacos-1\.example:8848\)/,
    );
    const json = await run(file, '--yes', '--json');
    assert.match(json.err, /own loopback/);
    assert.equal((await sources(server)).length, 3);
  });

  it('takes no half of a list', async (t) => {
    const { server, write, run } = await start(t);
    const bad = await run(write(`${A}\n${B}\nhttp://x\n${C}\n`), '--yes');
    assert.deepEqual([bad.status, bad.out], [1, '']);
    assert.match(bad.err, /cluster\.conf line 3: "http:\/\/x" has a scheme/);
    assert.equal((await view(server)).members, undefined);
    await run(write('nacos-1.example\n'), '--yes');
    const spelt = await run(write(`${A}\nNACOS-1.example\n`), '--yes');
    assert.equal(spelt.status, 1);
    assert.match(
      spelt.err,
      /NACOS-1\.example:8848 is another spelling of nacos-1\.example:8848, which is here already/,
    );
    const refused = await run(write('a'.repeat(70_000)), '--yes');
    assert.match(refused.err, /is larger than 64 KiB; is it a list\?/);
    assert.match((await run('/nowhere/x', '--yes')).err, /cannot be read \(ENOENT/);
    assert.equal((await view(server)).members?.length, 1);
  });

  it('says the server’s own refusal, and then nothing was put', async (t) => {
    const folder = tempFolder(t);
    const server = await startServerProcess(t, {
      file: join(folder, 'r.db'),
      env: { ALLOWED_MEMBERS: '127.0.7.1' },
    });
    const file = join(folder, 'list');
    writeFileSync(file, `${A}\n${B}\n`);
    const ran = await runCli(t, ['import', file, '--yes', '--server', server.url]);
    assert.equal(ran.status, 1);
    assert.match(ran.err, /answers 403: .*127\.0\.7\.2:8848.* may not be listed/);
    assert.equal((await view(server)).members, undefined);
  });

  it('puts all in one request, and reads the list back', async (t) => {
    const { write } = await start(t);
    const asked: string[] = [];
    const forgetful = await serving(t, (request, response) => {
      let body = '';
      request.on('data', (chunk: Buffer) => (body += chunk.toString()));
      request.on('end', () => {
        asked.push(`${request.method} ${request.url} ${decodeURIComponent(body)}`);
        response.end(request.method === 'POST' ? 'put success' : '{"members":[],"waiting":[],"revision":1}');
      });
    });
    const file = write(`${A}\n${B}\n`);
    const ran = await runCli(t, ['import', file, 'p/c', '--yes', '--server', forgetful]);
    assert.equal(ran.status, 1);
    assert.match(
      ran.err,
      new RegExp(`reported that all were put, but p/c lacks ${A}, ${B}; an operator may have taken them off`),
    );
    assert.deepEqual(asked, [
      'GET /api/v1/clusters/p/c ',
      `POST /nacos/v1/as/nodes product=p&cluster=c&ips=${A},${B}`,
      'GET /api/v1/clusters/p/c ',
    ]);
  });

  it('takes a list from a URL, as text and as JSON, and from no URL that answers otherwise', async (t) => {
    const { server, run } = await start(t);
    const base = await serving(t, (request, response) => {
      const list = `${A}\n${B}\n`;
      switch (new URL(request.url ?? '', 'http://x').pathname) {
        case '/text':
          return response.end(list);
        case '/json':
          return response.end(JSON.stringify({ code: 200, message: null, data: list.trim() }));
        case '/moved':
          return response.writeHead(302, { location: '/text' }).end();
        case '/gone':
          return response.writeHead(404).end('product=none not found.');
        case '/half':
          response.writeHead(200, { 'content-length': 1_000 }).write(list);
          return setImmediate(() => response.destroy());
        case '/endless':
          return response.end('#'.repeat(100_000));
        case '/latin':
          return response.end(Buffer.from([0x31, 0xff]));
      }
      return response.writeHead(200).end('<html></html>');
    });
    for (const [path, sentence] of [
      ['/moved', /answers 302 and sends its callers elsewhere/],
      ['/gone', /answers 404, which is not a list/],
      ['/half', /gave no complete answer within 10 s/],
      ['/endless', /is larger than 64 KiB/],
      ['/latin', /is not UTF-8/],
      ['/page', /line 1: "<html><\/html>" /],
      ['/text?self=127.0.7.9', /is asked with self=…, which would register that address/],
    ] as const) {
      const { status, err } = await run(base + path, '--yes');
      assert.equal(status, 1, path);
      assert.match(err, sentence, path);
    }
    assert.equal((await view(server)).members, undefined);
    assert.equal((await run(`${base}/text?secret=x`, '--yes')).status, 0);
    const json = await run(`${base}/json?secret=x`);
    assert.match(json.out, /is the same list/);
    const user = await run(base.replace('//', '//me:secret@'), '--yes');
    assert.match(user.err, /the URL has a user or a password/);
    assert.ok(!(json.out + user.err).includes('secret@'));
  });

  it('asks on a terminal, and needs --yes where none is', async (t) => {
    const { server, write, run } = await start(t);
    const file = write(`${A}\n`);
    const blind = await run(file);
    assert.equal(blind.status, 1);
    assert.match(blind.err, /there is no terminal; give --yes, or --dry-run to look/);
    const args = ['import', file, '--server', server.url];
    for (const answer of ['\r', 'n\r', '\x03']) {
      const terminal = await startOnTerminal(t, args);
      await eventually('it asks', () => terminal.sent().includes('[y/N]'));
      assert.match(terminal.sent(), /Put 1 static member onto nacos\/serverlist at/);
      terminal.type(answer);
      assert.equal(await terminal.exited, 1);
    }
    assert.equal((await view(server)).members, undefined);
    const terminal = await startOnTerminal(t, args);
    await eventually('it asks', () => terminal.sent().includes('[y/N]'));
    terminal.type('y\r');
    assert.equal(await terminal.exited, 0);
    assert.deepEqual(await sources(server), [`${A} static`]);
  });

  it('reads the standard input, and then cannot ask', async (t) => {
    const { run } = await start(t);
    const { status, err } = await run('-', '--yes');
    assert.equal(status, 1, 'it is empty here');
    assert.match(err, /the standard input holds no address/);
    assert.match((await run('-')).err, /the standard input is the source; give --yes/);
    assert.match((await run()).err, /a source is missing: a file, a URL, or -/);
  });
});

describe('import --adopt', () => {
  it('gives a lease to those that are heard, and has a status of its own while some are not', async (t) => {
    const { server, write, run } = await start(t);
    await run(write(`${A}\n${B}\n`), '--yes');
    const a = new PollingNode(t, server, A);
    await eventually('A is heard', async () => (await view(server)).members?.[0]?.leaseMs !== undefined);
    const dry = await run('--adopt', '--dry-run', '--json');
    assert.deepEqual(JSON.parse(dry.out), {
      revision: 1,
      adopted: [A],
      kept: [{ address: B, reason: 'it is not heard' }],
    });
    const some = await run('--adopt', '--yes');
    assert.deepEqual([some.status, some.err], [75, '']);
    assert.match(
      some.out,
      new RegExp(`^These have a lease now: ${A}\nstays static: ${B} has never been heard`),
    );
    await eventually('it is seen to poll', async () => (await sources(server))[0] === `${A} poll`);
    assert.deepEqual(await sources(server), [`${A} poll`, `${B} static`]);
    new PollingNode(t, server, B);
    await eventually('B is heard', async () => (await view(server)).members?.[1]?.leaseMs !== undefined);
    const rest = await run('--adopt', 'nacos/serverlist', '--yes', '--json');
    assert.equal(rest.status, 0);
    assert.deepEqual(JSON.parse(rest.out), { revision: 1, adopted: [B], kept: [] });
    assert.match(
      (await run('--adopt', '--yes')).out,
      /^Nothing to do: nacos\/serverlist has no static members\./,
    );
    a.pause();
  });

  it('asks, and takes a cluster and no source', async (t) => {
    const { write, run } = await start(t);
    await run(write(`${A}\n`), '--yes');
    assert.match(
      (await run('--adopt')).err,
      /import --adopt asks before .* there is no terminal; give --yes/,
    );
    const both = await run('--adopt', 'cluster.conf', 'nacos/serverlist', '--yes');
    assert.match(both.err, /--adopt takes no source, only a cluster/);
    assert.match((await run('--adopt', 'cluster.conf', '--yes')).err, /is not of the form product\/cluster/);
  });
});
