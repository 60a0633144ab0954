import { boundedText, TooLarge } from '../util/bounded-text.js';
import { httpRequest, requestFailure } from '../util/http-request.js';
import type { Address } from '../registry/address.js';
import { packageVersion } from '../util/package-info.js';
import type { NodeList } from './conf-file.js';
import { withinTime } from './limit.js';
import { readList } from './member-list.js';

/** How long a server may take to answer, in addition to the requested wait. */
const TIMEOUT_MS = 3_000;

/** The largest answer in bytes: 1,000 addresses with the longest names take 270,000. */
const LARGEST_ANSWER = 1 << 20;

/** The node that an agent speaks for, and the servers that it asks. */
export interface Speaker {
  /** Address servers of one registry, tried in turn; each has a path that ends in a slash. */
  readonly servers: readonly URL[];
  /** `product/cluster`. */
  readonly cluster: string;
  readonly self: Address;
  readonly expect?: number | undefined;
  readonly id?: string | undefined;
  /** Called for every request, since the token may be rotated. */
  readonly token: () => string | undefined;
}

export interface Beat {
  /** The revision that this node's Nacos has; 0 for none yet. */
  readonly revision: number;
  /** How long the server may hold its answer while the list stays the same, in milliseconds. */
  readonly wait: number;
  /** Why the member must not be renewed. */
  readonly unhealthy?: string | undefined;
  /** Whether its Nacos was started and has not answered yet: it is alive but cannot take part in Raft. */
  readonly isStarting?: boolean;
}

export type BeatAnswer =
  /** `isHeld`: the server was asked to wait for another list. */
  | { readonly type: 'list'; readonly list: NodeList; readonly isHeld: boolean }
  /** The node is at the gate, or has left. */
  | { readonly type: 'waiting'; readonly why: string; readonly reason: string }
  /** A server refuses the request; repeating it soon changes nothing. */
  | { readonly type: 'refused'; readonly status: number; readonly reason: string }
  /** No server gave a usable answer. */
  | { readonly type: 'unavailable'; readonly reason: string };

/** Speaks for one node to the first server that answers. No method rejects. */
export class RegistryClient {
  readonly #speaker: Speaker;
  /** The index of the server that answered last. */
  #current = 0;
  /**
   * Whether the last request was answered. Only then may a server hold the next one: a server that may be
   * gone must be detected within the slack of a lease.
   */
  #isSure = false;

  constructor(speaker: Speaker) {
    this.#speaker = speaker;
  }

  /** Sends one heartbeat. Aborting the signal ends it early, as unavailable. */
  async beat({ revision, wait, unhealthy, isStarting }: Beat, signal: AbortSignal): Promise<BeatAnswer> {
    const { expect, id } = this.#speaker;
    const query = this.#query({
      ...(unhealthy === undefined ? { revision: String(revision) } : { unhealthy: unhealthy.slice(0, 300) }),
      ...(isStarting && unhealthy === undefined ? { starting: 'true' } : {}),
      ...(expect === undefined ? {} : { expect: String(expect) }),
      ...(id === undefined ? {} : { id }),
    });
    return this.#anywhere('POST', query, wait, signal);
  }

  /** Reads the list without naming the node; any caller may do that. */
  list(signal: AbortSignal): Promise<BeatAnswer> {
    return this.#anywhere('GET', '', 0, signal);
  }

  /** Takes this node off the list. Resolves with the server's sentence, and whether it did. */
  async leave(wait: number, signal: AbortSignal): Promise<{ left: boolean; said: string }> {
    // First make sure that one server knows of the leave; repeating it does no harm.
    const said = await this.#leave(0, signal);
    if (!said.left || wait === 0) return said;
    const waited = await this.#leave(wait, signal);
    return waited.left ? waited : { left: true, said: `${said.said} (then ${waited.said})` };
  }

  async #leave(wait: number, signal: AbortSignal): Promise<{ left: boolean; said: string }> {
    const failures: string[] = [];
    for (const [name, ask] of this.#pipeline('DELETE', this.#query({}), wait, signal)) {
      const said = await ask();
      if (typeof said === 'string') failures.push(`${name} ${said}`);
      else if (said.status < 300 || said.status === 404) return { left: true, said: said.text };
      else if (said.status >= 500) failures.push(`${name} answers ${said.status}: ${said.text}`);
      else return { left: false, said: `${name} answers ${said.status}: ${said.text}` };
    }
    return { left: false, said: failures.join('; ') };
  }

  /**
   * Whether the registry counts this node as settled, from `GET
   * /api/v1/clusters/{product}/{cluster}/members/{address}?settled=true`. Undefined when no server answers.
   */
  async isSettled(signal: AbortSignal): Promise<{ settled: boolean; said: string } | undefined> {
    const { cluster, self } = this.#speaker;
    const path = `api/v1/clusters/${cluster}/members/${encodeURIComponent(self)}?settled=true`;
    for (const [, ask] of this.#pipeline('GET', path, 0, signal, true)) {
      const said = await ask();
      if (typeof said === 'string') continue;
      if (said.status === 200) return { settled: true, said: '' };
      if (said.status === 404 || said.status === 409) return { settled: false, said: said.text };
    }
    return undefined;
  }

  #query(more: Readonly<Record<string, string>>): string {
    // Not URLSearchParams: it encodes a blank as a plus sign, as forms do and URLs do not (RFC 3986).
    const pairs = Object.entries({ self: this.#speaker.self, ...more });
    return `?${pairs.map(([name, value]) => `${name}=${encodeURIComponent(value)}`).join('&')}`;
  }

  async #anywhere(method: string, query: string, wait: number, signal: AbortSignal): Promise<BeatAnswer> {
    const failures: string[] = [];
    for (const [name, ask] of this.#pipeline(method, query, wait, signal)) {
      const said = await ask();
      if (signal.aborted) break;
      const answer = typeof said === 'string' ? said : this.#read(said, wait > 0);
      if (typeof answer !== 'string') return answer;
      failures.push(`${name} ${answer}`);
    }
    return { type: 'unavailable', reason: failures.join('; ') };
  }

  /** Reads an answer, or why it cannot be used. */
  #read({ status, text, revision, waiting, waited }: Said, wantedToWait: boolean): BeatAnswer | string {
    if (status === 202) return { type: 'waiting', why: waiting ?? 'gate', reason: text };
    if (status >= 500 && status !== 507) return `says ${status}: ${text}`;
    if (status !== 200) return { type: 'refused', status, reason: text };
    if (!/^\d{1,15}$/.test(revision ?? '')) {
      return 'answers, but is not an address server of this kind (no Address-Server-Revision header)';
    }
    const addresses = readList(text, this.#speaker.self);
    if (!addresses.ok) return `sent a list that ${addresses.problem}; it is not used`;
    const list = { addresses: addresses.value, revision: Number(revision) };
    return { type: 'list', list, isHeld: waited || !wantedToWait };
  }

  /**
   * Yields each server once, the last one that answered first; the server that answers comes first the next
   * time.
   */
  *#pipeline(
    method: string,
    query: string,
    wait: number,
    signal: AbortSignal,
    isApi = false,
  ): Generator<[string, () => Promise<Said | string>]> {
    const { servers, cluster } = this.#speaker;
    const first = this.#current;
    const inOrder = [...servers.entries()];
    for (const [index, server] of [...inOrder.slice(first), ...inOrder.slice(0, first)]) {
      if (signal.aborted) return;
      const ask = async (): Promise<Said | string> => {
        const waits = this.#isSure && wait > 0 ? wait : 0;
        const more = waits > 0 ? `&wait=${waits}ms` : '';
        const url = new URL(isApi ? query : `${cluster}${query}${more}`, server);
        const said = await this.#ask(method, url, waits, signal);
        const answered = typeof said !== 'string' && said.status < 500;
        if (answered) this.#current = index;
        // An abort by the caller says nothing about the server.
        if (!signal.aborted) this.#isSure = answered;
        return said;
      };
      yield [server.href.slice(0, -1), ask];
    }
  }

  /** A server's answer, or why the request failed. */
  async #ask(method: string, url: URL, wait: number, signal: AbortSignal): Promise<Said | string> {
    const token = this.#speaker.token();
    const headers = {
      accept: 'text/plain, application/json',
      'user-agent': `nacos-address-server-agent/${packageVersion()}`,
      ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
    };
    try {
      const [response, body] = await withinTime(TIMEOUT_MS + wait, signal, async (limit) => {
        const answer = await httpRequest(url, { method, headers, signal: limit });
        return [answer, await boundedText(answer, LARGEST_ANSWER)] as const;
      });
      const isList =
        response.status === 200 && response.headers.get('content-type')?.startsWith('text/plain');
      return {
        status: response.status,
        text: isList ? body : sentenceOf(body, token),
        revision: response.headers.get('address-server-revision'),
        waiting: response.headers.get('address-server-waiting'),
        waited: wait > 0,
      };
    } catch (error) {
      if (error instanceof TooLarge) return `sent far too much: its answer is ${error.message}`;
      if ((error as Error).name === 'TimeoutError')
        return `does not answer within ${(TIMEOUT_MS + wait) / 1_000} s`;
      return `does not answer (${requestFailure(error)})`;
    }
  }
}

interface Said {
  readonly status: number;
  /** A list unchanged; anything else as one line. */
  readonly text: string;
  readonly revision: string | undefined;
  readonly waiting: string | undefined;
  /** Whether the server was asked to hold its answer. */
  readonly waited: boolean;
}

/**
 * The sentence of problem details (RFC 9457), or the text itself, without the token, which a proxy might
 * echo.
 */
function sentenceOf(body: string, token: string | undefined): string {
  let sentence = body;
  try {
    const { detail } = JSON.parse(body) as { detail?: unknown };
    if (typeof detail === 'string') sentence = detail;
  } catch {
    // Not JSON.
  }
  const line = sentence
    .replace(/[\p{Cc}\u2028\u2029]+/gu, ' ')
    .trim()
    .slice(0, 500);
  return token === undefined ? line : line.replaceAll(token, '…');
}
