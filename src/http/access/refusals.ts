import type { IncomingMessage } from 'node:http';
import type { Logger } from 'pino';
import type { Problem } from '../reply.js';
import type { RefusalReason } from '../http-observer.js';
import type { ClientAddresses } from './client-address.js';
import { challengeFor } from './credential.js';
import type { AccessDenial } from './denial.js';
import { RateLimit, rateKey } from './rate-limit.js';
import type { AccessSettings } from './settings.js';

/** The reasons for which access control refuses. */
export type DenialReason = Extract<RefusalReason, 'token' | 'scope' | 'source' | 'member' | 'rate'>;

/**
 * How many requests without a valid token one address may send at once, and a second in the long run. Beyond
 * that, each is refused early and without a log line. A request with a valid token always passes, so a caller
 * cannot shut out others at its address. Guessing is hopeless anyway, given the length of tokens.
 */
const FAILURES = { burst: 30, perSecond: 1 };

/** The burst of changes, in seconds of the sustained rate. */
const BURST = 10;

/** How often at most the refusals of one address are logged, a second. */
const LOGGED = { burst: 3, perSecond: 1 / 60 };

/** The answers to refused requests. A client that is refused too often gets shorter answers, and earlier. */
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

  /** Records a denial of a request that is answered all the same. */
  noted({ because }: AccessDenial): void {
    this.#onRefused(because);
  }

  /** The answer on the Nacos side. It leaves a trace, which also writes the log line (refused-trace.ts). */
  of(request: IncomingMessage, denial: AccessDenial): Problem {
    const problem = this.ofOperator(request, denial, false);
    return { code: denial.because, ...problem };
  }

  /** The answer on the operators' side, where people read it. */
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

  /** Counts a change once for each address that it names; returns the answer if that is too much. */
  ofOften(request: IncomingMessage, addresses = 1): Problem | undefined {
    if (!this.#changes) return undefined;
    const client = this.#clientOf(request);
    const wait = this.#changes.take(rateKey(client), addresses);
    return wait > 0 ? this.#tooOften(changesOften(client), wait) : undefined;
  }

  /** The answer to a client that has spent its allowance; undefined while some is left. Takes nothing. */
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
