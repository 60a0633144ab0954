import type { EventView } from '../http/api/schemas.js';
import { nameOf } from './cluster-name.js';
import { Columns } from './table.js';

/** The history as text, a row an event; rows that come later fit below those before. */
export class EventTable {
  readonly #columns: Columns;
  #hasHead = false;

  /** `width`: characters in a line. */
  constructor(width: number) {
    this.#columns = new Columns(['time', 'cluster', 'event', 'address', 'revision'], width);
  }

  /** Lines that follow those before; the first ones have the head above. */
  lines(events: readonly EventView[]): string[] {
    if (events.length === 0) return [];
    const rows = events.map((event) => {
      const { time, type, address = '', revision, reason } = event;
      return { cells: [time, nameOf(event), type, address, String(revision)], note: reason };
    });
    const head = !this.#hasHead;
    this.#hasHead = true;
    return this.#columns.lines(rows, { head });
  }
}
