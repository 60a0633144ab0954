import { z } from 'zod';
import { withinTime } from '../agent/limit.js';
import { TooLarge } from '../util/bounded-text.js';
import { requestFailure } from '../util/http-request.js';
import { parseAddress, splitAddress, type Address } from '../registry/address.js';
import { commandPath, CONTEXT_PATH } from './command-path.js';
import type { NacosIdentity } from './identity.js';
import type { Names } from '../probe/names.js';
import { askNode, type NodeAnswer, type NodeRequest } from './node-request.js';
import { isRead, type GroupCopy, type NodeView, type Reading } from './node-view.js';
import type { SameText } from './same-text.js';

/** How to reach Nacos nodes over HTTP. */
export interface NacosOptions {
  /** The header `nacos.core.auth.server.identity.key` and its value, if Nacos requires a login. */
  readonly identity?: NacosIdentity | undefined;
  /** The first segment of the list's path, which may be Nacos's context path. */
  readonly product?: string | undefined;
  /** Milliseconds that a node may take to answer. */
  readonly timeout: number;
  /** Resolves host names; the system's resolver by default, which blocks a thread meanwhile. */
  readonly names?: Pick<Names, 'lookup'>;
  /** Aborts when this server stops. */
  readonly signal?: AbortSignal | undefined;
}

/**
 * Paths of a node's view and of its own name, below the context path: of 1.4.x and 2.x, and of 3.x for
 * administrators.
 */
const VIEW_PATHS = [
  { view: '/v1/core/cluster/nodes?withInstances=false', self: '/v1/core/cluster/self' },
  { view: '/v3/admin/core/cluster/node/list', self: '/v3/admin/core/cluster/node/self' },
] as const;

/**
 * Path at which a 2.x lists the addresses of the members that it considers up, and nothing else
 * (`NacosClusterController.listSimpleNodes`, `ServerMemberManager.memberAddressInfos`).
 */
const ADDRESSES_PATH = '/v1/core/cluster/simple/nodes';

/**
 * Versions whose own entry is the same in the short answer and in the whole view (same text seen with 2.3.2).
 * Not 1.4.2, whose view forgets it at each poll.
 */
const TELLS_SHORTLY = /^2\.[1-9]/;

/** Default time limit for reading a node, in milliseconds. */
export const READ_TIMEOUT_MS = 3_000;

/**
 * The largest whole answer, in bytes: sixty members with eight groups each send some 700 kB. Parsing it
 * blocks the event loop.
 */
const LARGEST = 1_048_576;

/** The largest answer about a node itself, in bytes. It has the node's groups but none of its members'. */
const LARGEST_SELF = 262_144;

/** The largest answer to a command, in bytes. */
const LARGEST_RESULT = 65_536;

/** The longest name or message, in characters, and the most members or voters in one answer. */
const LONGEST = 300;
const MOST = 2_000;

/** The most Raft groups in one answer. Nacos 2.5 has seven, 3.x some more. */
const MOST_GROUPS = 64;

const name = z.string().max(LONGEST);
const group = z.object({
  leader: name.nullish(),
  term: z.number().nullish(),
  raftGroupMember: z.array(name).max(MOST).nullish(),
});

/** A node's entry for itself. Its entries for others are ignored: they are read from those nodes. */
const own = z.object({
  version: name.nullish(),
  raftMetaData: z.object({ metaDataMap: z.unknown() }).nullish(),
});

/** The used part of a whole answer. */
interface Told {
  readonly members: readonly string[];
  readonly version: string | undefined;
  readonly groups: ReadonlyMap<string, GroupCopy>;
}

/** Reads a node's view: its members, version and Raft groups. Never rejects. */
export async function readNode(address: Address, options: NacosOptions): Promise<Reading> {
  const contextPaths = contextPathsOf(options);
  for (const contextPath of contextPaths) {
    for (const { view, self } of VIEW_PATHS) {
      const got = await ask(address, contextPath + view, options, {});
      if (typeof got === 'string')
        return { address, reason: got, ...(got.startsWith(TOO_LARGE) ? { isTooLarge: true } : {}) };
      if ('ours' in got) return { address, reason: got.ours, isOurs: true };
      const { status, text, clockAhead } = got;
      if (status === 200) {
        const name = await nameOf(address, contextPath + self, options);
        const told = viewIn(name ?? address, text);
        if (typeof told === 'string') return { address, reason: told };
        const node = viewOf(address, name, told, clockAhead);
        return contextPath === CONTEXT_PATH ? node : { ...node, contextPath };
      }
      if (status === 401 || status === 403)
        return { address, reason: `it answers ${status}: its API requires a login (NACOS_IDENTITY)` };
      // 404 and 410 mean another version's path or another context path; any other status is this version's
      // answer.
      if (status !== 404 && status !== 410) return { address, reason: `it answers ${status}` };
    }
  }
  const below = contextPaths.map((contextPath) => contextPath || '/').join(', ');
  return {
    address,
    reason: `it answers 404 to the paths of Nacos 1.4 to 3 below the context paths ${below}`,
  };
}

/** What is known of a node and its cluster before the node is read again. */
export interface Known {
  /** The node's reading at the last look. */
  readonly before: Reading | undefined;
  /** Addresses on the list. */
  readonly listed: ReadonlySet<Address>;
  /** Whether the last look found nothing and the cluster has not changed since. */
  readonly isQuiet: boolean;
  /** On the examiner's clock, in milliseconds. */
  readonly now: number;
  readonly same: SameText;
}

/**
 * How long a whole answer is good in a quiet cluster, and how long an answer that was too large is not asked
 * for again.
 */
const WHOLE_AGAIN_MS = 110_000;
const LARGE_AGAIN = 600_000;

/**
 * Reads a node like {@link readNode}, but uses two short answers on one connection if the node was read
 * before and nothing new is expected. The whole answer has every member's view of every group, so it grows
 * with the square of their number. Short answers miss only an additional member that the node considers down;
 * the whole one shows it every two minutes, or at once when anything in the cluster changes. Never rejects.
 */
export async function readAgain(address: Address, options: NacosOptions, known: Known): Promise<Reading> {
  const { before, isQuiet, now } = known;
  const age = now - (before?.wholeAt ?? -Infinity);
  const isLarge = before && (isRead(before) ? before.isLarge : before.isTooLarge);
  if (before && (isLarge ? age < LARGE_AGAIN : isQuiet && isRead(before) && age < WHOLE_AGAIN_MS)) {
    const short = await readShort(address, options, known);
    if (short) return { ...short, wholeAt: before.wholeAt };
    if (isLarge && !isRead(before)) return before;
  }
  const whole = await readNode(address, options);
  if (isRead(whole) || !whole.isTooLarge) return { ...whole, wholeAt: now };
  return { ...((await readShort(address, options, { ...known, before: whole })) ?? whole), wholeAt: now };
}

/**
 * A reading from the short answers. Undefined if they are not those of a 2.x, or would hide what a whole
 * answer shows.
 */
async function readShort(
  address: Address,
  options: NacosOptions,
  { before, listed, same }: Known,
): Promise<Reading | undefined> {
  const view = before && isRead(before) ? before : undefined;
  if (view?.version !== undefined && !TELLS_SHORTLY.test(view.version)) return undefined;
  const contextPath = view?.contextPath ?? CONTEXT_PATH;
  const got = await askAll(address, options, [
    { path: contextPath + VIEW_PATHS[0].self, largest: LARGEST_SELF },
    { path: contextPath + ADDRESSES_PATH, largest: LARGEST_SELF },
  ]);
  if (typeof got === 'string') return got.startsWith(TOO_LARGE) ? undefined : { address, reason: got };
  if ('ours' in got) return { address, reason: got.ours, isOurs: true };
  const told = shortlyTold(got.answers, same);
  if (!told) return undefined;
  const { name, version, groups, up } = told;
  // A node that changed its own name gets the whole read.
  if (view && name !== (view.otherName ?? address)) return undefined;
  const expected = view && !view.isLarge ? new Set(view.members) : listed;
  if ((view && !view.isLarge && up.size !== expected.size) || [...expected].some((one) => !up.has(one)))
    return undefined;
  return {
    address,
    ...(name === address ? {} : { otherName: name }),
    version,
    ...(contextPath === CONTEXT_PATH ? {} : { contextPath }),
    members: view && !view.isLarge ? view.members : told.members,
    groups,
    clockAhead: got.clockAhead,
    ...(view && !view.isLarge ? {} : { isLarge: true }),
  };
}

const shortSelf = z.object({
  data: z.object({
    address: name,
    extendInfo: z.object({ version: name, raftMetaData: z.object({ metaDataMap: z.null() }) }),
  }),
});
const upAddresses = z.object({ data: z.array(name).max(MOST) });

function shortlyTold([self, list]: readonly NodeAnswer[], same: SameText) {
  if (self?.status !== 200 || list?.status !== 200) return undefined;
  try {
    const { members, up } = same.of(list.text, (text) => {
      const { data } = upAddresses.parse(JSON.parse(text));
      return { members: data, up: new Set(data) };
    });
    const cut = same.cut(self.text, 'metaDataMap', (text) => groupsIn(JSON.parse(text)));
    if (!cut || typeof cut.value === 'string') return undefined;
    const { address, extendInfo } = shortSelf.parse(JSON.parse(cut.rest)).data;
    const { version } = extendInfo;
    if (!TELLS_SHORTLY.test(version) || !parseAddress(address).ok) return undefined;
    return { name: address, version, groups: cut.value, members, up };
  } catch {
    return undefined;
  }
}

/**
 * Context paths at which a node may have its API. Nacos itself polls `{contextPath}/serverlist`, so the
 * list's product may be the context path.
 */
function contextPathsOf({ product }: NacosOptions): string[] {
  return [...new Set([CONTEXT_PATH, ...(product === undefined ? [] : [`/${product}`]), ''])];
}

const selfAnswer = z.object({ data: z.object({ address: name }) });

/** A node's own name; undefined if it does not say. */
async function nameOf(address: Address, path: string, options: NacosOptions): Promise<string | undefined> {
  const got = await ask(address, path, options, { largest: LARGEST_SELF });
  if (typeof got === 'string' || 'ours' in got || got.status !== 200) return undefined;
  try {
    const said = selfAnswer.safeParse(JSON.parse(got.text)).data?.data.address;
    // The name is shown to people and becomes part of Raft commands, so it must be a valid address.
    return said !== undefined && parseAddress(said).ok ? said : undefined;
  } catch {
    return undefined;
  }
}

/** The own name of the node at an address; undefined if it does not say. Never rejects. */
export async function nameAt(address: Address, options: NacosOptions): Promise<string | undefined> {
  for (const contextPath of contextPathsOf(options)) {
    for (const { self } of VIEW_PATHS) {
      const name = await nameOf(address, contextPath + self, options);
      if (name !== undefined) return name;
    }
  }
  return undefined;
}

/** A Raft command of Nacos's operations API, with the names of its JRaftOps. */
export interface RaftCommand {
  readonly command: 'removePeer' | 'restRaftCluster' | 'resetPeers';
  /** One voter, or all voters, separated by commas. */
  readonly value: string;
  /** Every group if absent. */
  readonly groupId?: string | undefined;
}

/** A node's answer to a command. Whether the command worked shows only when the groups are read again. */
export interface CommandResult {
  readonly done: boolean;
  /** Why it was not done, as the end of a sentence. */
  readonly reason: string;
}

/** Sends a command to a node, which may take `options.timeout`. Never rejects. */
export async function sendCommand(
  { address, version, contextPath = CONTEXT_PATH }: Pick<NodeView, 'address' | 'version' | 'contextPath'>,
  command: RaftCommand,
  options: NacosOptions,
): Promise<CommandResult> {
  const got = await ask(address, contextPath + commandPath(version), options, {
    method: 'POST',
    body: JSON.stringify(command),
    largest: LARGEST_RESULT,
  });
  if (typeof got === 'string') return { done: false, reason: got };
  if ('ours' in got) return { done: false, reason: got.ours };
  const { status, text } = got;
  const code = codeIn(text);
  if (status === 200 && (code?.code === 200 || code?.code === 0)) {
    return { done: true, reason: '' };
  }
  const said = code?.message ? `: ${code.message.slice(0, LONGEST)}` : '';
  return { done: false, reason: `it answers ${status === 200 ? `code ${code?.code}` : status}${said}` };
}

const result = z.object({ code: z.number().nullish(), message: z.string().nullish() });

function codeIn(text: string): z.output<typeof result> | undefined {
  try {
    return result.safeParse(JSON.parse(text)).data;
  } catch {
    return undefined;
  }
}

const OTHER = 'its answer is not that of a Nacos';

/**
 * Parses a whole view. It counts members before it parses them, since a listed address may send any number.
 */
function viewIn(self: string, text: string): Told | string {
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch {
    return 'its answer is not JSON';
  }
  const data = (json as { data?: unknown } | null)?.data;
  if (!Array.isArray(data)) return OTHER;
  if (data.length > MOST) return `it reports ${data.length} members, more than ${MOST}`;
  const members: string[] = [];
  let found: unknown;
  for (const member of data as ({ address?: unknown; extendInfo?: unknown } | null)[]) {
    const told = member?.address;
    if (typeof told !== 'string' || told.length > LONGEST) return OTHER;
    members.push(told);
    if (told === self) found ??= member?.extendInfo;
  }
  const read = own.nullish().safeParse(found);
  if (!read.success) return OTHER;
  const groups = groupsIn(read.data?.raftMetaData?.metaDataMap);
  return typeof groups === 'string' ? groups : { members, version: read.data?.version ?? undefined, groups };
}

const groupsOf = z.record(name, group).nullish();

/** A node's copies of its groups, or why they are rejected. */
function groupsIn(map: unknown): ReadonlyMap<string, GroupCopy> | string {
  const count = typeof map === 'object' && map !== null ? Object.keys(map).length : 0;
  if (count > MOST_GROUPS) return `it reports ${count} Raft groups, more than ${MOST_GROUPS}`;
  const read = groupsOf.safeParse(map);
  if (!read.success) return OTHER;
  // Most groups have the same voters, so equal lists are kept once.
  const shared = new Map<string, readonly string[]>();
  const share = (voters: readonly string[]): readonly string[] => {
    const key = voters.join();
    const known = shared.get(key);
    if (!known) shared.set(key, voters);
    return known ?? voters;
  };
  return new Map(
    Object.entries(read.data ?? {}).map(([name, { leader, term, raftGroupMember }]): [string, GroupCopy] => [
      name,
      { leader: leader || undefined, term: term ?? 0, voters: share(raftGroupMember ?? []) },
    ]),
  );
}

function viewOf(
  address: Address,
  name: string | undefined,
  { members, version, groups }: Told,
  clockAhead: number | undefined,
): NodeView {
  return {
    address,
    ...(name === undefined || name === address ? {} : { otherName: name }),
    version,
    members,
    groups,
    clockAhead,
  };
}

interface Got {
  readonly status: number;
  readonly text: string;
  readonly clockAhead: number | undefined;
}

interface GotAll {
  readonly answers: readonly NodeAnswer[];
  readonly clockAhead: number | undefined;
}

/** Why this server could not send the request. It says nothing about the node. */
interface NotAsked {
  readonly ours: string;
}

/**
 * How much this process may overrun a node's time limit, in milliseconds. A larger delay was the process's
 * own.
 */
const LATE = 500;

/** Error codes of this machine, not of the node (probe/tcp.ts). */
const OURS: ReadonlySet<string> = new Set([
  ...['EMFILE', 'ENFILE', 'ENOBUFS', 'ENOMEM', 'EADDRNOTAVAIL', 'EADDRINUSE', 'EACCES', 'EPERM', 'EINVAL'],
  ...[
    'ENETDOWN',
    'ENETUNREACH',
    'ENOTFOUND',
    'EAI_AGAIN',
    'EAI_FAIL',
    'EAI_MEMORY',
    'EAI_NODATA',
    'EAI_SYSTEM',
  ],
]);

type Question = Pick<NodeRequest, 'path'> & Partial<Omit<NodeRequest, 'path' | 'headers'>>;

/** Sends one request: its answer, or why there is none. */
async function ask(
  address: Address,
  path: string,
  options: NacosOptions,
  question: Omit<Question, 'path'>,
): Promise<Got | NotAsked | string> {
  const got = await askAll(address, options, [{ path, ...question }]);
  if (typeof got === 'string' || 'ours' in got) return got;
  const { answers, clockAhead } = got;
  const [answer] = answers;
  return answer ? { ...answer, clockAhead } : 'it does not answer';
}

/**
 * Sends requests on one connection. Returns at least one answer, fewer than requests if the node closes the
 * connection early.
 */
async function askAll(
  address: Address,
  { identity, timeout, names, signal }: NacosOptions,
  questions: readonly Question[],
): Promise<GotAll | NotAsked | string> {
  const asked = Date.now();
  const began = performance.now();
  try {
    const { host: listed, port } = splitAddress(address);
    const host = listed.replace(/^\[|\]$/g, '');
    const named = await names?.lookup(host);
    if (named && 'problem' in named)
      return { ours: `${host} cannot be reached by its name: ${named.problem}` };
    const place = { host: named?.addresses[0] ?? host, port, called: address };
    const requests = questions.map(({ path, method = 'GET', body, largest = LARGEST }): NodeRequest => ({
      method,
      path,
      headers: {
        accept: 'application/json',
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
        ...(identity ? { [identity.key]: identity.value } : {}),
      },
      body,
      largest,
    }));
    const answers = await withinTime(timeout, signal, (limit) => askNode(place, requests, limit));
    const date = Date.parse(answers[0]?.date ?? '');
    // The header has whole seconds, so half a second is added.
    const took = performance.now() - began;
    const isTold = !Number.isNaN(date) && took <= timeout + LATE;
    const clockAhead = isTold ? date + 500 - (asked + Date.now()) / 2 : undefined;
    return { answers, clockAhead };
  } catch (error) {
    const took = performance.now() - began;
    if (took > timeout + LATE)
      return { ours: `this server was too busy to read its answer for ${Math.round(took)} ms` };
    if (OURS.has(codeOf(error as Error)))
      return { ours: `this server could not ask it (${requestFailure(error)})` };
    if ((error as Error).name === 'TimeoutError') return `it does not answer within ${timeout / 1_000} s`;
    if (error instanceof TooLarge) return `${TOO_LARGE} ${error.message}`;
    return `it does not answer (${requestFailure(error)})`;
  }
}

/** How the reason begins if an answer is too large. */
const TOO_LARGE = 'its answer is';

function codeOf(error: NodeJS.ErrnoException): string {
  return error.code ?? '';
}
