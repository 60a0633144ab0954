import { watch, type FSWatcher } from 'node:fs';
import { basename, dirname } from 'node:path';
import type { Logger } from 'pino';
import type { Address } from '../registry/address.js';
import { within } from './limit.js';
import { confText, isSameList, readConf } from './member-list.js';
import { explainFileError, readWhole, removeUnfinished, writeWhole } from './whole-file.js';

/** How often to check the file without any notification: some file systems send none. */
const CHECK_INTERVAL_MS = 2_000;

/** How long a stop waits for a write. */
const STOP_LIMIT_MS = 2_000;

/** How often to log that another program changes the file. */
const LOG_INTERVAL_MS = 10_000;

/**
 * For how long after a new list a restored file is not logged. Nacos may still be writing that list or the
 * one before, and it empties the file first, which can be observed (2.5.1, up to 80 ms on a busy machine).
 */
const NACOS_WRITES_MS = 5_000;

/** The first line that Nacos writes (2.5.1 MemberUtil.syncToFile). */
const BY_NACOS = /^#\d{4}-\d\d-\d\dT/;

/** The contents found in the file. */
interface Found {
  readonly addresses: readonly Address[];
  /** Why Nacos could not read it. */
  readonly problem?: string;
  readonly isByNacos: boolean;
}

/** A list for a node. */
export interface NodeList {
  readonly addresses: readonly Address[];
  readonly revision: number;
}

/**
 * One node's cluster.conf, kept equal to the list. Nacos also writes the file at every change of its members,
 * and so do people. The agent leaves any text that means the same and restores the file when it does not.
 */
export class ConfFile {
  readonly #file: string;
  readonly #cluster: string;
  readonly #log: Logger;
  readonly #nacosWrites: number;
  #wanted: NodeList | undefined;
  /** The list that the file last held. */
  #had: NodeList | undefined;
  /** Runs one write or check after another. */
  #queue: Promise<void> = Promise.resolve();
  #watcher: FSWatcher | undefined;
  #timer: NodeJS.Timeout | undefined;
  #newAt = -Infinity;
  #problem: string | undefined;
  #isLookingSoon = false;
  #putRight = 0;
  #saidAt = -Infinity;

  /** `cluster`: the cluster's name, for the comment in the file. */
  constructor(file: string, cluster: string, log: Logger, nacosWrites = NACOS_WRITES_MS) {
    this.#file = file;
    this.#cluster = cluster;
    this.#log = log;
    this.#nacosWrites = nacosWrites;
  }

  /** Why the file is not as it should be; undefined when it is. */
  get problem(): string | undefined {
    return this.#problem;
  }

  /** Starts watching the file. */
  async start(): Promise<void> {
    await removeUnfinished(this.#file);
    this.#timer = setInterval(() => this.#lookSoon(), CHECK_INTERVAL_MS);
    this.#watch();
  }

  /** Stops watching; the file stays as it is. */
  async stop(): Promise<void> {
    clearInterval(this.#timer);
    this.#watcher?.close();
    this.#watcher = undefined;
    // A hanging disk must not keep a node from being stopped.
    await within(STOP_LIMIT_MS, this.#queue);
  }

  /** Makes this the wanted list. Resolves with whether the file has it. */
  async put(list: NodeList): Promise<boolean> {
    if (!this.#wanted || !isSameList(this.#wanted.addresses, list.addresses)) this.#newAt = performance.now();
    this.#wanted = list;
    await this.#pipeline(() => this.#look());
    return this.#wanted === list && this.#problem === undefined;
  }

  #watch(): void {
    try {
      const name = basename(this.#file);
      this.#watcher = watch(dirname(this.#file), (_, changed) => {
        if (changed === null || changed === name) this.#lookSoon();
      });
      this.#watcher.on('error', (error) => this.#goOnWithoutWatch(error));
    } catch (error) {
      this.#goOnWithoutWatch(error);
    }
  }

  #goOnWithoutWatch(error: unknown): void {
    this.#watcher?.close();
    this.#watcher = undefined;
    this.#log.warn(
      { file: this.#file, err: error },
      `the system does not report changes of the file; the agent checks it every ${CHECK_INTERVAL_MS / 1_000} s`,
    );
  }

  /** Checks the file soon: a writer makes several changes at once. */
  #lookSoon(): void {
    if (this.#isLookingSoon) return;
    this.#isLookingSoon = true;
    void this.#pipeline(() => {
      this.#isLookingSoon = false;
      return this.#look();
    });
  }

  #pipeline(task: () => Promise<void>): Promise<void> {
    return (this.#queue = this.#queue
      .then(task)
      .catch((error: unknown) => this.#isWrong((error as Error).message)));
  }

  /** Checks the file and restores it if needed. */
  async #look(): Promise<void> {
    const wanted = this.#wanted;
    if (!wanted) return;
    const found = await this.#read();
    if (found !== undefined && isSameList(found.addresses, wanted.addresses)) return this.#isRight(wanted);
    const byOthers = this.#had === wanted;
    try {
      const heading =
        `Written by nacos-address-server agent: revision ${wanted.revision} of ${this.#cluster}. ` +
        'Changes made here are undone.';
      await writeWhole(this.#file, confText(wanted.addresses, heading));
      this.#isRight(wanted);
    } catch (error) {
      this.#isWrong(explainFileError(error));
      return;
    }
    if (byOthers) this.#sayPutRight(found, wanted);
  }

  /** Undefined if the file does not exist. A text that Nacos could not read counts as empty. */
  async #read(): Promise<Found | undefined> {
    try {
      const text = await readWhole(this.#file);
      if (text === undefined) return undefined;
      const read = readConf(text);
      const isByNacos = BY_NACOS.test(text);
      return read.ok
        ? { addresses: read.value, isByNacos }
        : { addresses: [], problem: read.problem, isByNacos };
    } catch {
      return undefined;
    }
  }

  #isRight(list: NodeList): void {
    this.#had = list;
    if (this.#problem !== undefined) this.#log.info({ file: this.#file }, 'the file can be written again');
    this.#problem = undefined;
  }

  #isWrong(problem: string): void {
    if (this.#problem === problem) return;
    this.#problem = problem;
    this.#log.error(
      { file: this.#file },
      `the file could not be written, and is what it was before: ${problem}`,
    );
  }

  /** Logs a restored file, but not every time: two writers may take turns for ever. */
  #sayPutRight(found: Found | undefined, wanted: NodeList): void {
    this.#putRight++;
    const now = performance.now();
    if (now - this.#newAt < this.#nacosWrites || now - this.#saidAt < LOG_INTERVAL_MS) return;
    this.#log.warn({ file: this.#file, times: this.#putRight }, whatWasChanged(found, wanted.addresses));
    this.#saidAt = now;
    this.#putRight = 0;
  }
}

function whatWasChanged(found: Found | undefined, wanted: readonly Address[]): string {
  const before = found?.addresses ?? [];
  const lacked = wanted.filter((address) => !before.includes(address));
  const had = before.filter((address) => !wanted.includes(address));
  if (found?.isByNacos === true && lacked.length === 0 && had.length === 1) {
    return `Nacos added ${had[0]} to the file, and the agent restored it: this node seems to call itself that, and is not listed by that name. Make it use the name in AGENT_SELF (nacos.inetutils.ip-address, in the official image NACOS_SERVER_IP), or set AGENT_SELF=${had[0]}; then restart it`;
  }
  const what =
    found === undefined
      ? 'it was gone'
      : (found.problem ?? [...some('it lacked', lacked), ...some('it had', had)].join('; '));
  return `another program changed the file, and the agent restored it: ${what}`;
}

function some(what: string, addresses: readonly Address[]): string[] {
  if (addresses.length === 0) return [];
  const more = addresses.length > 5 ? ` and ${addresses.length - 5} more` : '';
  return [`${what} ${addresses.slice(0, 5).join(', ')}${more}`];
}
