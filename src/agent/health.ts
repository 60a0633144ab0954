import { connect } from 'node:net';
import { splitAddress, type Address } from '../registry/address.js';

/** Times in milliseconds. */
export interface HealthTimes {
  /** Between two looks. */
  readonly every: number;
  /** How long an answer may take. */
  readonly patience: number;
  /** How long a Nacos that has never answered yet counts as starting. */
  readonly start: number;
}

export const HEALTH_TIMES: Pick<HealthTimes, 'every' | 'patience'> = { every: 2_000, patience: 3_000 };

/** How much later than its patience this process may come to look (as probe/tcp.ts). */
const OVERDUE_BY_MS = 500;

/** Looks in a row that must fail before a Nacos is said not to answer: a long garbage collection is no death. */
const FAILURES = 2;

/**
 * Whether this node's Nacos answers on its port. While it starts for the first time it need not; later it must. A mere
 * connection says nothing: the system makes it for a process that hangs.
 */
export class NacosHealth {
  readonly #address: Address;
  readonly #times: HealthTimes;
  readonly #onChange: () => void;
  #timer: NodeJS.Timeout | undefined;
  #startedAt: number | undefined;
  #hasAnswered = false;
  #failures = 0;
  #failingSince = 0;
  #lastFailure = '';
  #isRefused = false;
  #ended: string | undefined;
  #problem: string | undefined;
  #isStopped = false;

  /** `onChange` is called when there is a {@link problem}, and when there is none any more. */
  constructor(address: Address, times: HealthTimes, onChange: () => void) {
    this.#address = address;
    this.#times = times;
    this.#onChange = onChange;
  }

  /** A Nacos is there, or about to be: from now on it is looked at. */
  start(): void {
    this.#startedAt = performance.now();
    void this.#look();
  }

  stop(): void {
    this.#isStopped = true;
    clearTimeout(this.#timer);
  }

  /** Its process has ended, as a sentence says. */
  ended(sentence: string): void {
    this.#ended = sentence;
    this.#say();
  }

  /** Why the member must not be renewed: a sentence. Undefined while its Nacos answers, or starts for the first time. */
  get problem(): string | undefined {
    return this.#problem;
  }

  /** Whether it has answered since it was started, or since this agent was. */
  get hasAnswered(): boolean {
    return this.#hasAnswered;
  }

  /** Whether nobody listens on its port any more: its process has ended. One that only hangs has not. */
  get isGone(): boolean {
    return this.#ended !== undefined || (this.#failures >= FAILURES && this.#isRefused);
  }

  /** Whether it answered the last look. */
  get answers(): boolean {
    return this.#hasAnswered && this.#failures === 0 && this.#ended === undefined;
  }

  async #look(): Promise<void> {
    const failure = await failureToAnswer(this.#address, this.#times.patience);
    if (this.#isStopped) return;
    if (failure === undefined) {
      this.#hasAnswered = true;
      this.#failures = 0;
    } else {
      if (this.#failures++ === 0) this.#failingSince = performance.now();
      this.#lastFailure = failure;
      this.#isRefused = failure.includes('ECONNREFUSED');
    }
    this.#say();
    this.#timer = setTimeout(() => void this.#look(), this.#times.every);
  }

  #say(): void {
    const problem = this.#find();
    // Its seconds go on; one that lasts is one.
    const isNew = (problem === undefined) !== (this.#problem === undefined);
    if (isNew || problem === undefined) this.#problem = problem;
    if (isNew) this.#onChange();
  }

  #find(): string | undefined {
    if (this.#ended !== undefined) return this.#ended;
    if (this.#failures === 0) return undefined;
    const now = performance.now();
    if (!this.#hasAnswered) {
      const since = now - (this.#startedAt ?? now);
      if (since < this.#times.start) return undefined;
      return `its port ${this.#address} has not answered since its start ${seconds(since)} ago: ${this.#lastFailure}`;
    }
    if (this.#failures < FAILURES) return undefined;
    return `its port ${this.#address} has not answered for ${seconds(now - this.#failingSince)}: ${this.#lastFailure}`;
  }
}

function seconds(ms: number): string {
  return `${Math.round(ms / 1_000)} s`;
}

/**
 * Asks for anything by HTTP; undefined when anything came back, which is whatever Nacos answers, an error or TLS's alert
 * included, or how it failed.
 */
export function failureToAnswer(address: Address, patience: number): Promise<string | undefined> {
  const { host, port } = splitAddress(address);
  return new Promise((resolve) => {
    const askedAt = performance.now();
    const socket = connect({ host, port });
    let isOver = false;
    const end = (failure?: string): void => {
      if (isOver) return;
      isOver = true;
      clearTimeout(timer);
      socket.destroy();
      // Of what came of it a process that had no time itself knows nothing: it looks anew.
      const isLate = failure !== undefined && performance.now() - askedAt > patience + OVERDUE_BY_MS;
      resolve(isLate ? failureToAnswer(address, patience) : failure);
    };
    // Timers run before sockets are read: what came while this process was busy is still to be read then.
    const late = (): void => end(`no answer within ${patience / 1_000} s`);
    const timer = setTimeout(() => setImmediate(late), patience);
    socket.once('connect', () => {
      socket.write(
        `GET /nacos/v1/console/health/liveness HTTP/1.1\r\nHost: ${address}\r\nConnection: close\r\n\r\n`,
      );
    });
    socket.once('data', () => end());
    socket.once('error', ({ message }) => end(message));
    socket.once('close', () => end('the connection was closed without an answer'));
  });
}
