import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { parse } from 'yaml';
import type { ClusterView } from '../../src/registry/view.js';
import { DOCUMENTS } from '../docs/documents.js';
import { CLI, type ServerProcess } from '../support/process.js';
import { tempFolder } from '../support/temp.js';
import { addressesOf } from './beliefs.js';
import type { Cluster } from './cluster.js';
import { Networks } from './networks.js';
import { clusterConfOf, get, type NacosNode, type NodeNetwork } from './node.js';
import {
  canStart,
  imageCommand,
  imageVariables,
  officialImages,
  type OfficialImage,
} from './official-image.js';
import { patiently } from './patience.js';
import { nacosTest } from './suite.js';

/*
 * docs/moving.md, “The Compose examples of nacos-docker”: the examples and the start script as they are, with nothing changed
 * but what that section says. Compose's part is played here: each container is a network namespace with a name of its own.
 */

const NODES = ['nacos1', 'nacos2', 'nacos3'] as const;
type Name = (typeof NODES)[number];

interface Service {
  readonly environment?: Readonly<Record<string, string>>;
  readonly hostname?: string;
  readonly networks?: Readonly<Record<string, { readonly ipv4_address?: string } | null>>;
  readonly volumes?: readonly string[];
}
type Services = Readonly<Record<string, Service>>;

const images = officialImages();
const unnamed =
  images.length === 0 &&
  'NACOS_DOCKER names no checkout of github.com/nacos-group/nacos-docker (several by colons): nothing mandatory fetches one';
const lacking =
  spawnSync('docker-compose', ['version']).status === 0
    ? undefined
    : 'docker-compose is not on the PATH (Debian: apt-get install docker-compose)';

/** The files of the guide, as its reader saves them. */
function guideFiles(folder: string, names: readonly string[]): string[] {
  const blocks = DOCUMENTS.find(({ file }) => file === 'docs/moving.md')?.blocks ?? [];
  return names.map((name) => {
    const found = blocks.find(({ text }) => text.startsWith(`# ${name}\n`));
    assert.ok(found, `docs/moving.md has ${name}`);
    writeFileSync(join(folder, name), found.text);
    return join(folder, name);
  });
}

/** What Compose makes of an example and files behind it. */
function composed({ folder }: OfficialImage, example: string, ...files: readonly string[]): Services {
  const all = [join(folder, 'example', example), ...files].flatMap((file) => ['-f', file]);
  const { status, stdout, stderr } = spawnSync('docker-compose', [...all, 'config'], { encoding: 'utf8' });
  assert.equal(status, 0, stderr);
  return (parse(stdout) as { services: Services }).services;
}

if (unnamed)
  test('the official image’s start script and Compose examples', { skip: unnamed }, () => undefined);

for (const image of images) {
  test(`nacos-docker ${image.version}: each example, with the guide’s files`, { skip: lacking }, (t) => {
    const folder = tempFolder(t);
    for (const [example, ...names] of [
      ['cluster-hostname.yaml', 'address-server.yaml'],
      ['cluster-embedded.yaml', 'address-server.yaml'],
      ['cluster-ip.yaml', 'address-server.yaml', 'address-server-ip.yaml'],
    ] as const) {
      const before = composed(image, example);
      const after = composed(image, example, ...guideFiles(folder, names));
      assert.deepEqual(Object.keys(after).sort(), ['address-server', ...Object.keys(before)].sort(), example);
      const networks = Object.keys(after['address-server']?.networks ?? {});
      for (const node of NODES) {
        const { environment = {}, ...rest } = after[node]!;
        const { NACOS_SERVERS, ...was } = before[node]?.environment ?? {};
        const self = rest.networks?.nacos_net?.ipv4_address ?? rest.hostname ?? '';
        assert.ok(NACOS_SERVERS?.split(' ').includes(`${self}:8848`), `${example}: ${NACOS_SERVERS}`);
        assert.deepEqual(environment, {
          ...was,
          NACOS_SERVERS: '',
          NACOS_CORE_MEMBER_LOOKUP_TYPE: 'address-server',
          NACOS_CORE_ADDRESS_SERVER_RETRY: '150',
          address_server_domain: 'address-server',
          address_server_port: '8080',
          address_server_url: `/nacos/serverlist?self=${self}:8848&expect=3`,
        });
        assert.deepEqual(
          Object.keys(rest.networks ?? {}),
          networks,
          'the address server is where the nodes are',
        );
        assert.ok(rest.volumes?.some((one) => one.includes(':/home/nacos/data')));
      }
    }
  });

  test(`nacos-docker ${image.version}: without its three variables the start script ends, from 3.x on`, (t) => {
    const home = tempFolder(t);
    const [, ...command] = scriptOf(image, home);
    const run = (more: Record<string, string>): number | null =>
      spawnSync(command[0]!, command.slice(1), {
        cwd: home,
        // In place of Java: what it would have been started with does not matter.
        env: { ...imageVariables(image, home), PATH: process.env.PATH ?? '', JAVA: '/bin/true', ...more },
      }).status;
    const three = { NACOS_AUTH_TOKEN: 'x', NACOS_AUTH_IDENTITY_KEY: 'k', NACOS_AUTH_IDENTITY_VALUE: 'v' };
    assert.equal(run({}), image.version.startsWith('3.') ? 255 : 0);
    assert.equal(run(three), 0);
  });

  nacosTest(
    `started by the script of nacos-docker ${image.version}, by its cluster-embedded.yaml`,
    { can: ['text lists', 'raft views'], lacking: lacking ?? Networks.lacking() },
    async (cluster, scenario) => {
      if (!canStart(image, cluster.version)) return;
      const folder = cluster.folder('containers');
      const networks = Networks.make(3);
      cluster.atEnd(() => networks.remove());
      const place = new Place(cluster, image, networks, folder);
      const example = composed(image, 'cluster-embedded.yaml');
      const ours = composed(image, 'cluster-embedded.yaml', ...guideFiles(folder, ['address-server.yaml']));
      let nodes: NacosNode[] = [];

      await scenario(
        'with the guide’s file three new nodes bootstrap one cluster at their first start',
        async () => {
          await place.startServer();
          nodes = await place.startAll(ours);
          await cluster.agree(nodes);
          const { members, epoch } = await place.view();
          assert.deepEqual(members.map(({ address }) => address).sort(), addressesOf(nodes));
          assert.deepEqual([members.map(({ source }) => source), epoch], [['poll', 'poll', 'poll'], 1]);
        },
      );

      await scenario(
        'one that starts again, its cluster.conf emptied by the script, is in the cluster again',
        async () => {
          const first = nodes[0]!;
          await first.end('SIGTERM');
          nodes[0] = await place.start('nacos1', ours);
          await patiently('it is up', () => nodes[0]!.hasStarted);
          await cluster.agree(nodes);
        },
      );

      await scenario('without the lookup type a first start is a cluster of its own', async () => {
        await Promise.all(nodes.map((node) => node.end('SIGKILL')));
        const { NACOS_CORE_MEMBER_LOOKUP_TYPE: _, ...environment } = ours.nacos1?.environment ?? {};
        place.useNewDisks();
        const alone = await place.start('nacos1', { nacos1: { environment } });
        await patiently('it serves', () =>
          alone.members().then(
            ({ length }) => length > 0,
            () => false,
          ),
        );
        assert.deepEqual(await alone.members(), [alone.address]);
        await alone.end('SIGKILL');
      });

      await scenario(
        'the example as it is, imported, and moved node by node with the guide’s file',
        async () => {
          place.useNewDisks();
          await place.startServer();
          nodes = await place.startAll(example);
          await cluster.agree(nodes);
          place.importList(readFileSync(clusterConfOf(nodes[0]!.home), 'utf8'));
          for (const [i, name] of NODES.entries()) {
            await nodes[i]!.end('SIGTERM');
            nodes[i] = await place.start(name, ours);
            await patiently('it is heard', async () => {
              const { members } = await place.view();
              return (
                (members.find(({ address }) => address === nodes[i]!.address)?.silentMs ?? Infinity) < 6_000
              );
            });
            await cluster.agree(nodes);
          }
          const { members, revision } = await place.view();
          assert.deepEqual(members.map(({ address }) => address).sort(), addressesOf(nodes));
          assert.equal(revision, 1, 'the list was the same all along');
        },
      );
    },
  );
}

/** The words of the start script's command, without the shell that writes its output to a file. */
function scriptOf(image: OfficialImage, home: string): string[] {
  // The version of the server does not matter: nothing of it is run.
  const command = imageCommand(image, '2.3.2', home);
  return command.slice(command.indexOf(home));
}

/** Where the containers of one example are: a name and a network for each. */
class Place {
  readonly #cluster: Cluster;
  readonly #image: OfficialImage;
  readonly #networks: Networks;
  readonly #hosts: string;
  readonly #folder: string;
  #server: ServerProcess | undefined;
  #disks = 0;

  constructor(cluster: Cluster, image: OfficialImage, networks: Networks, folder: string) {
    [this.#cluster, this.#image, this.#networks, this.#folder] = [cluster, image, networks, folder];
    this.#hosts = join(folder, 'hosts');
    const lines = NODES.map((name, i) => `${networks.hostAddress(i + 1)} ${name}`);
    const all = ['127.0.0.1 localhost', `${networks.routerAddress} address-server`, ...lines];
    writeFileSync(this.#hosts, `${all.join('\n')}\n`);
  }

  async startServer(): Promise<void> {
    this.#server?.child.kill('SIGTERM');
    await this.#server?.exited;
    this.#server = await this.#cluster.startServer({
      port: 8080,
      file: join(this.#folder, `registry-${this.#disks}.db`),
      through: this.#in(0, 'address-server'),
      args: ['--host', '0.0.0.0'],
    });
  }

  startAll(services: Services): Promise<NacosNode[]> {
    return Promise.all(NODES.map((name) => this.start(name, services)));
  }

  start(name: Name, services: Services): Promise<NacosNode> {
    const home = this.#homeOf(name);
    const { identity } = this.#cluster.traits;
    const environment = {
      ...imageVariables(this.#image, home),
      ...services[name]?.environment,
      // What the examples have is for everybody to replace.
      ...(identity && { NACOS_AUTH_IDENTITY_KEY: identity.key, NACOS_AUTH_IDENTITY_VALUE: identity.value }),
    };
    const through = this.#in(NODES.indexOf(name) + 1, name);
    const network: NodeNetwork = { host: name, through };
    return this.#cluster.startNode({
      lookup: 'environment',
      environment,
      port: 8848,
      home,
      network,
      image: this.#image,
    });
  }

  /** What starts from here on has empty disks, and a server that knows nobody. */
  useNewDisks(): void {
    this.#disks++;
  }

  async view(): Promise<ClusterView> {
    const url = 'http://address-server:8080/api/v1/clusters/nacos/serverlist';
    return JSON.parse(await get(this.#in(0, 'address-server'), url)) as ClusterView;
  }

  /** As the guide has it: in the address server's container, which is given the list. */
  importList(list: string): void {
    const [command = '', ...args] = this.#in(0, 'address-server');
    const { status, stderr } = spawnSync(command, [...args, process.execPath, CLI, 'import', '-', '--yes'], {
      input: list,
      encoding: 'utf8',
    });
    assert.equal(status, 0, stderr);
  }

  #homeOf(name: string): string {
    const home = join(this.#folder, `disks-${this.#disks}`, name);
    mkdirSync(home, { recursive: true });
    return home;
  }

  /** Like a container: a network, a name, and names of the others. */
  #in(network: number, name: string): string[] {
    const script = 'mount --bind "$0" /etc/hosts && hostname "$1" && shift && exec "$@"';
    const around = ['unshare', '--mount', '--uts', 'sh', '-c', script, this.#hosts, name];
    return [...this.#networks.in(network), ...around];
  }
}
