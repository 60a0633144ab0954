import { createServer } from 'node:http';
import type { Socket } from 'node:net';
import { addressOf, range, type Fleet } from './members.js';

/*
 * A process of its own that answers as all Nacos nodes of a fleet, each at its own address: what a healthy 2.5.1 says of
 * itself and of its members (NacosClusterController). SIGUSR2 prints how often it was asked, by path.
 */

/** Raft groups of a 2.5.1 that keeps its data itself. */
const GROUPS = [
  'nacos_config',
  'naming_instance_metadata',
  'naming_persistent_service',
  'naming_persistent_service_v2',
  'naming_service_metadata',
];

const fleet = JSON.parse(process.argv[2] ?? '') as Fleet;
const { size, port } = fleet;

interface Answers {
  readonly nodes: Buffer;
  readonly simple: Buffer;
  /** Of each member. */
  readonly self: readonly Buffer[];
}

/** Made when they are first asked for: those of 300 members are large. */
const known = new Map<number, Answers>();

function answersOf(cluster: number): Answers {
  let answers = known.get(cluster);
  if (!answers) {
    const addresses = range(size).map((member) => addressOf(cluster, member, fleet));
    const voters = addresses.map((address) => address.replace(/\d+$/, String(port - 1_000)));
    const metaData = Object.fromEntries(
      GROUPS.map((name, at) => [name, { leader: voters[at % size], raftGroupMember: voters, term: 3 }]),
    );
    const members = addresses.map((address) => ({
      ip: address.split(':')[0],
      port,
      state: 'UP',
      extendInfo: {
        lastRefreshTime: 1_700_000_000_000,
        raftMetaData: { metaDataMap: metaData },
        raftPort: String(port - 1_000),
        readyToUpgrade: true,
        version: '2.5.1',
      },
      address,
      failAccessCnt: 0,
      abilities: { remoteAbility: { supportRemoteConnection: true, grpcReportEnabled: true } },
      grpcReportEnabled: true,
    }));
    const told = (data: unknown): Buffer => Buffer.from(JSON.stringify({ code: 200, message: null, data }));
    answers = { nodes: told(members), simple: told(addresses), self: members.map(told) };
    known.set(cluster, answers);
  }
  return answers;
}

const asked: Record<string, number> = {};

/** Which member is meant by an address of this machine; see members.ts. */
function memberAt({ localAddress = '' }: Socket): number {
  const [, a = 0, b = 0, c = 0] = localAddress.split('.').map(Number);
  return ((a << 16) | (b << 8) | c) - (1 << 16);
}

const server = createServer((request, response) => {
  const path = (request.url ?? '').split('?', 1)[0] ?? '';
  const n = memberAt(request.socket);
  asked[path] = (asked[path] ?? 0) + 1;
  const { nodes, simple, self } = answersOf(Math.floor(n / size));
  const body = path.endsWith('/cluster/self')
    ? self[n % size]
    : path.endsWith('/cluster/nodes')
      ? nodes
      : path.endsWith('/cluster/simple/nodes')
        ? simple
        : undefined;
  if (!body) return response.writeHead(404).end();
  response.writeHead(200, { 'content-type': 'application/json', 'content-length': body.length }).end(body);
});
server.listen(port, '0.0.0.0', 4_096, () => process.stdout.write('LISTENING\n'));
process.on('SIGUSR2', () => process.stdout.write(`ASKED ${JSON.stringify(asked)}\n`));
