import type { NextFunction, Request, Response } from 'express';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Address } from '../../registry/address.js';
import { requiredToBootstrap } from '../../registry/gate.js';
import { isKnown, keyOf, type Cluster } from '../../registry/cluster.js';
import { pause } from '../../util/pause.js';
import { StoreUnavailable } from '../../registry/interfaces.js';
import type { PollAnswer, PollRequest, RegistryService } from '../../runtime/registry-service.js';
import type { AccessControl } from '../access/access-control.js';
import type { Made } from '../access/newcomers.js';
import { mayComplete } from '../user-agent.js';
import type { PeerState, Connections } from '../transport/connections.js';
import { RequestLog } from '../request-log.js';
import { listBody, listHeaders } from './list-response.js';
import { addressOfSelf, pollOf, type ListReader } from './list-reader.js';
import type { HeldRequests } from '../transport/held-requests.js';
import { targetOf } from './read-list-request.js';
import { refuse, refuseMethod, send, type Problem } from '../reply.js';
import { storeProblem } from '../store-problem.js';
import { codeOfWrong, isRefusedCode } from '../refused-trace.js';
import { isListPath, type ListFormat, type ReadTarget, type ListRequest } from './list-request.js';
import type { RequestKind, Reason } from '../http-observer.js';

const ALLOW = 'GET, HEAD, POST, DELETE';

/** Seconds after which a caller that must wait may ask again. */
const RETRY_AFTER = 2;

/** The parts of the Nacos side. */
export interface NacosSide {
  readonly service: RegistryService;
  readonly access: AccessControl;
  readonly reader: ListReader;
  readonly connections: Connections;
  readonly heldRequests: HeldRequests;
}

/**
 * The slow path of `/{product}/{cluster}`: every request that takes a decision or has an error. It holds back
 * an answer without a list from a Nacos node, whose five tries at start-up come without a pause.
 */
export class NacosRoutes {
  readonly #service: RegistryService;
  readonly #access: AccessControl;
  readonly #reader: ListReader;
  readonly #connections: Connections;
  readonly #heldRequests: HeldRequests;

  constructor({ service, access, reader, connections, heldRequests }: NacosSide) {
    this.#service = service;
    this.#access = access;
    this.#reader = reader;
    this.#connections = connections;
    this.#heldRequests = heldRequests;
  }

  /** Handles requests behind express: those with a body or an error. */
  readonly handle = async (request: Request, response: Response, next: NextFunction): Promise<void> => {
    if (!isListPath(request.url.split('?', 1)[0] ?? '')) return next();
    await this.answer(request, response);
  };

  /** Answers a request for a list's path; at once if it takes no decision. */
  async answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const target = targetOf(request);
    RequestLog.of(response)?.isAboutList(askOf(request, target));
    if (!target.ok) {
      const code = codeOfWrong(request, target.about);
      return this.#refuse(request, response, { status: 400, detail: target.problem, code });
    }
    if (this.#answersAtOnce(request, response, target.value)) return;
    switch (request.method) {
      case 'GET':
        return target.value.self === undefined
          ? this.#list(request, response, target.value)
          : this.#poll(request, response, target.value);
      case 'HEAD':
        return this.#list(request, response, target.value);
      case 'POST':
        return this.#heartbeat(request, response, target.value);
      case 'DELETE':
        return this.#leave(request, response, target.value);
      default:
        return refuseMethod(request, response, ALLOW);
    }
  }

  /** Answers a poll that can be answered at once; false if it could not, and nothing was done. */
  isQuick(request: IncomingMessage, response: ServerResponse): boolean {
    const target = targetOf(request);
    if (!target.ok) return false;
    RequestLog.of(response)?.isAboutList(askOf(request, target));
    return this.#answersAtOnce(request, response, target.value);
  }

  /** Answers polls and heartbeats that came here with their connection as the front door would. */
  #answersAtOnce({ method }: IncomingMessage, response: ServerResponse, target: ListRequest): boolean {
    if (method !== 'GET' && method !== 'POST') return false;
    const caller = this.#connections.callerOf(response.req);
    const found = method === 'GET' ? this.#reader.read(target, caller) : this.#reader.beat(target, caller);
    if (!found) return false;
    sendList(response, found.cluster, target.format, found.live);
    return true;
  }

  /**
   * Answers a request without `self` for a list that does not exist yet; otherwise the hot path would have
   * answered.
   */
  async #list(request: IncomingMessage, response: ServerResponse, target: ListRequest): Promise<void> {
    const { key, name } = target;
    const hold = mayComplete(request) ? 0 : this.#service.rules.pollHold;
    const entry = this.#service.find(name);
    const wasKnown = entry !== undefined && isKnown(entry.cluster);
    const list = await this.#service.awaitCluster(
      key,
      hold,
      this.#heldRequests.of(response),
      RequestLog.of(response),
    );
    if (list) {
      this.#reader.noteSent(this.#connections.callerOf(request), list, undefined);
      return sendList(response, list, target.format);
    }
    const { cluster: newest } = this.#service.find(name) ?? {};
    if (newest && newest.members.size > 0) {
      // The list may have changed on another server: a Nacos node must not get it, people may.
      if (mayComplete(request)) return sendList(response, newest, target.format);
      return refuse(request, response, this.#notNow(this.#service.outOfDate));
    }
    if (!wasKnown) {
      // The official text tells whether the product or the cluster is unknown, but not to callers that may
      // not know which clusters exist.
      const knowsProduct = this.#access.reads === 'open' && this.#service.knowsProduct(key.product);
      const text = `product=${key.product}${knowsProduct ? `,cluster=${key.name}` : ''} not found.`;
      return refuse(request, response, {
        status: 404,
        detail: `${keyOf(key)} has no members: ${text}`,
        text,
        code: 'unknown-cluster',
      });
    }
    const { cluster } = entry;
    if (cluster.damage !== undefined) {
      return refuse(request, response, this.#notNow({ why: 'internal', reason: cluster.damage }));
    }
    const reason = `${name} has no list yet: ${cluster.waiting.size} of ${requiredToBootstrap(cluster)} members wait`;
    refuse(request, response, this.#notNow({ why: 'bootstrapping', reason }));
  }

  async #poll(request: IncomingMessage, response: ServerResponse, target: ListRequest): Promise<void> {
    const caller = this.#connections.callerOf(request);
    const address = this.#speaker(request, target, caller);
    if (typeof address !== 'string') return this.#refuse(request, response, address);
    const refused = this.#refuseNew(request, target, address);
    if (refused) return this.#refuse(request, response, refused);
    const { pollHold } = this.#service.rules;
    const held = performance.now();
    const isNew = !this.#isListed(target, address);
    const poll = await this.#pollOf(request, 'poll', target, address, caller);
    const answer = await this.#service.poll(
      target.key,
      poll,
      pollHold - (performance.now() - held),
      this.#heldRequests.of(response),
      RequestLog.of(response),
    );
    if (isNew) this.#noteHome(target, address, caller);
    if (response.destroyed) return;
    if (answer.type === 'list') {
      const { entry, cluster: list } = answer;
      caller.member = { entry, address };
      entry.delivered(address, list.revision, this.#service.now);
      this.#reader.noteSent(caller, list, address);
      return sendList(response, list, target.format);
    }
    const problem = this.#problemOf(answer);
    await this.#refuse(request, response, problem, pollHold - (performance.now() - held));
  }

  async #heartbeat(request: IncomingMessage, response: ServerResponse, target: ListRequest): Promise<void> {
    const caller = this.#connections.callerOf(request);
    const address = this.#speaker(request, target, caller);
    if (typeof address !== 'string') return refuse(request, response, address);
    const refused = this.#refuseNew(request, target, address);
    if (refused) return refuse(request, response, refused);
    if (target.unhealthy !== undefined)
      return this.#reportUnhealthy(request, response, target, address, target.unhealthy);
    const isNew = !this.#isListed(target, address);
    const poll = await this.#pollOf(request, 'heartbeat', target, address, caller);
    const signal = this.#heldRequests.of(response);
    // A waiting node must come back as often as a Nacos polls, or it counts as gone.
    const hold = Math.min(this.#longestWait(target), this.#service.rules.pollHold);
    const answer = await this.#service.poll(target.key, poll, hold, signal, RequestLog.of(response));
    if (isNew) this.#noteHome(target, address, caller);
    if (response.destroyed) return;
    // Not marked as delivered: a script has the list now, but its Nacos has what it polled itself, or what
    // the next heartbeat reports (`revision`).
    if (answer.type === 'list') return this.#newList(request, response, target, address, answer);
    if (answer.type === 'waiting') {
      return sendWaiting(response, answer.why, answer.reason);
    }
    refuse(request, response, this.#problemOf(answer));
  }

  /**
   * Answers with a listed address's list. While Nacos already has that list, holds the answer until there is
   * another or the wait is over.
   */
  async #newList(
    request: IncomingMessage,
    response: ServerResponse,
    target: ListRequest,
    address: Address,
    { entry, cluster: list }: Extract<PollAnswer, { type: 'list' }>,
  ): Promise<void> {
    const wait = this.#longestWait(target);
    if (target.revision !== list.revision || wait <= 0) return sendList(response, list, target.format);
    const signal = this.#heldRequests.of(response);
    const watch = RequestLog.of(response);
    await this.#service.otherList(entry, address, list.revision, wait, signal, watch);
    if (response.destroyed) return;
    const { members, tombstones } = entry.cluster;
    if (!members.has(address)) {
      const reason = `${address} was just taken off ${target.name}`;
      return sendWaiting(response, tombstones.has(address) ? 'left' : 'gate', reason);
    }
    const other = this.#service.listFor(entry, address);
    if (other) return sendList(response, other, target.format);
    refuse(request, response, this.#notNow(this.#service.outOfDate));
  }

  /**
   * Handles an agent's report that its Nacos does not answer. It gets the list, like every listed member
   * (R2).
   */
  async #reportUnhealthy(
    request: IncomingMessage,
    response: ServerResponse,
    target: ListRequest,
    address: Address,
    problem: string,
  ): Promise<void> {
    const entry = this.#service.find(target.name);
    const refused = await this.#access.refuseWord(
      request,
      entry,
      address,
      'report that its Nacos does not answer',
    );
    if (refused) return refuse(request, response, refused);
    // Each first report takes a decision and an event.
    const often =
      entry && !this.#service.isUnhealthy(entry, address) ? this.#access.refuseOften(request) : undefined;
    if (often) return refuse(request, response, often);
    if (!entry || !this.#service.reportUnhealthy(entry, address, problem)) {
      const detail = `self="${address}" is not listed in ${target.name}; a node that does not answer is not registered`;
      return refuse(request, response, { status: 404, detail, code: 'not-listed' });
    }
    const list = this.#service.listFor(entry, address);
    if (!list) return refuse(request, response, this.#notNow(this.#service.outOfDate));
    return this.#newList(request, response, target, address, { type: 'list', entry, cluster: list });
  }

  /** Milliseconds: a heartbeat that is held does not renew the lease meanwhile. */
  #longestWait({ wait }: ListRequest): number {
    return Math.min(wait, this.#service.rules.memberTtl / 2);
  }

  async #leave(request: IncomingMessage, response: ServerResponse, target: ListRequest): Promise<void> {
    const { key, name, wait } = target;
    const address = this.#speaker(request, target, this.#connections.callerOf(request));
    if (typeof address !== 'string') return refuse(request, response, address);
    const entry = this.#service.find(name);
    const refused = await this.#access.refuseWord(request, entry, address, 'take it off');
    if (refused) return refuse(request, response, refused);
    // A member leaves once, while it stops: other requests from its address must not delay that.
    const isListed = entry?.cluster.members.has(address) === true;
    const often = isListed ? undefined : this.#access.refuseOften(request);
    if (often) return refuse(request, response, often);
    try {
      const left = await this.#service.leave(key, address, wait, this.#heldRequests.of(response));
      if (left.refused !== undefined) {
        // A member's own leave is refused only when the cluster is damaged.
        return refuse(request, response, this.#notNow({ why: 'internal', reason: left.refused }));
      }
      if (!left.known) {
        const detail = `self="${address}" is not a member of ${name}, nor did it leave lately; the list is unchanged`;
        return refuse(request, response, { status: 404, detail, code: 'not-listed' });
      }
      const said = `${address} left ${name}, revision ${left.revision}`;
      const lacks = [
        ...(left.pendingMembers.length > 0 ? [`not yet taken up by ${left.pendingMembers.join(', ')}`] : []),
        ...(left.votes.length > 0 ? [`still a voter of ${left.votes.join(', ')}`] : []),
      ];
      if (lacks.length === 0) return send(response, 200, `${said}; every live member has the list\n`);
      send(response, wait > 0 ? 202 : 200, `${said}; ${lacks.join('; ')}\n`);
    } catch (error) {
      if (!(error instanceof StoreUnavailable)) throw error;
      refuse(request, response, storeProblem(error, `${address} was not taken off ${name}`));
    }
  }

  /** The address that a request speaks for, if it may; otherwise the answer, and nothing was changed. */
  #speaker(request: IncomingMessage, target: ListRequest, caller: PeerState): Address | Problem {
    const address = addressOfSelf(target, caller);
    if (address === undefined) {
      const { self } = target;
      if (self?.type === 'either') return { status: 400, code: 'self', detail: self.problem };
      return self === undefined ? SELF_MISSING : CLIENT_UNKNOWN;
    }
    const denial = this.#access.denialOf(target, address, caller);
    if (!denial) return address;
    if (!denial.passes) return this.#access.refuseSpeaking(request, denial);
    this.#access.noted(denial);
    return address;
  }

  /** The poll in a request. A new address that the request does not come from may not name a predecessor. */
  async #pollOf(
    request: IncomingMessage,
    source: 'poll' | 'heartbeat',
    target: ListRequest,
    address: Address,
    caller: PeerState,
  ): Promise<PollRequest> {
    const entry = this.#service.find(target.name);
    if (entry?.cluster.members.has(address)) {
      // The reader recorded this member as heard before it left the decision to this path.
      const isAtHome = this.#access.homes.isHeardAt(entry, address, caller.client);
      return pollOf(address, source, target, caller, this.#access.counts(isAtHome));
    }
    const { id, ...rest } = target;
    const isBelieved = id === undefined || (await this.#access.believes(request, address));
    return pollOf(address, source, isBelieved ? target : rest, caller);
  }

  #isListed({ name }: ListRequest, address: Address): boolean {
    return this.#service.find(name)?.cluster.members.has(address) === true;
  }

  /** Records an address that was not listed as heard, if it is listed or waits now. */
  #noteHome({ name }: ListRequest, address: Address, { client }: PeerState): void {
    const entry = this.#service.find(name);
    if (!entry?.cluster.members.has(address) && !entry?.cluster.waiting.has(address)) return;
    this.#reader.hear(entry, address, client);
  }

  /** Why a new address is refused, if it is. Listed and waiting addresses pass, however often they poll. */
  #refuseNew(request: IncomingMessage, { key, name }: ListRequest, address: Address): Problem | undefined {
    const { members, waiting } = this.#service.find(name)?.cluster ?? {};
    if (members?.has(address) || waiting?.has(address)) return undefined;
    return (
      this.#access.refuseListing(request, [address]) ??
      this.#access.refuseOften(request) ??
      this.#access.refuseMany(request, key, [address], madeOf(this.#service))
    );
  }

  /**
   * Refuses a request. A caller that may be a Nacos node is held as long as at the gate, unless it comes too
   * often.
   */
  async #refuse(
    request: IncomingMessage,
    response: ServerResponse,
    problem: Problem,
    hold: number = this.#service.rules.pollHold,
  ): Promise<void> {
    if (!mayComplete(request) && problem.status !== 429 && hold > 0) {
      const requestLog = RequestLog.of(response);
      requestLog?.begin();
      await pause(hold, this.#heldRequests.of(response));
      requestLog?.end();
    }
    refuse(request, response, problem);
  }

  #problemOf(answer: Exclude<PollAnswer, { type: 'list' }>): Problem {
    if (answer.type !== 'refused') return this.#notNow(answer);
    const { code, reason } = answer;
    if (code === 'damaged') return this.#notNow({ why: 'internal', reason });
    const tooMany = code === 'too-many-addresses' || code === 'too-many-clusters';
    return { status: tooMany ? 507 : 409, detail: reason, ...(isRefusedCode(code) ? { code } : {}) };
  }

  /** A problem that may pass soon: the caller may ask again. */
  #notNow({ why, reason }: { readonly why: Reason; readonly reason: string }): Problem {
    return {
      status: 503,
      detail: reason,
      reason: this.#heldRequests.isOver ? 'stopping' : why,
      retryAfter: RETRY_AFTER,
    };
  }
}

/** Tells what became of the addresses and clusters that a client created. */
export function madeOf(service: RegistryService): Made {
  return {
    isNew(cluster, address) {
      const { members, waiting } = service.find(cluster)?.cluster ?? {};
      return waiting?.has(address) === true || members?.get(address)?.settled === false;
    },
    exists(cluster) {
      const entry = service.find(cluster);
      return entry !== undefined && isKnown(entry.cluster);
    },
  };
}

/** The kind of a request; undefined if it is neither a poll nor a heartbeat. */
function askOf({ method, url = '' }: IncomingMessage, target: ReadTarget): RequestKind | undefined {
  switch (method) {
    case 'GET':
      if (target.ok) return target.value.self === undefined ? 'plain' : 'poll';
      return /[?&]self=/.test(url) ? 'poll' : 'plain';
    case 'HEAD':
      return 'plain';
    case 'POST':
      return 'heartbeat';
    default:
      return undefined;
  }
}

const bodies = new WeakMap<Cluster, Map<ListFormat, Buffer>>();

/** Caches one body for all held requests: each of a thousand members may wait for a list of a thousand. */
function wholeBody(cluster: Cluster, format: ListFormat): Buffer {
  let known = bodies.get(cluster);
  if (!known) bodies.set(cluster, (known = new Map<ListFormat, Buffer>()));
  let body = known.get(format);
  if (!body) known.set(format, (body = Buffer.from(listBody([...cluster.members.keys()], format))));
  return body;
}

function sendList(
  response: ServerResponse,
  cluster: Cluster,
  format: ListFormat,
  addresses?: readonly Address[],
): void {
  const body =
    addresses === undefined ? wholeBody(cluster, format) : Buffer.from(listBody(addresses, format));
  send(response, 200, body, listHeaders(cluster, body, format));
}

/** Answers a heartbeat whose address is not listed yet. */
function sendWaiting(response: ServerResponse, why: 'bootstrapping' | 'gate' | 'left', reason: string): void {
  RequestLog.of(response)?.because(why);
  send(response, 202, `${reason}\n`, { 'Retry-After': String(RETRY_AFTER), 'Address-Server-Waiting': why });
}

const SELF_MISSING: Problem = {
  status: 400,
  code: 'no-self',
  detail: 'self is missing; name the member, as in ?self=10.0.0.5:8848 or ?self=auto',
};

const CLIENT_UNKNOWN: Problem = {
  status: 400,
  code: 'no-self',
  detail:
    'self=auto cannot be resolved: the proxy that the request came through names no client in X-Forwarded-For; name the member, as in ?self=10.0.0.5:8848',
};
