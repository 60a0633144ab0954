import { connect } from 'node:net';
import { splitAddress, type Address } from '../registry/address.js';

/** Times in milliseconds. */
export interface HealthTimes {
  /** Between two checks. */
  readonly every: number;
  /** How long an answer may take. */
  readonly patience: number;
  /** How long a Nacos that has not answered yet counts as starting. */
  readonly start: number;
}

export const HEALTH_TIMES: Pick<HealthTimes, 'every' | 'patience'> = { every: 2_000, patience: 3_000 };

/**
 * How late this process may run past its patience before the check counts as its own delay (see
 * probe/tcp.ts).
 */
const OVERDUE_BY_MS = 500;

/**
 * How many checks in a row must fail before Nacos counts as not answering: a long garbage collection is not a
 * death.
 */
const FAILURES = 2;

/**
 * Whether this node's Nacos answers on its port. It need not while it starts for the first time, but must
 * later. A mere connection proves nothing: the system accepts it even for a hung process.
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

  /** `onChange` is called when a {@link problem} appears and when it is gone. */
  constructor(address: Address, times: HealthTimes, onChange: () => void) {
    this.#address = address;
    this.#times = times;
    this.#onChange = onChange;
  }

  /** Starts checking: Nacos is running, or about to. */
  start(): void {
    this.#startedAt = performance.now();
    void this.#look();
  }

  stop(): void {
    this.#isStopped = true;
    clearTimeout(this.#timer);
  }

  /** Records that the Nacos process has ended; `sentence` says how. */
  ended(sentence: string): void {
    this.#ended = sentence;
    this.#say();
  }

  /**
   * Why the member must not be renewed, as a sentence. Undefined while its Nacos answers, or starts for the
   * first time.
   */
  get problem(): string | undefined {
    return this.#problem;
  }

  /** Whether Nacos has answered since it was started, or since this agent was. */
  get hasAnswered(): boolean {
    return this.#hasAnswered;
  }

  /**
   * Whether the port refuses connections, so that the process has ended. A hung process still accepts them.
   */
  get isGone(): boolean {
    return this.#ended !== undefined || (this.#failures >= FAILURES && this.#isRefused);
  }

  /** Whether Nacos answered the last check. */
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
    // The text counts seconds; only appearing and disappearing are changes.
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
 * Sends an HTTP request to see whether Nacos answers. Any answer counts, including an error or a TLS alert.
 * Undefined if one came; otherwise why not.
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
      // This process was itself too busy to read the answer in time: check again.
      const isLate = failure !== undefined && performance.now() - askedAt > patience + OVERDUE_BY_MS;
      resolve(isLate ? failureToAnswer(address, patience) : failure);
    };
    // Timers run before sockets are read: give data that came while this process was busy a chance to be
    // read.
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
