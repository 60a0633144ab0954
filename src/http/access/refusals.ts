import type { IncomingMessage } from 'node:http';
import type { Logger } from 'pino';
import type { Problem } from '../reply.js';
import type { RefusalReason } from '../http-observer.js';
import type { ClientAddresses } from './client-address.js';
import { challengeFor } from './credential.js';
import type { AccessDenial } from './denial.js';
import { RateLimit, rateKey } from './rate-limit.js';
import type { AccessSettings } from './settings.js';

/** What access control refuses for. */
export type DenialReason = Extract<RefusalReason, 'token' | 'scope' | 'source' | 'member' | 'rate'>;

/**
 * How many requests without a valid token one address may send at once, and a second for long. Beyond that each is
 * refused at once and without a word in the log. Who sends a valid one is let through all the same: nobody can shut out
 * those who come from the same address, and by the length of a token guessing is hopeless anyway.
 */
const FAILURES = { burst: 30, perSecond: 1 };

/** Changes at once, in seconds of the rate that is allowed for long. */
const BURST = 10;

/** How often at most one address's refusals are logged, a second. */
const LOGGED = { burst: 3, perSecond: 1 / 60 };

/** What is answered to those who are refused; who is refused too often hears less, and sooner. */
export class Refusals {
  readonly #clients: ClientAddresses;
  readonly #log: Logger;
  readonly #onRefused: (because: DenialReason) => void;
  readonly #failures: RateLimit;
  readonly #changes: RateLimit | undefined;
  readonly #logged: RateLimit;

  constructor(
    clients: ClientAddresses,
    { writeRateLimit, now = () => performance.now() }: Pick<AccessSettings, 'writeRateLimit' | 'now'>,
    log: Logger,
    onRefused: (because: DenialReason) => void = () => undefined,
  ) {
    this.#clients = clients;
    this.#log = log;
    this.#onRefused = onRefused;
    this.#failures = new RateLimit({ ...FAILURES, now });
    this.#logged = new RateLimit({ ...LOGGED, now });
    if (writeRateLimit > 0) {
      this.#changes = new RateLimit({ burst: writeRateLimit * BURST, perSecond: writeRateLimit, now });
    }
  }

  /** One is answered all the same, if not as it wanted. */
  noted({ because }: AccessDenial): void {
    this.#onRefused(because);
  }

  /** On the Nacos side: it leaves a trace, and a line in the log by that (refused-trace.ts). */
  of(request: IncomingMessage, denial: AccessDenial): Problem {
    const problem = this.ofOperator(request, denial, false);
    return { code: denial.because, ...problem };
  }

  /** On the operators' side, where people read the answer. */
  ofOperator(
    request: IncomingMessage,
    { because, status, sentence }: AccessDenial,
    isLogged = true,
  ): Problem {
    const client = this.#clientOf(request);
    const wait = this.#failures.take(rateKey(client));
    if (wait > 0) return this.#tooOften(refusedOften(client), wait);
    this.#onRefused(because);
    if (isLogged && this.#logged.take(rateKey(client)) === 0)
      this.#log.warn({ client, reason: sentence }, 'refused');
    return { status, detail: sentence, ...(status === 401 ? { challenge: challengeFor(request) } : {}) };
  }

  /** Counts a change for as many as it names addresses; what is answered when it is too much. */
  ofOften(request: IncomingMessage, addresses = 1): Problem | undefined {
    if (!this.#changes) return undefined;
    const client = this.#clientOf(request);
    const wait = this.#changes.take(rateKey(client), addresses);
    return wait > 0 ? this.#tooOften(changesOften(client), wait) : undefined;
  }

  /** The answer to one that has spent what it may; undefined while there is some left, of which nothing is taken. */
  ofSpent(request: IncomingMessage, what: 'refused' | 'change'): Problem | undefined {
    const client = this.#clientOf(request);
    const wait = (what === 'refused' ? this.#failures : this.#changes)?.wait(rateKey(client)) ?? 0;
    if (wait <= 0) return undefined;
    return this.#tooOften(what === 'refused' ? refusedOften(client) : changesOften(client), wait);
  }

  #tooOften(sentence: string, wait: number): Problem {
    this.#onRefused('rate');
    return {
      status: 429,
      code: 'rate',
      detail: `${sentence}; ask again later`,
      retryAfter: Math.ceil(wait / 1_000),
    };
  }

  #clientOf(request: IncomingMessage): string {
    return this.#clients.of(request) ?? request.socket.remoteAddress ?? '';
  }
}

function refusedOften(client: string): string {
  return `too many requests that are refused come from ${client}`;
}

function changesOften(client: string): string {
  return `too many changes come from ${client} (WRITE_RATE_LIMIT)`;
}
