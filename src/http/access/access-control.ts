import type { IncomingMessage } from 'node:http';
import type { Logger } from 'pino';
import { addressOf, canonical, splitAddress, type Address } from '../../registry/address.js';
import { keyOf, type ClusterKey } from '../../registry/cluster.js';
import type { Problem } from '../reply.js';
import type { Target } from '../target.js';
import type { Access } from './access.js';
import { ClientAddresses } from './client-address.js';
import { challengeFor, headerToken } from './credential.js';
import type { AccessSettings } from './settings.js';
import { TokenSource } from './token-source.js';
import type { Verdict } from './token.js';

/** Why a request may not speak for the member that it names. */
export interface Objection {
  readonly status: 401 | 403;
  readonly sentence: string;
  /** Whether it is only noted, and the request goes on (AUTH_MODE=warn). */
  readonly passes: boolean;
}

/** Where a request comes from, as its connection knows it. */
interface Source {
  /** Undefined when a proxy does not say. */
  readonly client: string | undefined;
  /** The address that was last found to be the connection's own; a note of the check of the source. */
  ownAddress?: Address;
}

/**
 * Who may do what: tokens, where a member may speak from, and which addresses may be listed. It is asked before the
 * registry. Nothing of it takes a member off its list: one that speaks without a valid token, or from a strange address,
 * still gets the list, as everybody does who does not say who he is. It is not renewed, and that is made visible.
 */
export class AccessControl implements Access {
  readonly #settings: AccessSettings;
  readonly #changes: TokenSource;
  readonly #reads: TokenSource;
  readonly #judged = new WeakMap<Target, { generation: number; objection: Objection | undefined }>();
  readonly clients: ClientAddresses;

  /** Reads the token files. Throws SettingProblem, with the setting's name. */
  constructor(settings: AccessSettings, log: Logger) {
    this.#settings = settings;
    this.clients = new ClientAddresses(settings.trustedProxies);
    this.#changes = new TokenSource(settings.changeTokens, 'AUTH_TOKEN_FILE', log);
    this.#reads = new TokenSource(settings.readTokens, 'READ_TOKEN_FILE', log);
  }

  /** Reads the token files again now; otherwise that is done every 2 s. */
  async look(): Promise<void> {
    await Promise.all([this.#changes.look(), this.#reads.look()]);
  }

  stop(): void {
    this.#changes.stop();
    this.#reads.stop();
  }

  get changes(): 'open' | 'token' {
    return this.#changes.tokens.isEmpty ? 'open' : 'token';
  }

  get reads(): 'open' | 'token' {
    return this.#reads.tokens.isEmpty ? 'open' : 'token';
  }

  /**
   * Why a request may not speak for the address that it names. Asked at every poll: a URL's token is judged once, and
   * once more when other tokens have become valid.
   */
  objectionTo(target: Target, address: Address, source: Source): Objection | undefined {
    const objection = this.changes === 'open' ? undefined : this.#objectionToToken(target);
    if (objection && !objection.passes) return objection;
    return (this.#settings.strictSource ? objectionToSource(address, source) : undefined) ?? objection;
  }

  #objectionToToken(target: Target): Objection | undefined {
    const { generation, tokens } = this.#changes;
    const known = this.#judged.get(target);
    if (known?.generation === generation) return known.objection;
    const verdict = tokens.judge(target.token, target.key);
    const objection =
      verdict === 'granted'
        ? undefined
        : { ...problemOf(verdict, `to change ${target.name}`, 'token=… in the URL'), passes: this.#passes };
    this.#judged.set(target, { generation, objection });
    return objection;
  }

  get #passes(): boolean {
    return this.#settings.mode === 'warn';
  }

  /** Why addresses may not be listed that are not listed yet. */
  refuseListing(addresses: readonly Address[]): Problem | undefined {
    const { allowedMembers } = this.#settings;
    const strange = allowedMembers && addresses.find((address) => !allowedMembers.includes(address));
    if (strange === undefined) return undefined;
    return {
      status: 403,
      detail: `${strange} may not be listed: it is in none of the networks of ALLOWED_MEMBERS`,
    };
  }

  refuseChange(request: IncomingMessage, key: ClusterKey): Problem | undefined {
    if (this.changes === 'open') return undefined;
    const verdict = this.#changes.tokens.judge(headerToken(request), key);
    if (verdict === 'granted' || this.#passes) return undefined;
    return challenged(request, problemOf(verdict, `to change ${keyOf(key)}`, 'Authorization: Bearer'));
  }

  refuseRead(request: IncomingMessage, what: ClusterKey | 'all' | 'any'): Problem | undefined {
    if (this.reads === 'open') return undefined;
    const key = typeof what === 'string' ? undefined : what;
    const verdict = this.#judgeRead(headerToken(request), key);
    if (verdict === 'granted' || (verdict === 'elsewhere' && what === 'any')) return undefined;
    const aim = key ? `to read about ${keyOf(key)}` : 'to read here';
    return challenged(request, problemOf(verdict, aim, 'Authorization: Bearer'));
  }

  readable(request: IncomingMessage): (key: ClusterKey) => boolean {
    if (this.reads === 'open') return () => true;
    const token = headerToken(request);
    return (key) => this.#judgeRead(token, key) === 'granted';
  }

  /** Who may change a cluster may read about it. */
  #judgeRead(token: string | undefined, key: ClusterKey | undefined): Verdict {
    const verdict = this.#reads.tokens.judge(token, key);
    if (verdict === 'granted' || verdict === 'missing') return verdict;
    const other = this.#changes.tokens.judge(token, key);
    return other === 'unknown' ? verdict : other;
  }
}

function problemOf(
  verdict: Exclude<Verdict, 'granted'>,
  aim: string,
  how: string,
): Omit<Objection, 'passes'> {
  switch (verdict) {
    case 'missing':
      return { status: 401, sentence: `a token is needed ${aim}, and none was given; send ${how}` };
    case 'unknown':
      return { status: 401, sentence: `the token that was given ${aim} is not valid, or no more` };
    case 'elsewhere':
      return { status: 403, sentence: `the token that was given ${aim} is for another cluster` };
  }
}

/** What is answered to an objection. */
export function challenged(
  request: IncomingMessage,
  { status, sentence }: Omit<Objection, 'passes'>,
): Problem {
  return {
    status,
    detail: sentence,
    ...(status === 401 ? { challenge: challengeFor(request) } : {}),
  };
}

/** MEMBER_SOURCE=strict. A host name cannot be checked without trusting whoever answers for names. */
function objectionToSource(address: Address, source: Source): Objection | undefined {
  if (source.ownAddress === address) return undefined;
  const { client } = source;
  const { port } = splitAddress(address);
  if (client !== undefined && canonical(addressOf(client, port)) === canonical(address)) {
    source.ownAddress = address;
    return undefined;
  }
  const from = client === undefined ? 'an address that its proxy does not name' : client;
  return {
    status: 403,
    sentence: `self="${address}" is not where the request comes from, ${from}, as MEMBER_SOURCE=strict demands; use self=auto`,
    passes: false,
  };
}
