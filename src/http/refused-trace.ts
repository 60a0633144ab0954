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

/** What a refusal leaves a trace of; see Problem. */
export interface Traced {
  readonly code: RefusedCode;
  readonly detail: string;
}

/** After how long a caller that goes on is told to the log again. */
const TOLD_AGAIN_MS = 3_600_000;

/** Characters that are kept of what a stranger sent, and of a sentence that quotes it. */
const MOST_SENT = 120;
const MOST_SAID = 400;

/**
 * Lines of the log, and events: at once, and a second for long. One source takes none from the others, and no number of them
 * fills the log, or pushes out of the history (1,000 events a cluster, 100,000 in all) what happened.
 */
const LINES = { ofSource: { burst: 5, perSecond: 1 / 600 }, ofAll: { burst: 20, perSecond: 1 / 60 } };
const EVENTS = {
  ofSource: { burst: 3, perSecond: 1 / 3_600 },
  ofCluster: { burst: 5, perSecond: 1 / 3_600 },
  ofAll: { burst: 50, perSecond: 1 / 600 },
};

/**
 * What a refused caller leaves: a note among the refused callers (runtime/refused-callers.ts), a line in the log, which comes
 * again once an hour at most, and an event of the cluster that it named, if there is such a cluster.
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

  /** A request is refused. */
  readonly refused = (request: IncomingMessage, { code, detail }: Traced): void => {
    // Who looks for something else with a browser reads what is wrong, and asks for icons besides.
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

  /** A poll or heartbeat in a listed member's name gets its list in spite of an objection, and mostly has no other effect. */
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
    // With AUTH_MODE=warn it is shown, and nothing was refused.
    if (!denial.passes) this.#tell(noted, entry, address);
  }

  /**
   * Two callers speak in the name of one address by turns, the other from `home`. Each is answered: which of them is the node
   * is not known here.
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

/** Takes one of each, or none. */
function take<N extends string>(limits: Limits<N>, keys: Readonly<Record<N, string>>): boolean {
  const names = Object.keys(keys) as N[];
  if (names.some((name) => limits[name].wait(keys[name]) > 0)) return false;
  for (const name of names) limits[name].take(keys[name]);
  return true;
}

const CODES = new Set<string>(REFUSED_CODES);

/** Whether what the registry refuses for is a caller's fault, and not an operator's or its own. */
export function isRefusedCode(code: string): code is RefusedCode {
  return CODES.has(code);
}

/** Why a request cannot be read, when its target is wrong in the path or in a parameter. */
export function codeOfWrong({ url = '' }: IncomingMessage, about: string): RefusedCode {
  if (about === 'path' || about === 'product' || about === 'cluster') return 'path';
  if (about !== 'self') return 'parameter';
  const self = sentSelf(url) ?? '';
  // Without a host it was a variable that was empty.
  return unexpandedIn(self) !== undefined || /^(?::\d*)?$/.test(self) ? 'unexpanded' : 'self';
}

/** What was given as `self` first, as well as it can be read. */
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
 * A stranger's text as operators see it: printable, cut, and without the token or password that stands in it when somebody
 * wrote `?` for `&`, or another URL in place of an address. A copy: a part of it would keep the whole in memory.
 */
export function shown(text: string, most: number): string {
  const safe = printable(text.slice(0, 4 * most))
    .replace(/(token|password|secret)((?:=|%3d)+)[^&\s"\\]+/gi, '$1$2…')
    .replace(/\/\/[^/@\s"]+@/g, '//…@');
  const cut = safe.length > most ? `${safe.slice(0, most - 1)}…` : safe;
  return Buffer.from(cut).toString();
}
