import { z } from 'zod';
import { fetchReason } from '../fetch-reason.js';
import type { Address } from '../registry/address.js';

/** What one Nacos node itself believes. */
export interface NodeView {
  readonly address: Address;
  /** Such as `2.5.1`; undefined when it does not say. */
  readonly version: string | undefined;
  /** The members that it believes in, itself included, as it spells them. */
  readonly members: readonly string[];
  /** Its copy of each Raft group; empty where its API does not show any (1.4.x). */
  readonly groups: ReadonlyMap<string, GroupCopy>;
}

/** One node's copy of a Raft group. It may be stale: only that of the leader at the highest term is to be trusted. */
export interface GroupCopy {
  /** `host:raftPort`; it is never cleared when a leader is lost (2.5.1). */
  readonly leader: string | undefined;
  readonly term: number;
  readonly voters: readonly string[];
}

/** A node that cannot be read, and why: a sentence's end. */
export interface Unreadable {
  readonly address: Address;
  readonly reason: string;
}

export interface ReadOptions {
  /** The header `nacos.core.auth.server.identity.key` and its value, where Nacos demands a login. */
  readonly identity?: { readonly key: string; readonly value: string } | undefined;
  /** Milliseconds that a node may take. */
  readonly timeout: number;
}

/** Where nodes tell their view: 1.4.x and 2.x; and 3.x, for administrators. */
const PATHS = ['/nacos/v1/core/cluster/nodes?withInstances=false', '/nacos/v3/admin/core/cluster/node/list'];

const group = z.object({
  leader: z.string().nullish(),
  term: z.number().nullish(),
  raftGroupMember: z.array(z.string()).nullish(),
});

const answer = z.object({
  data: z.array(
    z.object({
      address: z.string(),
      extendInfo: z
        .object({
          version: z.string().nullish(),
          raftMetaData: z.object({ metaDataMap: z.record(z.string(), group).nullish() }).nullish(),
        })
        .nullish(),
    }),
  ),
});

/** Asks a node what it believes. Never rejects. */
export async function readNode(address: Address, options: ReadOptions): Promise<NodeView | Unreadable> {
  let reason = 'it has none of the paths of Nacos 1.4 to 3';
  for (const path of PATHS) {
    const read = await ask(`http://${address}${path}`, options);
    if (typeof read !== 'string') return viewOf(address, read);
    reason = read;
    // Another version's path is not found; anything else is this version's answer.
    if (!read.startsWith('it answers 404') && !read.startsWith('it answers 410')) break;
  }
  return { address, reason };
}

function viewOf(address: Address, { data }: z.output<typeof answer>): NodeView {
  const own = data.find((member) => member.address === address)?.extendInfo;
  const copies = Object.entries(own?.raftMetaData?.metaDataMap ?? {}).map(
    ([name, { leader, term, raftGroupMember }]): [string, GroupCopy] => [
      name,
      { leader: leader ?? undefined, term: term ?? 0, voters: raftGroupMember ?? [] },
    ],
  );
  return {
    address,
    version: own?.version ?? undefined,
    members: data.map((member) => member.address),
    groups: new Map(copies),
  };
}

/** The answer, or why there is none that can be used. */
async function ask(
  url: string,
  { identity, timeout }: ReadOptions,
): Promise<z.output<typeof answer> | string> {
  try {
    const response = await fetch(url, {
      headers: { accept: 'application/json', ...(identity ? { [identity.key]: identity.value } : {}) },
      redirect: 'manual',
      signal: AbortSignal.timeout(timeout),
    });
    const text = await response.text();
    if (response.status === 401 || response.status === 403) {
      return `it answers ${response.status}: its API wants a login (NACOS_IDENTITY)`;
    }
    if (!response.ok) return `it answers ${response.status}`;
    const read = answer.safeParse(JSON.parse(text));
    return read.success ? read.data : 'its answer is not as a Nacos’s';
  } catch (error) {
    const { name } = error as Error;
    if (name === 'TimeoutError') return `it does not answer within ${timeout / 1_000} s`;
    if (name === 'SyntaxError') return 'its answer is no JSON';
    return `it does not answer (${fetchReason(error)})`;
  }
}
