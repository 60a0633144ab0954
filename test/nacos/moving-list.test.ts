import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import { runCli } from '../support/cli.js';
import type { ServerProcess } from '../support/process.js';
import { assertRunning, viewOf } from './cluster.js';
import type { NacosNode } from './node.js';
import { nacosTest } from './suite.js';
import { patiently } from './patience.js';

/* docs/moving.md, step by step, for those who serve a list already. */

nacosTest(
  'from a list that nginx or the official address server serves, without a restart of any node',
  { can: ['text lists'] },
  async (cluster, scenario, t) => {
    let served: FileServer;
    let server: ServerProcess;
    const nodes: NacosNode[] = [];

    await scenario('three nodes poll a file', async () => {
      const ports = [await cluster.takePort(), await cluster.takePort(), await cluster.takePort()];
      served = await FileServer.open(await cluster.takePort(), ports);
      t.after(() => served.close());
      for (const port of ports) {
        nodes.push(await cluster.startNode({ port, lookupPort: served.port, query: () => '' }));
      }
      await cluster.agree(nodes);
    });

    await scenario(
      'its URL is imported, and this server takes its port: the nodes notice nothing',
      async () => {
        server = await cluster.startServer();
        const source = `http://127.0.0.1:${served.port}/nacos/serverlist`;
        const ran = await runCli(t, ['import', source, '--yes', '--server', server.url]);
        assert.equal(ran.status, 0, ran.err);
        server.child.kill('SIGTERM');
        await server.exited;
        await served.close();
        server = await cluster.startServer({ port: served.port });
        await patiently('all of them poll it', async () => (await listPolls(server)) >= 6, 500);
        assertRunning(nodes);
        await cluster.agree(nodes);
        const { members, revision } = await viewOf(server);
        assert.deepEqual(
          [members.map(({ source }) => source), revision],
          [['static', 'static', 'static'], 1],
        );
      },
    );

    await scenario('a node that is restarted with self is heard, and can be adopted', async () => {
      nodes[0] = await cluster.restartNode(nodes[0]!, { lookupPort: server.port });
      await cluster.agree(nodes);
      const ran = await runCli(t, ['import', '--adopt', '--yes', '--server', server.url]);
      assert.equal(ran.status, 75, 'two do not say who they are yet');
      const sources = async (): Promise<(string | undefined)[]> => {
        const { members } = await viewOf(server);
        return nodes.map((node) => members.find(({ address }) => address === node.address)?.source);
      };
      await patiently('it is seen to poll', async () => (await sources())[0] === 'poll', 250);
      assert.deepEqual(await sources(), ['poll', 'static', 'static']);
    });
  },
);

/** How many polls without `self` the server has answered with a list. */
async function listPolls({ url }: ServerProcess): Promise<number> {
  const metrics = await (await fetch(`${url}/metrics`)).text();
  return Number(/^address_server_polls_total\{self="none",outcome="list"\} (\d+)/m.exec(metrics)?.[1] ?? 0);
}

/** A list as nginx serves it from a file. */
class FileServer {
  readonly port: number;
  readonly #server: Server;

  private constructor(port: number, server: Server) {
    this.port = port;
    this.#server = server;
  }

  static async open(port: number, members: readonly number[]): Promise<FileServer> {
    const list = members.map((member) => `127.0.0.1:${member}\n`).join('');
    const server = createServer((_, response) => response.end(list)).listen(port, '127.0.0.1');
    await once(server, 'listening');
    return new FileServer(port, server);
  }

  async close(): Promise<void> {
    if (!this.#server.listening) return;
    const closed = once(this.#server, 'close');
    this.#server.close();
    this.#server.closeAllConnections();
    await closed;
  }
}
