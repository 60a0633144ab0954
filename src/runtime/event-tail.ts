import type { RecordedEvent } from '../registry/events.js';
import { EventCursor } from './event-cursor.js';
import type { RegistryService } from './registry-service.js';

/** How often events of other servers are looked for. */
const CHECK_INTERVAL_MS = 1_000;

/** Events of one look. */
const PAGE = 500;

/** So many numbers before the newest event may belong to decisions that are not committed yet. */
const NEWEST = 100;

/** Who follows the events. */
export interface EventReader {
  /** Oldest first; `cursor` is what the reader has seen with them. Resolves when it can take more. */
  events(events: readonly RecordedEvent[], cursor: EventCursor): Promise<void>;
}

interface Follower {
  readonly reader: EventReader;
  /** What it has seen; undefined until it is known where the history ends, for one who wants what is new only. */
  cursor: EventCursor | undefined;
  /** What came while it is still told what it missed. */
  held: RecordedEvent[] | undefined;
}

/**
 * The end of the history: this server's events at once, those of others as soon as they are found in the store. Every
 * reader is told each event once.
 */
export class EventTail {
  readonly #service: RegistryService;
  readonly #followers = new Set<Follower>();
  #cursor: EventCursor | undefined;
  /** Own events that came before it was known where the history ends. */
  #early: RecordedEvent[] = [];
  #looking: Promise<void> | undefined;
  #lookedAt = -Infinity;
  #isDue = true;
  #unlisten: (() => void) | undefined;

  constructor(service: RegistryService) {
    this.#service = service;
  }

  /** Returns what ends it. `after`: what the reader has seen; without, it is only told what is new. */
  follow(reader: EventReader, after: EventCursor | undefined): () => void {
    const cursor = (after ?? this.#cursor)?.copy();
    const follower: Follower = { reader, cursor, held: after && [] };
    this.#followers.add(follower);
    this.#unlisten ??= this.#service.onEvents((events) => this.#own(events));
    if (after) void this.#catchUp(follower);
    else if (!cursor) void this.look();
    return () => {
      this.#followers.delete(follower);
      if (this.#followers.size > 0) return;
      this.#unlisten?.();
      this.#unlisten = undefined;
      this.#cursor = undefined;
      this.#early = [];
    };
  }

  /** Other servers may have made events: they are looked for at the next turn. */
  hurry(): void {
    this.#isDue = true;
  }

  /** To be called several times a second. */
  turn(): void {
    this.#cursor?.expire();
    const isLate = performance.now() - this.#lookedAt >= CHECK_INTERVAL_MS;
    if (this.#cursor === undefined ? isLate : this.#service.isShared && (isLate || this.#isDue))
      void this.look();
  }

  /** Looks into the store once. */
  look(): Promise<void> {
    return (this.#looking ??= this.#look().finally(() => (this.#looking = undefined)));
  }

  async #look(): Promise<void> {
    this.#isDue = false;
    this.#lookedAt = performance.now();
    try {
      const cursor = this.#cursor ?? (await this.#begin());
      const { last, from } = cursor;
      const reached = await this.#read(from, (found) => this.#tell(found));
      if (reached < last) await this.#beginAnew();
    } catch {
      // The store is away (R9), which others say; what there is, is found when it is back.
    }
  }

  /** Reads on from a number, page by page; resolves with the last one found, or that number. */
  async #read(
    from: number,
    take: (found: readonly RecordedEvent[]) => Promise<void> | void,
  ): Promise<number> {
    for (let reached = from; ;) {
      const found = await this.#service.events({ after: reached, limit: PAGE });
      await take(found);
      reached = found.at(-1)?.seq ?? reached;
      if (found.length < PAGE || this.#followers.size === 0) return reached;
    }
  }

  /** Finds where the history ends, and what may still come before. */
  async #begin(): Promise<EventCursor> {
    const newest = await this.#service.events({ limit: this.#service.isShared ? NEWEST : 1 });
    const early = this.#early.splice(0);
    const untold = new Set(early.map(({ seq }) => seq));
    const seqs = newest.map(({ seq }) => seq).filter((seq) => !untold.has(seq));
    const cursor = new EventCursor(seqs.at(-1) ?? Math.max(0, (early[0]?.seq ?? 0) - 1));
    for (const seq of seqs.reverse()) cursor.take(seq);
    // Nobody may follow any more.
    if (this.#followers.size === 0) return cursor;
    this.#cursor = cursor;
    for (const follower of this.#followers) follower.cursor ??= cursor.copy();
    this.#tell(early);
    return cursor;
  }

  /** A database that was set back numbers its events anew: those that it lost were told, and what follows is new. */
  async #beginAnew(): Promise<void> {
    const cursor = await this.#begin();
    for (const follower of this.#followers) follower.cursor = cursor.copy();
  }

  #own(events: readonly RecordedEvent[]): void {
    if (this.#cursor === undefined) this.#early.push(...events);
    else this.#tell(events);
  }

  #tell(events: readonly RecordedEvent[]): void {
    const { isShared } = this.#service;
    const news = events.filter(({ seq }) => this.#cursor?.take(seq));
    if (news.length === 0) return;
    if (isShared && this.#cursor?.gaps.length) this.#isDue = true;
    for (const follower of this.#followers) {
      if (follower.held) follower.held.push(...news);
      else void pass(follower, news);
    }
  }

  /** Tells a reader who comes back what it missed, and from there on what comes. */
  async #catchUp(follower: Follower): Promise<void> {
    while (!(await this.#missed(follower))) {
      if (!this.#followers.has(follower)) return;
      await new Promise((resolve) => setTimeout(resolve, CHECK_INTERVAL_MS).unref());
    }
    const held = follower.held ?? [];
    follower.held = undefined;
    if (this.#followers.has(follower)) await pass(follower, held);
  }

  /** Tells what everybody else has been told already. False when the store is away; what was told then stays so. */
  async #missed(follower: Follower): Promise<boolean> {
    await this.look();
    const known = this.#cursor?.copy();
    if (!known || !follower.cursor) return false;
    const { last, from } = follower.cursor;
    try {
      const reached = await this.#read(from, (found) => {
        if (!this.#followers.has(follower)) throw new Error('the reader is gone');
        const told = found.filter(({ seq }) => !known.wants(seq));
        return pass(follower, told, known);
      });
      // What the reader has seen is not there: another database, or this one was set back.
      if (reached < last) follower.cursor = known;
      return true;
    } catch {
      return false;
    }
  }
}

/** `known`: what everybody else has been told, of which nothing more will come. */
async function pass(
  { cursor, reader }: Follower,
  events: readonly RecordedEvent[],
  known?: EventCursor,
): Promise<void> {
  if (!cursor) return;
  const news = events.filter(({ seq }) => cursor.take(seq));
  cursor.expire();
  if (known) cursor.trust(known);
  if (news.length > 0) await reader.events(news, cursor);
}
