import type { EventView } from '../http/api/schemas.js';
import { nameOf } from './cluster-name.js';
import { Columns } from './table.js';

/** The history as text, one event a row; later rows line up with earlier ones. */
export class EventTable {
  readonly #columns: Columns;
  #hasHead = false;

  /** `width`: characters in a line. */
  constructor(width: number) {
    this.#columns = new Columns(['time', 'cluster', 'event', 'address', 'revision'], width);
  }

  /** The lines for more events; the first ones come with the header. */
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
