import type { IncomingMessage } from 'node:http';
import type { Logger } from 'pino';
import type { Address } from '../registry/address.js';
import { isKnown, keyOf } from '../registry/cluster.js';
import { REFUSED_CODES, type RefusedCode } from '../registry/refused.js';
import { unexpandedIn } from '../registry/unexpanded.js';
import { printable } from '../util/printable.js';
import type { ServedCluster } from '../runtime/served-cluster.js';
import type { Noted } from '../runtime/refused-callers.js';
import type { RegistryService } from '../runtime/registry-service.js';
import type { ClientAddresses } from './access/client-address.js';
import type { AccessDenial } from './access/denial.js';
import { RateLimit, rateKey } from './access/rate-limit.js';
import { isFromBrowser } from './browser.js';
import { readTarget } from './nacos/read-list-request.js';

/** A refusal that leaves a trace; see Problem. */
export interface Traced {
  readonly code: RefusedCode;
  readonly detail: string;
}

/** After how long a caller that goes on is logged again. */
const TOLD_AGAIN_MS = 3_600_000;

/** How many characters to keep of a caller's text, and of a sentence that quotes it. */
const MOST_SENT = 120;
const MOST_SAID = 400;

/**
 * Limits on log lines and events: the burst, and the rate a second. No source uses up another's share, and no
 * number of sources fills the log or pushes real events out of the history (1,000 events a cluster, 100,000
 * in all).
 */
const LINES = { ofSource: { burst: 5, perSecond: 1 / 600 }, ofAll: { burst: 20, perSecond: 1 / 60 } };
const EVENTS = {
  ofSource: { burst: 3, perSecond: 1 / 3_600 },
  ofCluster: { burst: 5, perSecond: 1 / 3_600 },
  ofAll: { burst: 50, perSecond: 1 / 600 },
};

/**
 * Records a refused caller in three places: among the refused callers (runtime/refused-callers.ts), in the
 * log, at most once an hour, and as an event of the cluster that it named, if that exists.
 */
export class RefusedTrace {
  readonly #service: RegistryService;
  readonly #clients: ClientAddresses;
  readonly #log: Logger;
  readonly #lines: Limits<'ofSource' | 'ofAll'>;
  readonly #events: Limits<'ofSource' | 'ofCluster' | 'ofAll'>;
  #untold = 0;

  constructor(service: RegistryService, clients: ClientAddresses, log: Logger) {
    this.#service = service;
    this.#clients = clients;
    this.#log = log;
    const now = (): number => service.monotonic;
    const limit = (rate: { burst: number; perSecond: number }): RateLimit => new RateLimit({ ...rate, now });
    this.#lines = { ofSource: limit(LINES.ofSource), ofAll: limit(LINES.ofAll) };
    this.#events = {
      ofSource: limit(EVENTS.ofSource),
      ofCluster: limit(EVENTS.ofCluster),
      ofAll: limit(EVENTS.ofAll),
    };
  }

  /** Records a refused request. */
  readonly refused = (request: IncomingMessage, { code, detail }: Traced): void => {
    // A person who looks for something else in a browser sees the error anyway, and the browser also asks for
    // icons.
    if ((code === 'path' || code === 'unknown-cluster') && isFromBrowser(request.headers)) return;
    const target = readTarget(request);
    const { name, self: named } = target.ok ? target.value : { name: target.name };
    const entry = name === undefined ? undefined : this.#service.find(name);
    const known = entry && isKnown(entry.cluster) ? entry : undefined;
    const self = sentSelf(request.url ?? '');
    const from = this.#clients.of(request);
    const address = named?.type === 'address' ? named.address : undefined;
    const refusal = {
      from,
      source: rateKey(from ?? request.socket.remoteAddress ?? ''),
      self: self === undefined ? undefined : shown(self, MOST_SENT),
      path: shown((request.url ?? '').split('?', 1)[0] ?? '', MOST_SENT),
      code,
      reason: shown(detail, MOST_SAID),
    };
    const { refused } = this.#service;
    const isInName =
      address !== undefined && request.method !== 'DELETE' && known?.cluster.members.has(address) === true;
    const noted = isInName
      ? refused.noteInName(refusal, known, address)
      : refused.note(refusal, known && name);
    this.#tell(noted, known, address);
  };

  /**
   * Records a poll or heartbeat in a listed member's name that was denied. It gets the list all the same, and
   * mostly has no other effect.
   */
  answered(entry: ServedCluster, address: Address, denial: AccessDenial, client: string | undefined): void {
    const { product, name } = entry.cluster;
    const refusal = {
      from: client,
      source: rateKey(client ?? ''),
      self: address,
      path: `/${product}/${name}`,
      code: denial.because,
      reason: denial.sentence,
    };
    const noted = this.#service.refused.noteInName(refusal, entry, address);
    // With AUTH_MODE=warn the denial is shown, but nothing was refused.
    if (!denial.passes) this.#tell(noted, entry, address);
  }

  /**
   * Records that two callers take turns in the name of one address, the other one from `home`. Both are
   * answered, since this server cannot know which of them is the node.
   */
  sameSelf(entry: ServedCluster, address: Address, client: string | undefined, home: string): void {
    const { product, name } = entry.cluster;
    const from = client ?? 'an address that its proxy does not name';
    const refusal = {
      from: client,
      source: rateKey(client ?? ''),
      self: address,
      path: `/${product}/${name}`,
      code: 'same-self',
      reason: `self="${address}" comes from ${from}, and by turns from ${home}: each node must name itself in its URL (or one node is behind two addresses)`,
    } as const;
    this.#tell(this.#service.refused.note(refusal, keyOf(entry.cluster)), entry, address);
  }

  #tell(noted: Noted, entry: ServedCluster | undefined, address: Address | undefined): void {
    const now = this.#service.monotonic;
    const isNew = noted.toldAt === undefined;
    if (noted.toldAt !== undefined && now - noted.toldAt < TOLD_AGAIN_MS) return;
    noted.toldAt = now;
    const { from: client, source, self, path, code, times, reason } = noted;
    const cluster = entry && `${entry.cluster.product}/${entry.cluster.name}`;
    if (take(this.#lines, { ofSource: source, ofAll: '' })) {
      const untold = this.#untold === 0 ? {} : { untold: this.#untold };
      this.#untold = 0;
      const what = code === 'same-self' ? 'two callers send the same self' : 'refused';
      this.#log.warn({ client, cluster, self, path, code, times, reason, ...untold }, what);
    } else this.#untold++;
    if (!isNew || !entry || cluster === undefined) return;
    if (!take(this.#events, { ofSource: `${source} ${cluster}`, ofCluster: cluster, ofAll: '' })) return;
    const who = client ?? 'a caller that its proxy does not name';
    const as = self === undefined ? '' : `, self=${JSON.stringify(self)}`;
    this.#service.recordRefused(entry, `${who}${as}: ${reason}`, address);
  }
}

type Limits<N extends string> = Readonly<Record<N, RateLimit>>;

/** Takes a token from each limit, or from none. */
function take<N extends string>(limits: Limits<N>, keys: Readonly<Record<N, string>>): boolean {
  const names = Object.keys(keys) as N[];
  if (names.some((name) => limits[name].wait(keys[name]) > 0)) return false;
  for (const name of names) limits[name].take(keys[name]);
  return true;
}

const CODES = new Set<string>(REFUSED_CODES);

/**
 * Whether a refusal of the registry is the fault of the caller, and not of an operator or of the registry.
 */
export function isRefusedCode(code: string): code is RefusedCode {
  return CODES.has(code);
}

/** Why a request with a wrong path or parameter cannot be read. */
export function codeOfWrong({ url = '' }: IncomingMessage, about: string): RefusedCode {
  if (about === 'path' || about === 'product' || about === 'cluster') return 'path';
  if (about !== 'self') return 'parameter';
  const self = sentSelf(url) ?? '';
  // An address without a host comes from an empty variable.
  return unexpandedIn(self) !== undefined || /^(?::\d*)?$/.test(self) ? 'unexpanded' : 'self';
}

/** The first `self` in a URL, as far as it can be read. */
function sentSelf(url: string): string | undefined {
  const raw = /[?&]self=([^&]*)/.exec(url)?.[1];
  if (raw === undefined) return undefined;
  try {
    return decodeURIComponent(raw);
  } catch {
    return raw;
  }
}

/**
 * A caller's text as operators see it: printable, shortened, and without a token or password, which it
 * contains if a user wrote `?` for `&`, or another URL in place of an address. Returns a copy, since a slice
 * would keep the whole text in memory.
 */
export function shown(text: string, most: number): string {
  const safe = printable(text.slice(0, 4 * most))
    .replace(/(token|password|secret)((?:=|%3d)+)[^&\s"\\]+/gi, '$1$2…')
    .replace(/\/\/[^/@\s"]+@/g, '//…@');
  const cut = safe.length > most ? `${safe.slice(0, most - 1)}…` : safe;
  return Buffer.from(cut).toString();
}
