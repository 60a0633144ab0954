import type { IncomingMessage } from 'node:http';
import type { Logger } from 'pino';
import { splitAddress, type Address } from '../../registry/address.js';
import { keyOf, type ClusterKey } from '../../registry/cluster.js';
import { isLoopback } from '../../registry/newcomer.js';
import type { Names } from '../../probe/names.js';
import type { ServedCluster } from '../../runtime/served-cluster.js';
import type { Problem } from '../reply.js';
import type { ListRequest } from '../nacos/list-request.js';
import type { Access, ChangesNeed } from './access.js';
import { Authority } from './authority.js';
import { ClientAddresses } from './client-address.js';
import { headerToken } from './credential.js';
import { Homes } from './homes.js';
import { Newcomers, type Made } from './newcomers.js';
import { sourceDenial, tokenDenial, type AccessDenial, type Source } from './denial.js';
import { rateKey } from './rate-limit.js';
import { Refusals, type DenialReason } from './refusals.js';
import type { AccessSettings } from './settings.js';
import { TokenSource } from './token-source.js';
import { allows, judge, type Grant } from './token.js';

/**
 * Access control, asked before the registry: checks tokens, where a member may speak from, which addresses
 * may be listed, and how often. It never takes a member off its list. A member without a valid token, or from
 * a strange address, still gets the list, as does every anonymous caller. It is not renewed, and operators
 * can see that.
 */
export class AccessControl implements Access {
  readonly #settings: AccessSettings;
  readonly #changes: TokenSource;
  readonly #reads: TokenSource;
  readonly #refusals: Refusals;
  readonly #judged = new WeakMap<ListRequest, { generation: number; denial: AccessDenial | undefined }>();
  #newcomers: Newcomers | undefined;
  readonly #authority: Authority;
  readonly clients: ClientAddresses;
  readonly homes = new Homes();

  /**
   * Reads the token files. `onRefused` is called for every request that is refused here. `names` tells
   * whether a request comes from the host of a member that is listed by name. Throws SettingProblem, with the
   * setting's name.
   */
  constructor(
    settings: AccessSettings,
    log: Logger,
    onRefused?: (because: DenialReason) => void,
    names?: Pick<Names, 'lookup'>,
  ) {
    this.#settings = settings;
    this.clients = new ClientAddresses(settings.trustedProxies);
    this.#authority = new Authority(this.clients, this.homes, names);
    this.#changes = new TokenSource(settings.changeTokens, 'AUTH_TOKEN_FILE', log);
    this.#reads = new TokenSource(settings.readTokens, 'READ_TOKEN_FILE', log);
    this.#refusals = new Refusals(this.clients, settings, log, onRefused);
  }

  /** Reads the token files again now; otherwise that happens every 2 s. */
  async look(): Promise<void> {
    await Promise.all([this.#changes.look(), this.#reads.look()]);
  }

  stop(): void {
    this.#changes.stop();
    this.#reads.stop();
  }

  get changes(): ChangesNeed {
    if (!this.#changes.tokens.isEmpty) return 'token';
    return this.#settings.mode === 'open' ? 'open' : 'local';
  }

  get reads(): 'open' | 'token' {
    return this.#reads.tokens.isEmpty ? 'open' : 'token';
  }

  /**
   * Why a request may not speak for the address that it names. Called at every poll: a URL's token is judged
   * once, and again only after the valid tokens change.
   */
  denialOf(target: ListRequest, address: Address, source: Source): AccessDenial | undefined {
    const denial = this.#changes.tokens.isEmpty ? undefined : this.#tokenDenial(target);
    if (denial && !denial.passes) return denial;
    return (this.#settings.verifySource ? sourceDenial(address, source) : undefined) ?? denial;
  }

  /**
   * Whether to believe a caller about a listed member in more than that it is alive. `isAtHome`: whether the
   * request comes from the member's home.
   */
  counts(isAtHome: boolean): boolean {
    return isAtHome || this.changes !== 'local';
  }

  /**
   * Whether to believe a caller about a new address in more than that it is alive, such as which member it
   * replaces.
   */
  async believes(request: IncomingMessage, address: Address): Promise<boolean> {
    return this.changes !== 'local' || this.#authority.isAt(request, address);
  }

  /**
   * The answer to a report about a member, or a leave, that does not count. `what` names it, as in "take it
   * off".
   */
  async refuseWord(
    request: IncomingMessage,
    entry: ServedCluster | undefined,
    address: Address,
    what: string,
  ): Promise<Problem | undefined> {
    if (this.changes !== 'local') return undefined;
    const denial = await this.#authority.wordDenial(request, entry, address, what);
    return denial && this.#refusals.of(request, denial);
  }

  /**
   * Whether a browser that calls this server by this name is safe from another site's page (known-hosts.ts).
   */
  knowsHost(host: string | undefined): boolean {
    return this.#settings.allowedHosts.includes(host);
  }

  #tokenDenial(target: ListRequest): AccessDenial | undefined {
    const { generation, tokens } = this.#changes;
    const known = this.#judged.get(target);
    if (known?.generation === generation) return known.denial;
    const verdict = judge(target.token, target.key, tokens);
    const denial = tokenDenial(verdict, `to change ${target.name}`, 'token=… in the URL', this.#passes);
    this.#judged.set(target, { generation, denial });
    return denial;
  }

  /** Records a denial of a request that is answered all the same, though not always as it wanted. */
  noted(denial: AccessDenial): void {
    this.#refusals.noted(denial);
  }

  /** The answer to a request that may not speak for the member that it names. */
  refuseSpeaking(request: IncomingMessage, denial: AccessDenial): Problem {
    return this.#refusals.of(request, denial);
  }

  /** Why new addresses may not be listed. The registry judges what cannot be a member anywhere. */
  refuseListing(request: IncomingMessage, addresses: readonly Address[]): Problem | undefined {
    const own = addresses.find((address) => isLoopback(splitAddress(address).host));
    if (own !== undefined && !this.#authority.isHere(request)) {
      const sentence = `${own} may not be listed: it is a loopback address, which every machine has, and the request comes from another machine; name the node as the others reach it`;
      return this.#refusals.of(request, { because: 'member', status: 403, sentence, passes: false });
    }
    const { allowedMembers } = this.#settings;
    const strange = allowedMembers && addresses.find((address) => !allowedMembers.includes(address));
    if (strange === undefined) return undefined;
    const sentence = `${strange} may not be listed: it is in none of the networks of ALLOWED_MEMBERS`;
    return this.#refusals.of(request, { because: 'member', status: 403, sentence, passes: false });
  }

  /**
   * Counts the new addresses of a client without a token; why they are too many. `made` tells what became of
   * earlier ones.
   */
  refuseMany(
    request: IncomingMessage,
    key: ClusterKey,
    addresses: readonly Address[],
    made: Made,
  ): Problem | undefined {
    const { clientAddresses, clientClusters } = this.#settings;
    if (this.changes === 'token' || clientAddresses + clientClusters === 0) return undefined;
    this.#newcomers ??= new Newcomers({ addresses: clientAddresses, clusters: clientClusters }, made);
    const client = this.clients.of(request) ?? request.socket.remoteAddress ?? '';
    const sentence = this.#newcomers.take(rateKey(client), keyOf(key), addresses);
    return sentence === undefined ? undefined : { status: 507, code: 'too-many-of-one', detail: sentence };
  }

  /**
   * Why a caller that may make changes must not make so many. Polls and heartbeats of members do not count as
   * changes.
   */
  refuseOften(request: IncomingMessage): Problem | undefined {
    return this.#refusals.ofOften(request);
  }

  /**
   * The refusal of a change before its body is read, if its client has sent too much already and would be
   * refused whatever the body holds. Counts nothing.
   */
  refuseUnread(request: IncomingMessage): Problem | undefined {
    return this.#refusals.ofSpent(request, this.#objectsToAnyChange(request) ? 'refused' : 'change');
  }

  refuseChange(request: IncomingMessage, key: ClusterKey, addresses = 1): Problem | undefined {
    const denial = this.#changeDenial(request, key);
    if (denial && !denial.passes) return this.#refusals.ofOperator(request, denial);
    return this.#refusals.ofOften(request, addresses);
  }

  /** Whether a request may not change any cluster. */
  #objectsToAnyChange(request: IncomingMessage): boolean {
    switch (this.changes) {
      case 'open':
        return false;
      case 'local':
        return this.#authority.operatorDenial(request) !== undefined;
      case 'token': {
        const verdict = judge(headerToken(request), undefined, this.#changes.tokens);
        return !this.#passes && (verdict === 'missing' || verdict === 'unknown');
      }
    }
  }

  #changeDenial(request: IncomingMessage, key: ClusterKey): AccessDenial | undefined {
    switch (this.changes) {
      case 'open':
        return undefined;
      case 'local':
        return this.#authority.operatorDenial(request);
      case 'token': {
        const verdict = judge(headerToken(request), key, this.#changes.tokens);
        return tokenDenial(verdict, `to change ${keyOf(key)}`, 'Authorization: Bearer …', this.#passes);
      }
    }
  }

  refuseRead(request: IncomingMessage, what: ClusterKey | 'all' | 'any'): Problem | undefined {
    if (this.reads === 'open') return undefined;
    const key = typeof what === 'string' ? undefined : what;
    // A right to change a cluster includes reading about it.
    const verdict = judge(headerToken(request), key, this.#reads.tokens, this.#changes.tokens);
    if (verdict === 'elsewhere' && what === 'any') return undefined;
    const aim = key ? `to read about ${keyOf(key)}` : 'to read this';
    const denial = tokenDenial(verdict, aim, 'Authorization: Bearer …', false);
    return denial && this.#refusals.ofOperator(request, denial);
  }

  seesReasons(request: IncomingMessage, key: ClusterKey): boolean {
    // A caller that got past a read token has shown one.
    if (this.reads === 'token' || this.#authority.isHere(request)) return true;
    return this.#readGrants(request).some((grant) => allows(grant, key));
  }

  readsAll(request: IncomingMessage): boolean {
    return this.reads === 'open' || this.#readGrants(request).some((grant) => allows(grant, undefined));
  }

  readable(request: IncomingMessage): (key: ClusterKey) => boolean {
    let grants: readonly Grant[] = [];
    let judgedAt = -1;
    return (key) => {
      if (this.reads === 'open') return true;
      // A stream outlives a token that is removed.
      const generation = this.#reads.generation + this.#changes.generation;
      if (generation !== judgedAt) {
        grants = this.#readGrants(request);
        judgedAt = generation;
      }
      return grants.some((grant) => allows(grant, key));
    };
  }

  stillReads(request: IncomingMessage): boolean {
    return this.reads === 'open' || this.#readGrants(request).length > 0;
  }

  #readGrants(request: IncomingMessage): readonly Grant[] {
    const token = headerToken(request) ?? '';
    return [this.#reads, this.#changes].flatMap(({ tokens }) => tokens.grantOf(token) ?? []);
  }

  get #passes(): boolean {
    return this.#settings.mode === 'warn';
  }
}
