import { readEvents, Refused } from './api.js';
import type { EventView } from './types.js';

/** Events on one page. */
const PAGE = 100;

/** Events on one page during a search. */
const SEARCHED_PAGE = 1_000;

/** Pages that one search reads before it asks whether to continue. */
const SEARCHED_PAGES = 5;

/** Most events kept in memory. */
export const MAX_EVENTS = 20_000;

export interface History {
  /** The cluster whose history this is; undefined for all. */
  readonly scope: string | undefined;
  /** Newest first, without gaps. */
  readonly events: readonly EventView[];
  readonly hasOlder: boolean;
  readonly isLoading: boolean;
  /** Why the last page could not be read. */
  readonly problem?: string;
  /** False until the newest page is loaded. */
  readonly isThere: boolean;
}

export function emptyHistory(scope: string | undefined): History {
  return { scope, events: [], hasOlder: false, isLoading: false, isThere: false };
}

/** Merges two lists of events, newest first, each event once. */
export function merge(events: readonly EventView[], more: readonly EventView[]): readonly EventView[] {
  if (more.length === 0) return events;
  const bySeq = new Map<number, EventView>();
  for (const event of events) bySeq.set(event.seq, event);
  const before = bySeq.size;
  for (const event of more) bySeq.set(event.seq, event);
  if (bySeq.size === before) return events;
  return [...bySeq.values()].sort((a, b) => b.seq - a.seq);
}

/** Reads the history page by page, and adds events from the stream. */
export class HistoryReader {
  #history: History;
  readonly #changed: (history: History) => void;

  constructor(history: History, changed: (history: History) => void) {
    this.#history = history;
    this.#changed = changed;
  }

  /** Switches to another scope, which is read next. */
  turnTo(scope: string | undefined): void {
    this.#set({ ...emptyHistory(scope), isLoading: true });
  }

  /** Reads the newest events, at first or after some may have been missed. */
  async read(): Promise<void> {
    const known = this.#history;
    const { scope } = known;
    this.#set({ ...known, isThere: false, isLoading: true });
    await this.#page(scope, undefined, PAGE, (events, hasOlder) => {
      const oldest = events.at(-1)?.seq ?? 0;
      const all = merge(this.#history.events, events);
      // Keep the previous events only if there is no gap to them.
      const isWhole = !hasOlder || known.events.some(({ seq }) => seq >= oldest);
      return isWhole && known.events.length > 0
        ? { events: all, isThere: true }
        : { events: all.filter(({ seq }) => seq >= oldest), hasOlder, isThere: true };
    });
  }

  /** Reads the next older page, or several until enough wanted events are found. */
  async readOlder(isWanted?: (event: EventView) => boolean): Promise<void> {
    const { scope } = this.#history;
    let found = 0;
    for (let pages = 0; pages < (isWanted ? SEARCHED_PAGES : 1) && found < 20; pages++) {
      const { events, hasOlder, isLoading } = this.#history;
      if (!hasOlder || (isLoading && pages === 0) || this.#history.scope !== scope) return;
      this.#set({ ...this.#history, isLoading: true });
      await this.#page(scope, events.at(-1)?.seq, isWanted ? SEARCHED_PAGE : PAGE, (older, more) => {
        found += isWanted ? older.filter(isWanted).length : older.length;
        const all = merge(this.#history.events, older);
        return { events: all, hasOlder: more && all.length < MAX_EVENTS };
      });
      if (this.#history.problem !== undefined) return;
    }
  }

  /** Adds events from the stream, which has those of all clusters. */
  add(events: readonly EventView[]): void {
    const { scope } = this.#history;
    const wanted = events.filter(
      ({ product, cluster }) => scope === undefined || scope === `${product}/${cluster}`,
    );
    const all = merge(this.#history.events, wanted);
    if (all === this.#history.events) return;
    const isFull = all.length > MAX_EVENTS;
    this.#set({
      ...this.#history,
      events: isFull ? all.slice(0, MAX_EVENTS) : all,
    });
  }

  async #page(
    scope: string | undefined,
    before: number | undefined,
    limit: number,
    take: (events: readonly EventView[], hasOlder: boolean) => Partial<History>,
  ): Promise<void> {
    try {
      const { events, next } = await readEvents(scope, { before, limit });
      if (this.#history.scope !== scope) return;
      const { problem: _, ...rest } = this.#history;
      this.#set({ ...rest, ...take(events, next !== undefined), isLoading: false });
    } catch (error) {
      if (!(error instanceof Refused)) throw error;
      if (this.#history.scope !== scope) return;
      this.#set({ ...this.#history, isLoading: false, problem: error.message });
    }
  }

  #set(history: History): void {
    this.#history = history;
    this.#changed(history);
  }
}
