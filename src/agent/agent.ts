import { rm } from 'node:fs/promises';
import type { Logger } from 'pino';
import { pause } from '../util/pause.js';
import type { ConfFile, NodeList } from './conf-file.js';
import { failureToAnswer, type NacosHealth } from './health.js';
import { doubtOf } from './doubt.js';
import { within, withinTime } from './limit.js';
import type { LastList } from './last-list.js';
import { isSameList } from './member-list.js';
import type { BeatAnswer, RegistryClient } from './registry-client.js';
import { makeEmpty } from './whole-file.js';

/** Times in milliseconds. */
export interface AgentTimes {
  /** How long a server may hold a heartbeat: the time between two, when nothing changes. A lease lasts for three. */
  readonly wait: number;
  /** Before another try when no server answers; twice the one before, up to {@link longestPause}. */
  readonly pause: number;
  readonly longestPause: number;
  /** How long the next heartbeat waits for the disk. */
  readonly disk: number;
  /** How long no server must have answered, from the start on, before the last list is used. */
  readonly lastListAfter: number;
}

export const AGENT_TIMES: AgentTimes = {
  wait: 5_000,
  pause: 500,
  longestPause: 5_000,
  disk: 4_000,
  lastListAfter: 10_000,
};

/** How long one that a list drops may take to answer; less than the lease leaves between heartbeats. */
const ANSWER_TIMEOUT_MS = 2_000;

export interface AgentParts {
  readonly client: RegistryClient;
  readonly conf: ConfFile;
  readonly lastList: LastList;
  readonly health: NacosHealth;
  readonly log: Logger;
  readonly times: AgentTimes;
  /** Whether a list is held back that no registry in order would send (doubt.ts). */
  readonly holdBack: boolean;
  /** A file that is there once cluster.conf is. */
  readonly readyFile?: string | undefined;
}

/** Where the list in cluster.conf came from. */
export type ListSource = 'registry' | 'disk';

/**
 * Keeps one node's cluster.conf equal to the registry's list: heartbeat after heartbeat, each held by the server until
 * there is another list, so that a change is here at once. What is not a whole list with this node on it is never
 * written; while there is none, the file stays as it is.
 */
export class Agent {
  readonly #parts: AgentParts;
  readonly #stopped = new AbortController();
  #interrupt = new AbortController();
  #running: Promise<void> = Promise.resolve();
  /** The revision that this node's Nacos was given; 0 for none that the registry knows. */
  #has = 0;
  /** The list that the registry sent last, and that was taken. */
  #list: NodeList | undefined;
  /** The list of the last start; undefined when it was not looked for yet. */
  #last: NodeList | 'none' | undefined;
  #source: ListSource | undefined;
  /** Why there is no list yet, or no newer one. */
  #reason = 'no server has answered yet';
  #said = '';
  #hasLeft = false;
  #isWaiting = false;
  /** The list that is being written. */
  #writing: { readonly list: NodeList; readonly done: Promise<boolean> } | undefined;
  #openGate: (source: ListSource) => void = () => undefined;
  /** Resolves when cluster.conf has a list with which this node's Nacos may start. */
  readonly gate: Promise<ListSource>;

  constructor(parts: AgentParts) {
    this.#parts = parts;
    this.gate = new Promise((resolve) => (this.#openGate = resolve));
  }

  /** Undefined while the gate is closed. */
  get source(): ListSource | undefined {
    return this.#source;
  }

  /** Why the gate is closed, or the list is not renewed: a sentence; empty when all is well. */
  get reason(): string {
    return this.#reason;
  }

  /** Whether the registry holds this node at the gate. */
  get isWaiting(): boolean {
    return this.#isWaiting;
  }

  async start(): Promise<void> {
    const { conf, readyFile } = this.#parts;
    if (readyFile !== undefined) await rm(readyFile, { force: true });
    await conf.start();
    this.#running = this.#run();
  }

  /** Sends no heartbeat any more and ends what is under way; cluster.conf stays as it is. */
  async stop(): Promise<void> {
    this.#stopped.abort();
    this.#interrupt.abort();
    await this.#running;
    await this.#parts.conf.stop();
  }

  /** Its Nacos has a problem, or none any more: that is said at once. */
  healthChanged(): void {
    const { health, log } = this.#parts;
    if (health.problem === undefined) log.info('Nacos answers again; the member is renewed');
    else log.error({ problem: health.problem }, 'Nacos does not answer; the member is not renewed');
    this.#interrupt.abort();
  }

  /** One last heartbeat that says why its Nacos is gone; within 2 s or not at all. */
  async sayGone(problem: string): Promise<void> {
    const { client } = this.#parts;
    await withinTime(2_000, undefined, (signal) =>
      client.beat({ revision: 0, wait: 0, unhealthy: problem }, signal),
    );
  }

  get #isStopped(): boolean {
    return this.#stopped.signal.aborted;
  }

  async #run(): Promise<void> {
    const { client, health, times } = this.#parts;
    const startedAt = performance.now();
    let failures = 0;
    while (!this.#isStopped) {
      if (this.#hasLeft) {
        await this.#untilNewStart();
        continue;
      }
      const askedAt = performance.now();
      this.#interrupt = new AbortController();
      const { problem } = health;
      // Not all at once, however they were started; and never less often than the lease wants.
      const wait = Math.round(times.wait * (0.85 + Math.random() * 0.15));
      const isStarting = !health.hasAnswered;
      const answer = await client.beat(
        { revision: this.#has, wait, unhealthy: problem, isStarting },
        this.#interrupt.signal,
      );
      if (this.#interrupt.signal.aborted) continue;
      failures = answer.type === 'unavailable' ? failures + 1 : 0;
      this.#isWaiting = answer.type === 'waiting';
      const isFresh = await this.#take(answer, performance.now() - startedAt);
      if (isFresh) continue;
      const asked = performance.now() - askedAt;
      await this.#pause(this.#pauseAfter(answer, failures, wait - asked));
    }
  }

  /** Acts on an answer; true when the next heartbeat should follow at once. */
  async #take(answer: BeatAnswer, sinceStart: number): Promise<boolean> {
    switch (answer.type) {
      case 'list':
        return this.#takeList(answer.list);
      case 'waiting':
        this.#note(
          'info',
          answer.why === 'left' ? 'this node has left' : 'waiting at the gate',
          answer.reason,
        );
        // One that starts again at its old address gets in when the others have forgotten it (R4).
        this.#hasLeft = answer.why === 'left' && this.#source !== undefined;
        return false;
      case 'refused':
        this.#note('error', 'the server refuses this node', answer.reason);
        if (answer.status === 401 || answer.status === 403) await this.#takeUnspoken();
        return false;
      case 'unavailable':
        this.#note('warn', 'no server answers', answer.reason);
        if (this.#source === undefined && sinceStart >= this.#parts.times.lastListAfter)
          await this.#takeLast('no server answers');
        return false;
    }
  }

  async #takeList(list: NodeList): Promise<boolean> {
    const { conf, lastList, health, log } = this.#parts;
    if (await this.#isHeldBack(list)) return false;
    const isNew = list.revision !== this.#has || this.#source !== 'registry' || !isKnown(list, this.#list);
    const written = await this.#write(list);
    if (written !== true) {
      const late = 'the disk takes longer than its heartbeats may wait';
      const reason = written === 'late' ? late : (conf.problem ?? 'it was changed meanwhile');
      // Why it cannot be written was said where that was found.
      this.#note(conf.problem === undefined ? 'error' : 'debug', 'cluster.conf is not up to date', reason);
      this.#has = 0;
      return false;
    }
    if (isNew) {
      const { revision, addresses } = list;
      log.info({ revision, members: addresses }, 'the list is in cluster.conf');
      // Nothing waits for that.
      void lastList.keep(list, new Date()).then((problem) => {
        if (problem !== undefined) log.error(`the list could not be kept for a later start: ${problem}`);
      });
    }
    this.#reason = '';
    this.#said = '';
    this.#has = list.revision;
    this.#list = list;
    await this.#opened('registry');
    // The server learns at once that it is here, which others may wait for; unless nobody reads it.
    return isNew && health.problem === undefined;
  }

  /**
   * Whether the list is not for its Nacos. The registry goes on hearing which one that has (`revision`), and so learns that its
   * database was replaced. A node that starts does so with the last list, when that is the newer one.
   */
  async #isHeldBack(list: NodeList): Promise<boolean> {
    const { holdBack, lastList } = this.#parts;
    if (!holdBack) return false;
    if (this.#last === undefined) {
      const kept = await lastList.read();
      this.#last = kept.ok ? kept.value : 'none';
    }
    const last = this.#list ?? (this.#last === 'none' ? undefined : this.#last);
    const doubt = await doubtOf(list, last, async (address) => {
      return (await failureToAnswer(address, ANSWER_TIMEOUT_MS)) === undefined;
    });
    if (doubt === undefined) return false;
    this.#note('error', 'the list is held back', doubt);
    // One that is newer may be right, and the last one out of date: then a start waits for somebody to say so.
    if (this.#source === undefined && last && list.revision < last.revision) {
      await this.#takeLast('the list is held back');
    }
    return true;
  }

  /** Whether the file has the list; `late` when the disk is so slow that the heartbeats go on meanwhile. */
  async #write(list: NodeList): Promise<boolean | 'late'> {
    const { conf, times } = this.#parts;
    // One that hangs is not asked again and again for the same.
    if (!this.#writing || !isKnown(list, this.#writing.list)) {
      const writing = {
        list,
        done: conf.put(list).finally(() => this.#writing === writing && (this.#writing = undefined)),
      };
      this.#writing = writing;
    }
    return (await within(times.disk, this.#writing.done)) ?? 'late';
  }

  /**
   * Without a right to speak for this node, a list that has it on it is still the right one (as R2 has it for polls): a
   * token that was rotated too early must not keep a node from starting.
   */
  async #takeUnspoken(): Promise<void> {
    const { client, conf, log } = this.#parts;
    const answer = await client.list(this.#stopped.signal);
    if (answer.type !== 'list' || (await this.#isHeldBack(answer.list))) return;
    if (!(await conf.put(answer.list))) return;
    if (this.#source === undefined) log.warn('the list is used all the same; this node is on it');
    await this.#opened('registry');
  }

  /** No server gives a list that can be used since the start: a node that restarts goes on with the list that it had. */
  async #takeLast(why: string): Promise<void> {
    const { conf, lastList, log } = this.#parts;
    const last = await lastList.read();
    if (!last.ok) return this.#note('warn', `${why}, and there is no list to start with`, last.problem);
    const { addresses, revision, writtenAt } = last.value;
    if (!(await conf.put(last.value))) return;
    log.warn(
      { revision, members: addresses, writtenAt },
      `${why}; started with the last list that was received`,
    );
    await this.#opened('disk');
  }

  async #opened(source: ListSource): Promise<void> {
    const { readyFile, log } = this.#parts;
    const isFirst = this.#source === undefined;
    this.#source = source;
    if (!isFirst) return;
    if (readyFile !== undefined) {
      await makeEmpty(readyFile).catch((error: unknown) =>
        log.error({ file: readyFile, err: error }, 'the ready file could not be written'),
      );
    }
    this.#openGate(source);
  }

  /**
   * After a leave the node stops, and must not be registered by what is said meanwhile (R4). Should a Nacos start again
   * beside this agent, as in a pod whose other container is restarted, it is a new one.
   */
  async #untilNewStart(): Promise<void> {
    const { health, log } = this.#parts;
    let wasGone = false;
    while (!(wasGone && health.answers)) {
      wasGone ||= health.isGone;
      this.#interrupt = new AbortController();
      await this.#pause(1_000);
      if (this.#isStopped) return;
    }
    log.info('Nacos has started again after its leave; it is registered again');
    this.#hasLeft = false;
  }

  #pauseAfter(answer: BeatAnswer, failures: number, left: number): number {
    const { pause: first, longestPause } = this.#parts.times;
    const some = 0.8 + Math.random() * 0.4;
    switch (answer.type) {
      // It was held for as long as it was asked to be, or the file could not be written, or the server holds nothing.
      case 'list':
        if (this.#reason !== '') return 1_000 * some;
        // The next one is: the server was not asked to, since it had not just answered.
        return answer.isHeld ? Math.max(0, left) : 0;
      // As often as a Nacos that starts.
      case 'waiting':
        return Math.min(first, 300) * some;
      case 'refused':
        return longestPause * some;
      case 'unavailable':
        return Math.min(first * 2 ** (failures - 1), longestPause) * some;
    }
  }

  /** Ends early at the stop, and when the health changes. */
  #pause(ms: number): Promise<void> {
    return pause(ms, this.#interrupt.signal);
  }

  /** Says something that goes on only when it begins or becomes another. */
  #note(level: 'debug' | 'info' | 'warn' | 'error', what: string, reason: string): void {
    this.#reason = `${what}: ${reason}`;
    // Numbers count on (`1 of 3`, `for 5 s`).
    const said = `${what} ${reason.replace(/\d+ s\b/g, '')}`;
    if (said === this.#said) return;
    this.#said = said;
    this.#parts.log[level]({ reason }, what);
  }
}

/** Revisions begin anew with another database, so a number alone is not enough. */
function isKnown(list: NodeList, known: NodeList | undefined): boolean {
  return known !== undefined && isSameList(list.addresses, known.addresses);
}
