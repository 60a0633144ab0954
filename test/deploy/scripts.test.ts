import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { chmodSync, readFileSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { describe, it, type TestContext } from 'node:test';
import { parseTokens } from '../../src/http/access/token.js';
import { startServer } from '../support/server.js';
import { bootstrapCluster, live, pollPath } from '../support/nodes.js';
import { ask, CURL } from '../support/raw.js';
import { tempFolder } from '../support/temp.js';
import {
  container,
  helm,
  overlay,
  skipWithoutTools,
  TOKEN,
  workload,
  type Container,
  type Mode,
} from './render.js';

/** Answers every request with the status that it is told, or not at all. */
class Stub {
  readonly asked: string[] = [];
  /** The header `Authorization` of each. */
  readonly shown: (string | undefined)[] = [];
  status: (url: string) => number | 'never' = () => 200;
  readonly #server: Server;

  private constructor(t: Pick<TestContext, 'after'>) {
    this.#server = createServer((request, response) => {
      const url = `${request.method} ${request.url}`;
      this.asked.push(url);
      this.shown.push(request.headers.authorization);
      const status = this.status(url);
      if (status !== 'never') response.writeHead(status).end('{}');
    });
    t.after(() => {
      this.#server.closeAllConnections();
      this.#server.close();
    });
  }

  static async start(t: Pick<TestContext, 'after'>): Promise<Stub> {
    const stub = new Stub(t);
    stub.#server.listen(0, '127.0.0.1');
    await once(stub.#server, 'listening');
    return stub;
  }

  get host(): string {
    return `127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }
}

const nacosOf = (mode: Mode): Container => container(workload(overlay(mode), 'nacos'), 'nacos');

/** Runs what a manifest has for `sh -c`, with hosts (and files) of its own put in; gives the exit status. */
function sh(
  command: readonly string[] | undefined,
  hosts: Readonly<Record<string, string>>,
  env: Record<string, string> = {},
): Promise<number> {
  const [shell, flag, script = ''] = command ?? [];
  assert.deepEqual([shell, flag], ['sh', '-c']);
  let text = script;
  for (const [there, here] of Object.entries(hosts)) {
    assert.ok(text.includes(there), `the script asks no ${there}`);
    text = text.replaceAll(there, here);
  }
  // Pauses are not what is looked at.
  text = text.replaceAll('sleep 2', 'sleep 0');
  return new Promise((resolve) => {
    const child = execFile(
      'sh',
      ['-c', text],
      { env: { PATH: process.env.PATH ?? '', no_proxy: '*', POD_IP: '10.1.2.3', ...env } },
      () => resolve(child.exitCode ?? -1),
    );
  });
}

/** A port on which nobody listens. */
const NOBODY = '127.0.0.1:1';

/** Where the Secret is in the container. */
const FILE = '/run/address-server/token';

/** The Secret's file, for {@link sh}; with the line end that many editors put into it. */
function tokenFile(t: TestContext, text = `${TOKEN}\r\n`): Record<string, string> {
  const file = join(tempFolder(t), 'token');
  writeFileSync(file, text);
  return { [FILE]: file };
}

describe('what the manifests run in the Nacos container', { skip: skipWithoutTools }, () => {
  describe('the readiness of the mode poll', () => {
    const readiness = async (
      t: TestContext,
      status: number | 'never' | 'refused',
    ): Promise<[number, Stub]> => {
      const nacos = await Stub.start(t);
      const registry = await Stub.start(t);
      if (status !== 'refused') registry.status = () => status;
      const { exec } = nacosOf('poll').readinessProbe!;
      const ready = await sh(exec?.command, {
        '127.0.0.1:8848': nacos.host,
        'address-server:8080': status === 'refused' ? NOBODY : registry.host,
        ...tokenFile(t),
      });
      return [ready, registry];
    };

    for (const status of [200, 404, 401, 500, 503, 'never', 'refused'] as const) {
      it(`is ready when the address server says ${status}`, async (t) => {
        const [ready, registry] = await readiness(t, status);
        assert.equal(ready, 0);
        const path = '/api/v1/clusters/nacos/serverlist/members/10.1.2.3:8848?settled=true';
        assert.deepEqual(registry.asked, status === 'refused' ? [] : [`GET ${path}`]);
      });
    }

    it('is not when it says 409: not settled', async (t) => {
      const [ready] = await readiness(t, 409);
      assert.equal(ready, 1);
    });

    it('brings the token, which READ_TOKEN asks for', async (t) => {
      const [, registry] = await readiness(t, 200);
      assert.deepEqual(registry.shown, [`Bearer ${TOKEN}`]);
    });

    it('is not when the node has not settled and reads need a token, on a real server', async (t) => {
      const tokens = { tokens: parseTokens(`nacos/serverlist:${TOKEN}`), file: undefined };
      const reads = { tokens: parseTokens(`reader-${TOKEN}`), file: undefined };
      const server = await startServer(t, { access: { changeTokens: tokens, readTokens: reads } });
      const query = (): string => `&token=${TOKEN}`;
      const members = ['127.0.0.11:8848', '127.0.0.12:8848', '127.0.0.13:8848'];
      const nodes = await bootstrapCluster(t, server, members, query);
      await live(server, nodes, 60_000);
      await bootstrapCluster(t, server, ['127.0.0.14:8848'], query);
      const nacos = await Stub.start(t);
      const { exec } = nacosOf('poll').readinessProbe!;
      const ready = (POD_IP: string, file: Record<string, string>): Promise<number> => {
        const hosts = { '127.0.0.1:8848': nacos.host, 'address-server:8080': `127.0.0.1:${server.port}` };
        return sh(exec?.command, { ...hosts, ...file }, { POD_IP });
      };
      assert.equal(await ready('127.0.0.11', tokenFile(t)), 0);
      assert.equal(await ready('127.0.0.14', tokenFile(t)), 1);
      // Who may not know is not kept: an answer that is none must not make running nodes unready.
      assert.equal(await ready('127.0.0.14', tokenFile(t, 'wrong-wrong-wrong')), 0);
    });

    it('is not when Nacos is not, whatever the address server says', async (t) => {
      const registry = await Stub.start(t);
      const { exec } = nacosOf('poll').readinessProbe!;
      const hosts = { '127.0.0.1:8848': NOBODY, 'address-server:8080': registry.host, ...tokenFile(t) };
      assert.equal(await sh(exec?.command, hosts), 1);
    });
  });

  describe('the readiness of the mode statefulset', () => {
    for (const [status, wanted] of [
      [200, 0],
      [503, 1],
      [500, 0],
      ['refused', 0],
    ] as const) {
      it(`is ${wanted === 0 ? '' : 'not '}ready when the agent says ${status}`, async (t) => {
        const nacos = await Stub.start(t);
        const agent = await Stub.start(t);
        if (status !== 'refused') agent.status = () => status;
        const { exec } = nacosOf('statefulset').readinessProbe!;
        const ready = await sh(exec?.command, {
          '127.0.0.1:8848': nacos.host,
          '127.0.0.1:8090': status === 'refused' ? NOBODY : agent.host,
        });
        assert.equal(ready, wanted);
      });
    }
  });

  describe('preStop', () => {
    const preStop = (mode: Mode): readonly string[] => nacosOf(mode).lifecycle!.preStop.exec.command;

    it('is the same in both modes of the Deployment, and a StatefulSet has none', () => {
      assert.deepEqual(preStop('poll'), preStop('agent'));
      assert.equal(nacosOf('statefulset').lifecycle, undefined);
    });

    /** The stubs of an address server and of a Nacos that answers, and where the script finds them. */
    const place = async (t: TestContext): Promise<{ registry: Stub; hosts: Record<string, string> }> => {
      const registry = await Stub.start(t);
      const nacos = await Stub.start(t);
      return { registry, hosts: { 'address-server:8080': registry.host, '127.0.0.1:8848': nacos.host } };
    };

    it('asks again while some have not the new list, three times at most', async (t) => {
      const { registry, hosts: there } = await place(t);
      const hosts = { ...there, ...tokenFile(t) };
      registry.status = () => (registry.asked.length < 3 ? 202 : 200);
      assert.equal(await sh(preStop('poll'), hosts), 0);
      assert.deepEqual(
        new Set(registry.asked),
        new Set(['DELETE /nacos/serverlist?self=10.1.2.3:8848&wait=15s']),
      );
      assert.equal(registry.asked.length, 3);
      registry.status = () => 202;
      await sh(preStop('poll'), hosts);
      assert.equal(registry.asked.length, 6);
    });

    it('says nothing of a Nacos that does not answer: it is restarted, and comes back', async (t) => {
      const registry = await Stub.start(t);
      const hosts = { 'address-server:8080': registry.host, '127.0.0.1:8848': NOBODY, ...tokenFile(t) };
      assert.equal(await sh(preStop('poll'), hosts), 0);
      assert.deepEqual(registry.asked, []);
    });

    it('ends when no address server answers', async (t) => {
      const { hosts } = await place(t);
      await sh(preStop('poll'), { ...hosts, 'address-server:8080': NOBODY, ...tokenFile(t) });
    });

    it('brings the token, and no command that ps shows has it', async (t) => {
      const { registry, hosts } = await place(t);
      const bin = tempFolder(t);
      const real = (process.env.PATH ?? '').split(':');
      for (const command of ['curl', 'tr']) {
        const script = `#!/bin/sh\necho "$0 $*" >>${bin}/commands\nPATH=${real.join(':')} exec ${command} "$@"\n`;
        writeFileSync(join(bin, command), script);
        chmodSync(join(bin, command), 0o755);
      }
      const env = { PATH: [bin, ...real].join(':') };
      assert.equal(await sh(preStop('poll'), { ...hosts, ...tokenFile(t) }, env), 0);
      assert.deepEqual(registry.shown, [`Bearer ${TOKEN}`]);
      const commands = readFileSync(join(bin, 'commands'), 'utf8');
      assert.match(commands, /curl -K - .*-X DELETE/);
      assert.ok(!commands.includes(TOKEN), commands);
    });

    it('brings none where the chart was told to have none', async (t) => {
      const { registry, hosts } = await place(t);
      for (const mode of ['poll', 'agent'] as const) {
        const nacos = container(workload(helm(mode, 'tokens.enabled=false'), 'nacos'), 'nacos');
        assert.equal(await sh(nacos.lifecycle?.preStop.exec.command, hosts), 0);
      }
      assert.deepEqual(registry.shown, [undefined, undefined]);
    });

    it('takes the node off the list of a real server', async (t) => {
      const tokens = parseTokens(`nacos/serverlist:${TOKEN}`);
      const server = await startServer(t, { access: { changeTokens: { tokens, file: undefined } } });
      const members = ['127.0.0.11:8848', '127.0.0.12:8848', '127.0.0.13:8848'];
      const nodes = await bootstrapCluster(t, server, members, () => `&token=${TOKEN}`);
      await live(server, nodes, 1_000);
      let stopped = false;
      const others = (async () => {
        while (!stopped) {
          await server.pass(500);
          await Promise.all(
            members
              .slice(1)
              .map((address) => ask(server, 'POST', pollPath(address, `&token=${TOKEN}`), CURL)),
          );
          await Promise.all(nodes.slice(1).map((node) => node.poll()));
        }
      })();
      const nacos = await Stub.start(t);
      const hosts = { 'address-server:8080': `127.0.0.1:${server.port}`, '127.0.0.1:8848': nacos.host };
      const list = async (): Promise<string> => (await ask(server, 'GET', '/nacos/serverlist', CURL)).body;
      const leave = (text: string): Promise<number> =>
        sh(preStop('poll'), { ...hosts, ...tokenFile(t, text) }, { POD_IP: '127.0.0.11' });
      await leave('wrong-wrong-wrong');
      assert.match(await list(), /127\.0\.0\.11/);
      assert.equal(await leave(TOKEN), 0);
      stopped = true;
      await others;
      assert.equal(await list(), '127.0.0.12:8848\n127.0.0.13:8848\n');
    });
  });
});
