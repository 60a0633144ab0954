import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { TestContext } from 'node:test';
import { voterIn } from '../../src/doctor/groups.js';
import type { RaftCommand } from '../../src/doctor/nacos-api.js';

/** One Raft group, as its leader has it. */
export interface Belief {
  leader: string;
  /** `host:raftPort`. */
  voters: string[];
}

/** The names of the groups of a real Nacos (2.5.1). */
export const GROUPS = ['naming_persistent_service_v2', 'naming_service_metadata', 'naming_instance_metadata'];

/**
 * Nacos nodes as far as they tell what they believe, on real ports of 127.0.0.1: at first each that the others are members
 * too, and in every group the first one the leader and all of them voters. The test lets them believe something else.
 */
export class Believers {
  readonly addresses: string[] = [];
  /** What all of them say of the groups. */
  readonly groups = new Map<string, Belief>();
  /** What a single node says instead. */
  readonly apart = new Map<string, ReadonlyMap<string, Belief>>();
  /** What a single node calls itself, if not by its listed address. */
  readonly names = new Map<string, string>();
  /** What comes of a Raft command that a node is told; resolves with why it cannot carry it out, if it cannot. */
  onCommand: (command: RaftCommand, node: string) => unknown = () => undefined;
  readonly #servers: Server[] = [];

  private constructor() {
    // Made by `start`.
  }

  static async start(t: Pick<TestContext, 'after'>, count: number): Promise<Believers> {
    const all = new Believers();
    for (let i = 0; i < count; i++) {
      const server = createServer((request, response) => {
        const self = all.addresses[i] ?? '';
        let body = '';
        request.on('data', (chunk: Buffer) => (body += chunk.toString()));
        request.on('end', () => {
          if (request.url?.endsWith('/cluster/self')) {
            const address = all.names.get(self) ?? self;
            return void response.end(JSON.stringify({ code: 200, data: { address, state: 'UP' } }));
          }
          if (request.method === 'GET') return void response.end(all.#view(self));
          void Promise.resolve(all.onCommand(JSON.parse(body) as RaftCommand, self)).then((refusal) =>
            response.end(
              JSON.stringify(
                typeof refusal === 'string' ? { code: 500, message: refusal } : { code: 200, data: null },
              ),
            ),
          );
        });
      }).listen(0, '127.0.0.1');
      await once(server, 'listening');
      all.#servers.push(server);
      all.addresses.push(`127.0.0.1:${(server.address() as AddressInfo).port}`);
    }
    t.after(() => {
      for (const server of all.#servers) server.close().closeAllConnections();
    });
    const voters = all.addresses.map(voter);
    for (const name of GROUPS) all.groups.set(name, { leader: voters[0] ?? '', voters: [...voters] });
    return all;
  }

  /** Each of them polls, as the members of one cluster. */
  async poll({ url }: { readonly url: string }): Promise<void> {
    const expect = this.addresses.length;
    for (const self of this.addresses)
      await fetch(`${url}/nacos/serverlist?self=${self}&expect=${expect}`, { method: 'POST' });
  }

  /** Nobody listens on its port any more. */
  stop(index: number): void {
    this.#servers[index]?.close().closeAllConnections();
  }

  /** Sets the voters of every group. */
  vote(voters: readonly string[]): void {
    for (const belief of this.groups.values()) belief.voters = [...voters];
  }

  #view(self: string): string {
    const groups = this.apart.get(self) ?? this.groups;
    const name = this.names.get(self);
    const metaDataMap = Object.fromEntries(
      [...groups].map(([name, { leader, voters }]) => [name, { leader, term: 1, raftGroupMember: voters }]),
    );
    const data = [...this.addresses, ...(name === undefined ? [] : [name])].map((address) => ({
      address,
      state: 'UP',
      extendInfo: {
        version: '2.5.1',
        ...(address === (name ?? self) ? { raftMetaData: { metaDataMap } } : {}),
      },
    }));
    return JSON.stringify({ code: 200, data });
  }
}

/** A member's address in Raft groups. */
export function voter(address: string): string {
  return voterIn(address, 1_000);
}
