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
  /**
   * How long a server may hold a heartbeat, which is the time between two when nothing changes. A lease lasts
   * three.
   */
  readonly wait: number;
  /** The pause before a retry when no server answers; it doubles each time, up to {@link longestPause}. */
  readonly pause: number;
  readonly longestPause: number;
  /** How long the next heartbeat waits for the disk. */
  readonly disk: number;
  /** How long, counted from the start, no server must have answered before the last list is used. */
  readonly lastListAfter: number;
}

export const AGENT_TIMES: AgentTimes = {
  wait: 5_000,
  pause: 500,
  longestPause: 5_000,
  disk: 4_000,
  lastListAfter: 10_000,
};

/**
 * How long a member that a list drops may take to answer; shorter than the slack of a lease between
 * heartbeats.
 */
const ANSWER_TIMEOUT_MS = 2_000;

export interface AgentParts {
  readonly client: RegistryClient;
  readonly conf: ConfFile;
  readonly lastList: LastList;
  readonly health: NacosHealth;
  readonly log: Logger;
  readonly times: AgentTimes;
  /** Whether to hold back a list that a healthy registry would not send (doubt.ts). */
  readonly holdBack: boolean;
  /** A file that the agent creates once cluster.conf has a list. */
  readonly readyFile?: string | undefined;
}

/** Where the list in cluster.conf came from. */
export type ListSource = 'registry' | 'disk';

/**
 * Keeps one node's cluster.conf equal to the registry's list. The server holds each heartbeat until there is
 * another list, so a change arrives at once. The agent writes only whole lists that include this node;
 * without one, the file stays as it is.
 */
export class Agent {
  readonly #parts: AgentParts;
  readonly #stopped = new AbortController();
  #interrupt = new AbortController();
  #running: Promise<void> = Promise.resolve();
  /** The revision that this node's Nacos was given; 0 if the registry does not know of any. */
  #has = 0;
  /** The last list from the registry that was accepted. */
  #list: NodeList | undefined;
  /** The list kept from the last start; undefined until it is read. */
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

  /** Sends no more heartbeats and ends what is under way; cluster.conf stays as it is. */
  async stop(): Promise<void> {
    this.#stopped.abort();
    this.#interrupt.abort();
    await this.#running;
    await this.#parts.conf.stop();
  }

  /** Reports at once that this node's Nacos has a problem, or no longer has one. */
  healthChanged(): void {
    const { health, log } = this.#parts;
    if (health.problem === undefined) log.info('Nacos answers again; the member is renewed');
    else log.error({ problem: health.problem }, 'Nacos does not answer; the member is not renewed');
    this.#interrupt.abort();
  }

  /** Sends one last heartbeat with the reason why Nacos is gone. It takes at most 2 s and is not repeated. */
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
      // Spread the heartbeats of agents that started together, but never beat less often than the lease
      // requires.
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
        // A node that starts again at its old address is admitted once the others have forgotten it (R4).
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
      // The writer has already logged why.
      this.#note(conf.problem === undefined ? 'error' : 'debug', 'cluster.conf is not up to date', reason);
      this.#has = 0;
      return false;
    }
    if (isNew) {
      const { revision, addresses } = list;
      log.info({ revision, members: addresses }, 'the list is in cluster.conf');
      // Nothing waits for this.
      void lastList.keep(list, new Date()).then((problem) => {
        if (problem !== undefined) log.error(`the list could not be kept for a later start: ${problem}`);
      });
    }
    this.#reason = '';
    this.#said = '';
    this.#has = list.revision;
    this.#list = list;
    await this.#opened('registry');
    // Tell the server at once that the list has arrived, since other nodes may wait for that. An unhealthy
    // Nacos does not read it.
    return isNew && health.problem === undefined;
  }

  /**
   * Whether to withhold the list from Nacos. The registry still learns from `revision` which list Nacos has,
   * and so that its database was replaced. A starting node uses the last list instead, if that is newer.
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
    // A newer list may be right and the last one out of date: a start then waits for an operator's decision.
    if (this.#source === undefined && last && list.revision < last.revision) {
      await this.#takeLast('the list is held back');
    }
    return true;
  }

  /** Whether the file has the list; `late` when the disk is so slow that heartbeats go on meanwhile. */
  async #write(list: NodeList): Promise<boolean | 'late'> {
    const { conf, times } = this.#parts;
    // Do not queue the same write again behind one that hangs.
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
   * Takes a list that includes this node although the server refuses to let the agent speak for it. Polls get
   * the same treatment (R2): a token that was rotated too early must not keep a node from starting.
   */
  async #takeUnspoken(): Promise<void> {
    const { client, conf, log } = this.#parts;
    const answer = await client.list(this.#stopped.signal);
    if (answer.type !== 'list' || (await this.#isHeldBack(answer.list))) return;
    if (!(await conf.put(answer.list))) return;
    if (this.#source === undefined) log.warn('the list is used all the same; this node is on it');
    await this.#opened('registry');
  }

  /** Falls back to the list of the last start when no server has given a usable one since this start. */
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
   * Waits after a leave: the node stops, and heartbeats must not register it again (R4). If a Nacos starts
   * beside this agent all the same, as when the other container of a pod restarts, it counts as a new start.
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
      // The server held it for as long as asked or holds nothing, or the file could not be written.
      case 'list':
        if (this.#reason !== '') return 1_000 * some;
        // The next one will be held. This one was not, because no server had just answered.
        return answer.isHeld ? Math.max(0, left) : 0;
      // As often as a starting Nacos polls.
      case 'waiting':
        return Math.min(first, 300) * some;
      case 'refused':
        return longestPause * some;
      case 'unavailable':
        return Math.min(first * 2 ** (failures - 1), longestPause) * some;
    }
  }

  /** Pauses; ends early at the stop, and when the health changes. */
  #pause(ms: number): Promise<void> {
    return pause(ms, this.#interrupt.signal);
  }

  /** Logs a lasting condition only when it begins or changes. */
  #note(level: 'debug' | 'info' | 'warn' | 'error', what: string, reason: string): void {
    this.#reason = `${what}: ${reason}`;
    // Ignore running numbers (`1 of 3`, `for 5 s`).
    const said = `${what} ${reason.replace(/\d+ s\b/g, '')}`;
    if (said === this.#said) return;
    this.#said = said;
    this.#parts.log[level]({ reason }, what);
  }
}

/**
 * Compares revision and contents: revisions start over with another database, so the number alone is not
 * enough.
 */
function isKnown(list: NodeList, known: NodeList | undefined): boolean {
  return known !== undefined && isSameList(list.addresses, known.addresses);
}
