import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import {
  container,
  environment,
  missingTools,
  overlay,
  TOKEN,
  workload,
  type Mode,
} from '../deploy/render.js';
import { startCli, type ServerProcess } from '../support/process.js';
import { addressesOf, groupsOf } from './beliefs.js';
import { eventsOf, listOf, type Cluster } from './cluster.js';
import type { NacosNode } from './node.js';
import { endWithThisProcess } from '../support/processes.js';
import { nacosTest, type Needs, type Scenario } from './suite.js';
import { tempFolder } from '../support/temp.js';
import { patiently } from './patience.js';

/*
 * The environment that the manifests of deploy/kubernetes set, given to real Nacos nodes. Kubernetes' part is played
 * here: the pod's address is 127.0.0.1, each node has a port of its own for 8848, and the Service is the server's port.
 */

/** The manifests' probes ask what 2.x answers. */
const NEEDS: Needs = { can: ['v1 API', 'text lists'], lacking: missingTools };

/** A container's variables as they would be in the pod `nacos-PORT`, without the Secret, which is about Nacos's own MySQL. */
function variables(mode: Mode, of: string, port: number, server: ServerProcess): Record<string, string> {
  const all = overlay(mode);
  const { env = [] } = container(workload(all, 'nacos'), of);
  const pod = { 'status.podIP': '127.0.0.1', 'metadata.name': `nacos-${port}` };
  const entries = Object.entries(environment(all, { env }, pod)).map(([name, value]) => {
    if (name === 'address_server_domain') return [name, value.replace('address-server', '127.0.0.1')];
    if (name === 'address_server_port') return [name, value.replace('8080', String(server.port))];
    return [name, here(value, port, server)];
  });
  return Object.fromEntries(entries) as Record<string, string>;
}

/** A server that takes the manifests' token, and the file that a Secret is to the nodes. */
async function startGuarded(t: TestContext, cluster: Cluster): Promise<ServerProcess> {
  tokenFile = join(tempFolder(t), 'token');
  writeFileSync(tokenFile, TOKEN);
  return cluster.startServer({ args: ['--auth-token', `nacos/serverlist:${TOKEN}`] });
}
let tokenFile = '';

/** A text of the manifest with this machine's ports and files. */
function here(text: string, port: number, server: ServerProcess): string {
  return text
    .replaceAll('/run/address-server/token', tokenFile)
    .replaceAll('address-server:8080', `127.0.0.1:${server.port}`)
    .replaceAll('127.0.0.1:8848', `127.0.0.1:${port}`)
    .replaceAll('$POD_IP:8848', `$POD_IP:${port}`);
}

/** Runs a command of the Nacos container; gives its exit status. */
function run(
  command: readonly string[] | undefined,
  port: number,
  server: ServerProcess,
  mode: Mode,
): Promise<number | null> {
  const [shell = '', flag = '', script = ''] = command ?? [];
  const env = { PATH: process.env.PATH ?? '', no_proxy: '*', ...variables(mode, 'nacos', port, server) };
  return new Promise((resolve) => {
    const child = execFile(shell, [flag, here(script, port, server)], { env }, () => resolve(child.exitCode));
    endWithThisProcess(child);
  });
}

/** What both modes of the Deployment promise, once three nodes have been started. */
async function formOneCluster(
  cluster: Cluster,
  scenario: Scenario,
  mode: Mode,
  server: () => ServerProcess,
  start: () => Promise<NacosNode[]>,
): Promise<void> {
  let nodes: NacosNode[] = [];
  const nacos = container(workload(overlay(mode), 'nacos'), 'nacos');

  await scenario(`three nodes with the variables of the overlay ${mode} form one cluster`, async () => {
    nodes = await start();
    await cluster.agree(nodes);
    assert.deepEqual(await listOf(server()), addressesOf(nodes));
    const events = await eventsOf(server());
    assert.equal(events.filter(({ type }) => type === 'bootstrapped').length, 1);
  });

  await scenario('each is ready in the eyes of its readiness probe', async () => {
    const { exec, httpGet } = nacos.readinessProbe!;
    for (const node of nodes) {
      if (httpGet !== undefined) assert.equal((await fetch(node.url + httpGet.path)).status, 200);
      else assert.equal(await run(exec?.command, node.port, server(), mode), 0);
    }
  });

  await scenario('preStop takes a node off the list and out of Raft while it still runs', async () => {
    const [leaver, ...rest] = nodes as [NacosNode, ...NacosNode[]];
    const command = nacos.lifecycle?.preStop.exec.command;
    const before = await groupsOf(nodes);
    await run(command, leaver.port, server(), mode);
    assert.deepEqual(await listOf(server()), addressesOf(rest));
    assert.ok(leaver.isRunning);
    // Raft has had 3 s already, which six nodes on two cores may need more than twice.
    // A group that just then elects its leader anew, on a busy machine, loses the removal: the registry finishes that when the
    // node has ended.
    await patiently(
      'no group has it as a voter, unless it has elected since',
      async () =>
        [...(await groupsOf(nodes))].every(
          ([name, { voters, term }]) => !voters.includes(leaver.voter) || term !== before.get(name)?.term,
        ),
      100,
    );
    assert.ok(leaver.isRunning);
    await leaver.end('SIGTERM');
    await cluster.agree(rest);
  });
}

nacosTest('as deploy/kubernetes/overlays/poll starts it', NEEDS, async (cluster, scenario, t) => {
  const server = await startGuarded(t, cluster);
  await formOneCluster(
    cluster,
    scenario,
    'poll',
    () => server,
    async () => {
      const nodes: NacosNode[] = [];
      for (let i = 0; i < 3; i++) {
        const port = await cluster.takePort();
        const environment = variables('poll', 'nacos', port, server);
        assert.equal(
          environment.address_server_url,
          `/nacos/serverlist?self=127.0.0.1:${port}&expect=3&id=nacos-${port}&token=${TOKEN}`,
        );
        nodes.push(await cluster.startNode({ port, lookup: 'environment', environment }));
      }
      return nodes;
    },
  );
});

nacosTest('as deploy/kubernetes/overlays/agent starts it', NEEDS, async (cluster, scenario, t) => {
  const server = await startGuarded(t, cluster);
  await formOneCluster(
    cluster,
    scenario,
    'agent',
    () => server,
    async () => {
      const ports = [await cluster.takePort(), await cluster.takePort(), await cluster.takePort()];
      // The gate opens when all three wait.
      await Promise.all(ports.map((port) => startSidecar(t, cluster, server, port)));
      const nodes: NacosNode[] = [];
      for (const port of ports) {
        const environment = variables('agent', 'nacos', port, server);
        nodes.push(await cluster.startNode({ port, lookup: 'environment', environment }));
      }
      return nodes;
    },
  );
});

/** Starts the agent as the overlay does, and waits as Kubernetes does: until its startup probe has answered. */
async function startSidecar(
  t: TestContext,
  cluster: Cluster,
  server: ServerProcess,
  port: number,
): Promise<void> {
  const sidecar = container(workload(overlay('agent'), 'nacos'), 'agent');
  const env = variables('agent', 'agent', port, server);
  const status = (await cluster.takePort()).toString();
  env.AGENT_CLUSTER_CONF = join(cluster.homeOf(port), 'conf', 'cluster.conf');
  env.AGENT_LISTEN = `127.0.0.1:${status}`;
  assert.equal(env.AGENT_SELF, `127.0.0.1:${port}`);
  cluster.folder(`node-${port}/conf`);
  const agent = startCli(t, sidecar.args ?? [], { env });
  endWithThisProcess(agent.child);
  // Before the folder goes that it writes to.
  cluster.atEnd(() => agent.child.kill('SIGKILL'));
  await patiently('the startup probe of the sidecar answers', async () => {
    if (agent.child.exitCode !== null) throw new Error(`the agent ended: ${agent.stderr()}${agent.stdout()}`);
    const path = sidecar.startupProbe?.httpGet?.path ?? '';
    const answer = await fetch(`http://127.0.0.1:${status}${path}`).catch(() => undefined);
    return answer?.ok === true;
  });
}
