import type { RecordedEvent } from '../registry/events.js';
import { EventCursor } from './event-cursor.js';
import type { RegistryService } from './registry-service.js';

/** How often the store is checked for events of other servers. */
const CHECK_INTERVAL_MS = 1_000;

/** Events that one query reads. */
const PAGE = 500;

/** How many numbers before the newest event may belong to decisions that are not committed yet. */
const NEWEST = 100;

/** A follower of the events. */
export interface EventReader {
  /**
   * Takes events, oldest first. `cursor` is what the reader has seen including them. Resolves when it can
   * take more.
   */
  events(events: readonly RecordedEvent[], cursor: EventCursor): Promise<void>;
}

interface Follower {
  readonly reader: EventReader;
  /**
   * What the reader has seen. For a reader of new events only, undefined until the end of the history is
   * known.
   */
  cursor: EventCursor | undefined;
  /** New events that wait until the reader has got those it missed; undefined once it has. */
  held: RecordedEvent[] | undefined;
}

/**
 * The end of the history: passes on this server's events at once, and those of other servers once they are
 * found in the store. Every reader gets each event once.
 */
export class EventTail {
  readonly #service: RegistryService;
  readonly #followers = new Set<Follower>();
  #cursor: EventCursor | undefined;
  /** This server's events from before the end of the history was known. */
  #early: RecordedEvent[] = [];
  #looking: Promise<void> | undefined;
  #lookedAt = -Infinity;
  #isDue = true;
  #unlisten: (() => void) | undefined;

  constructor(service: RegistryService) {
    this.#service = service;
  }

  /**
   * Adds a reader and returns a function that removes it. `after` is what the reader has seen; without it,
   * the reader gets only new events.
   */
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

  /** Checks the store on the next turn, since other servers may have added events. */
  hurry(): void {
    this.#isDue = true;
  }

  /** Call this several times a second. */
  turn(): void {
    this.#cursor?.expire();
    const isLate = performance.now() - this.#lookedAt >= CHECK_INTERVAL_MS;
    if (this.#cursor === undefined ? isLate : this.#service.isShared && (isLate || this.#isDue))
      void this.look();
  }

  /** Checks the store once for new events. */
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
      // The store is away (R9), which is reported elsewhere. Its events are found when it is back.
    }
  }

  /** Reads events after a number, page by page. Resolves with the last number found, or the given one. */
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

  /** Finds the end of the history, and which numbers may still come before it. */
  async #begin(): Promise<EventCursor> {
    const newest = await this.#service.events({ limit: this.#service.isShared ? NEWEST : 1 });
    const early = this.#early.splice(0);
    const untold = new Set(early.map(({ seq }) => seq));
    const seqs = newest.map(({ seq }) => seq).filter((seq) => !untold.has(seq));
    const cursor = new EventCursor(seqs.at(-1) ?? Math.max(0, (early[0]?.seq ?? 0) - 1));
    for (const seq of seqs.reverse()) cursor.take(seq);
    // The last follower may have gone meanwhile.
    if (this.#followers.size === 0) return cursor;
    this.#cursor = cursor;
    for (const follower of this.#followers) follower.cursor ??= cursor.copy();
    this.#tell(early);
    return cursor;
  }

  /**
   * Follows a database that was set back and reuses numbers: readers got the events that it lost, and what
   * follows is new.
   */
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

  /** Passes a returning reader the events that it missed, and then new ones. */
  async #catchUp(follower: Follower): Promise<void> {
    while (!(await this.#missed(follower))) {
      if (!this.#followers.has(follower)) return;
      await new Promise((resolve) => setTimeout(resolve, CHECK_INTERVAL_MS).unref());
    }
    const held = follower.held ?? [];
    follower.held = undefined;
    if (this.#followers.has(follower)) await pass(follower, held);
  }

  /**
   * Passes a reader the events that all others have got already. False when the store is away; what was
   * passed until then counts.
   */
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
      // The reader's last event is missing: this is another database, or it was set back.
      if (reached < last) follower.cursor = known;
      return true;
    } catch {
      return false;
    }
  }
}

/**
 * Passes events that the reader has not seen. `known`: what all other readers have seen; nothing more comes
 * of that.
 */
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
