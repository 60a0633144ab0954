import { Agent, get } from 'node:http';

/** Clusters, and members of each. */
export const CLUSTERS = 1_000;
export const SIZE = 10;

/** What a Nacos 2.5.1 sends with every poll (Host aside), so no server is asked anything unreal. */
export const NACOS_HEADERS: Readonly<Record<string, string>> = {
  'Accept-Charset': 'UTF-8',
  'Content-Type': 'application/json;charset=UTF-8',
  'User-Agent': 'Java/17.0.15',
  Accept: 'text/html, image/gif, image/jpeg, */*; q=0.2',
  Connection: 'keep-alive',
};

/** Clusters whose members register at the same time. */
const AT_ONCE = 32;

export function clusterPath(cluster: number): string {
  return `/nacos/c${String(cluster).padStart(3, '0')}`;
}

/** The members that a benchmark has poll. */
export interface Fleet {
  readonly clusters: number;
  /** Members of each. */
  readonly size: number;
  /** Their main port. */
  readonly port: number;
}

/** Where nothing answers: a member that is asked by the doctor refuses at once. */
export const FLEET: Fleet = { clusters: CLUSTERS, size: SIZE, port: 8848 };

/** Where the addresses of a fleet begin: 127.1.0.0, of which each member has one. 127.0.0.0/8 is this machine's. */
const FIRST = 1 << 16;

/** Every member has an address of its own. */
export function addressOf(cluster: number, member: number, { size, port }: Fleet = FLEET): string {
  const n = FIRST + cluster * size + member;
  return `127.${n >> 16}.${(n >> 8) & 255}.${n & 255}:${port}`;
}

/** `token`: of a server that asks for one. */
export function pollPath(cluster: number, member: number, token?: string, fleet: Fleet = FLEET): string {
  const path = `${clusterPath(cluster)}?self=${addressOf(cluster, member, fleet)}&expect=${fleet.size}`;
  return token === undefined ? path : `${path}&token=${token}`;
}

export function allPollPaths(): string[] {
  return range(CLUSTERS).flatMap((cluster) => range(SIZE).map((member) => pollPath(cluster, member)));
}

/** A cluster's list in any order, as it is compared. */
export function sortedList(text: string): string {
  return text.split('\n').sort().join('\n');
}

export function expectedList(cluster: number, fleet: Fleet = FLEET): string {
  return range(fleet.size)
    .map((member) => `${addressOf(cluster, member, fleet)}\n`)
    .join('');
}

/** Has all members poll at once, cluster by cluster, as they do when Nacos starts; each cluster bootstraps. */
export async function registerAll(port: number, token?: string, fleet: Fleet = FLEET): Promise<void> {
  const agent = new Agent({ keepAlive: true });
  const clusters = range(fleet.clusters);
  try {
    await Promise.all(
      range(AT_ONCE).map(async () => {
        for (let cluster = clusters.pop(); cluster !== undefined; cluster = clusters.pop()) {
          const paths = range(fleet.size).map((member) => pollPath(cluster, member, token, fleet));
          await Promise.all(paths.map((path) => untilListed(port, path, agent, fleet.size)));
        }
      }),
    );
  } finally {
    agent.destroy();
  }
}

/** A poll at the gate is held and then cut short; Nacos tries again, and so does this. */
async function untilListed(port: number, path: string, agent: Agent, size: number): Promise<void> {
  let problem: unknown;
  for (let tries = 0; tries < 50; tries++) {
    try {
      const { status, body } = await ask(port, path, agent);
      if (status === 200 && body.split('\n').length === size + 1) return;
      problem = new Error(`status ${status}: ${body}`);
    } catch (error) {
      problem = error;
    }
  }
  throw new Error(`${path} was not listed`, { cause: problem });
}

export interface Answer {
  readonly status: number;
  readonly body: string;
}

export function ask(port: number, path: string, agent?: Agent, method = 'GET'): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const request = get(
      { host: '127.0.0.1', port, path, method, headers: NACOS_HEADERS, agent },
      (response) => {
        let body = '';
        response.setEncoding('utf8');
        response.on('data', (text: string) => (body += text));
        response.once('end', () => resolve({ status: response.statusCode ?? 0, body }));
        response.once('error', reject);
      },
    );
    request.once('error', reject);
  });
}

export function range(length: number): number[] {
  return Array.from({ length }, (_, index) => index);
}
