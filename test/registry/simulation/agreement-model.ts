import {
  aim,
  learn,
  mayJoin,
  requiredVersions,
  promisable,
  promise,
  releasable,
  sendable,
  UNREAD,
  type Version,
  type Watermarks,
} from '../../../src/registry/agreement.js';

/*
 * Every state that some servers, a node and one database can come to when servers agree on changes of one list, breadth
 * first (docs/internals/agreement.md). The rules are those of registry/agreement.ts; what is modelled is who reads and
 * writes what when: each statement is a step, between which anything else may happen. A step of a server may fail at any
 * time, its write made or not, and a server may rest for as long as it likes: so cuts, lost answers and pauses, as many as
 * there may be, need no steps of their own.
 *
 * Of time there is only what the inequality of the timers gives (LIST_CURRENT, REPLICA_LOST_AFTER, which the test checks): at
 * any moment a server may be no longer current, and then, but not before, its row may be revoked; an exchange that renewed the
 * row makes it current again.
 *
 * Nodes do nothing but look, and each for itself: so one looks at a time, x, which is a member from the beginning, or j,
 * which joins.
 */

/** Addresses as bits: x and y are members from the beginning. y may leave and j may join. */
const X = 1;
const Y = 2;
const J = 4;
export const NODES = { x: X, j: J };
/** What no server has promised or seen: no limit. */
const ANY = 90;
const NAMES: Record<number, string> = { [X]: 'x', [Y]: 'y', [J]: 'j' };

interface List {
  readonly revision: number;
  readonly members: number;
}

interface Row {
  readonly isThere: boolean;
  readonly seenChange: number;
  readonly promised: number;
  readonly revokedAt: number;
  /** Whether its server has written it since the copy was made: the count of its writes is higher than the copy's. */
  readonly written: number;
}

interface Database {
  readonly changes: number;
  readonly released: number;
  readonly list: List;
  readonly listChange: number;
  readonly rows: readonly Row[];
}

/** What a server read when its exchange began. */
interface Read {
  readonly changes: number;
  readonly released: number;
  /** Up to which change the others let it promise. */
  readonly promisable: number;
  /** What its own view of the rows would release; only what is broken on purpose goes by it. */
  readonly releasable: number;
  /** The rows that may be revoked, as bits. */
  readonly overdue: number;
  readonly isAlone: boolean;
  /** Whether its report was made after the copy. */
  readonly written: number;
}

/** What an exchange does next. */
type Step = 'idle' | 'look' | 'read' | 'report' | 'finish';
const STEPS: readonly Step[] = ['idle', 'look', 'read', 'report', 'finish'];

interface Server {
  readonly isUp: boolean;
  /** Whether its first exchange has ended, so that it answers. */
  readonly isOpen: boolean;
  readonly seen: number;
  readonly promised: number;
  readonly aim: number;
  readonly released: number;
  readonly releasedLast: number;
  readonly written: number;
  readonly versions: readonly Version<List>[];
  /** The change of the row that the newest of them was read from; -1 when it is to be read anew. */
  readonly row: number;
  /** Whether the database has lost something since. */
  readonly isDisputed: boolean;
  /** Whether it has read something of which its row does not say so for certain. */
  readonly isUnconfirmed: boolean;
  /** Whether it may send lists: its last whole exchange began not long ago. */
  readonly isCurrent: boolean;
  readonly isAlone: boolean;
  /** What it sent last on the connection of a proxy that all nodes share. */
  readonly sent: number;
  readonly step: Step;
  readonly read: Read | undefined;
}

export interface State {
  readonly database: Database;
  /** An older copy of the database that may take its place. */
  readonly copy: Database | undefined;
  readonly servers: readonly Server[];
  /** The newest list that the node was sent. */
  readonly has: List;
  /** Who has the list's row locked for a decision, and one more, and what it read as released. */
  readonly locker: number;
  readonly lockedReleased: number;
  readonly changesMade: number;
  readonly crashes: number;
  readonly leaves: number;
  readonly setBacks: number;
  /** Servers, as bits, that have not looked at the database since it was set back. */
  readonly unaware: number;
}

/** How much may happen. */
export interface Bounds {
  readonly servers: number;
  readonly changes: number;
  readonly crashes: number;
  /** How often a server takes its leave, and may start again. */
  readonly leaves: number;
  readonly setBacks: number;
  /** Whether decisions are two steps, with others in between. */
  readonly slowDecisions: boolean;
  readonly node: keyof typeof NODES;
  /** Whether a server may be away for so long that it is given up. */
  readonly givesUp: boolean;
  /** What is decided: that y leaves or comes back, or that j joins, too. */
  readonly decisions: 'leave' | 'any';
}

/** The rules, or what is broken of them on purpose. */
export interface Agreement {
  readonly promisable: typeof promisable;
  readonly releasable: typeof releasable;
  readonly sendable: typeof sendable<List>;
  readonly mayJoin: typeof mayJoin;
  /** A server is not current any more before its row may be revoked (LIST_CURRENT < REPLICA_LOST_AFTER). */
  readonly stopsInTime: boolean;
  /** A server that releases counts its own row, too. */
  readonly countsItself: boolean;
  /** Revoked rows are others, too. */
  readonly remembersRevoked: boolean;
  /** So are the rows of those that took their leave. */
  readonly remembersLeft: boolean;
  /** A row that was renewed since it was read is not revoked. */
  readonly comparesWhenRevoking: boolean;
  /** A release is computed by the database; otherwise from the rows as a server read them, the overdue left out. */
  readonly releasesInDatabase: boolean;
  /** A server's own transactions are counted in its row, so that it notices that one is gone. */
  readonly countsItsWrites: boolean;
  /** What was read is read again unless the row was confirmed to say so. */
  readonly confirms: boolean;
  /** What all have seen is released, promised or not. */
  readonly releasesWhatIsSeen: boolean;
  /** A server stops to send the list before, and only then says that it does. */
  readonly holdsFirst: boolean;
  /** An exchange looks at its own row once more after it has renewed that. */
  readonly looksAfterwards: boolean;
  /** A server that was given up forgets what it had, and reads what there is after it has entered. */
  readonly beginsAnew: boolean;
  /** What was sent last belongs to a caller, and not to a connection. */
  readonly knowsItsCaller: boolean;
}

export const REAL: Agreement = {
  promisable,
  releasable,
  sendable,
  mayJoin,
  stopsInTime: true,
  countsItself: true,
  remembersRevoked: true,
  remembersLeft: true,
  comparesWhenRevoking: true,
  releasesInDatabase: true,
  countsItsWrites: true,
  confirms: true,
  releasesWhatIsSeen: false,
  holdsFirst: true,
  looksAfterwards: true,
  beginsAnew: true,
  knowsItsCaller: true,
};

interface Next {
  readonly label: string;
  readonly state: State;
}

class Broken extends Error {}

const NOBODY: Server = {
  isUp: false,
  isOpen: false,
  seen: -1,
  promised: -1,
  aim: -1,
  released: -1,
  releasedLast: -1,
  written: 0,
  versions: [],
  row: -1,
  isDisputed: false,
  isUnconfirmed: false,
  isCurrent: false,
  isAlone: false,
  sent: 0,
  step: 'idle',
  read: undefined,
};

export class AgreementModel {
  readonly #bounds: Bounds;
  readonly #rules: Agreement;

  constructor(bounds: Bounds, rules: Agreement = REAL) {
    this.#bounds = bounds;
    this.#rules = rules;
  }

  get first(): State {
    const list = { revision: 1, members: X | Y };
    const row = { isThere: true, seenChange: 1, promised: 1, revokedAt: 0, written: 0 };
    const server: Server = {
      ...NOBODY,
      isUp: true,
      isOpen: true,
      seen: 1,
      promised: 1,
      aim: 1,
      released: 1,
      releasedLast: 1,
      versions: [{ list, revision: 1, change: 1, replacedBy: Infinity }],
      row: 1,
      isCurrent: true,
    };
    const all = <T>(one: T): T[] => Array.from({ length: this.#bounds.servers }, () => one);
    return {
      database: { changes: 1, released: 1, list, listChange: 1, rows: all(row) },
      copy: undefined,
      servers: all(server),
      has: this.#bounds.node === 'x' ? list : { revision: 0, members: 0 },
      locker: 0,
      lockedReleased: 0,
      changesMade: 0,
      crashes: 0,
      leaves: 0,
      setBacks: 0,
      unaware: 0,
    };
  }

  /** Every state that may come next. Throws when a step breaks an invariant. */
  next(state: State): Next[] {
    const steps = this.#steps(state);
    if (state.setBacks >= this.#bounds.setBacks) return steps;
    const { copy, database } = state;
    if (copy)
      return [
        ...steps,
        { label: 'the copy takes the place of the database', state: this.#setBack(state, copy) },
      ];
    // A copy is another database only when something is written after it was made.
    for (const step of this.#steps({ ...state, copy: database })) {
      if (step.state.database !== database)
        steps.push({ ...step, label: `${step.label}, which a copy does not have` });
    }
    return steps;
  }

  #steps(state: State): Next[] {
    const steps: Next[] = [];
    const add = (label: string, next: State | undefined): void => {
      if (next) steps.push({ label, state: next });
    };
    this.#releases(state, add);
    state.servers.forEach((server, i) => {
      const name = String.fromCharCode(65 + i);
      if (server.isUp) {
        if (server.isCurrent && this.#bounds.givesUp)
          add(`${name} is current no more`, this.#with(state, i, { isCurrent: false }));
        this.#exchange(state, i, (what, next) => add(`${name} ${what}`, next));
        if (server.isOpen) {
          this.#decisions(state, i, (what, next) => add(`${name} ${what}`, next));
          add(`${name} sends ${this.#bounds.node} its list`, this.#poll(state, i));
        }
      }
      if (state.crashes < this.#bounds.crashes && server.isUp)
        add(`${name} crashes and starts again`, this.#crash(state, i));
      if (state.leaves < this.#bounds.leaves && server.isUp)
        add(`${name} takes its leave, and starts again`, this.#leave(state, i));
    });
    return steps;
  }

  /** Whoever it is that does it. */
  #releases(state: State, add: (label: string, next: State) => void): void {
    const { database } = state;
    const { countsItself, releasesInDatabase } = this.#rules;
    const rows = database.rows
      .filter(({ isThere }) => isThere)
      .map((row) => (this.#rules.releasesWhatIsSeen ? { ...row, promised: row.seenChange } : row));
    const views = countsItself
      ? [this.#rules.releasable(rows)]
      : database.rows.map((_, own) =>
          this.#rules.releasable(database.rows.filter((row, i) => row.isThere && i !== own)),
        );
    if (releasesInDatabase) {
      for (const released of new Set(views)) {
        if (released > database.released)
          add(`${released} is released`, { ...state, database: { ...database, released } });
      }
      return;
    }
    for (const { step, read } of state.servers) {
      if ((step === 'report' || step === 'finish') && read && read.releasable > database.released) {
        const released = read.releasable;
        add(`${released} is released by what was read before`, {
          ...state,
          database: { ...database, released },
        });
      }
    }
  }

  #with(state: State, i: number, change: Partial<Server>): State {
    return {
      ...state,
      servers: state.servers.map((server, at) => (at === i ? { ...server, ...change } : server)),
    };
  }

  #withRow(database: Database, i: number, change: Partial<Row>): Database {
    return { ...database, rows: database.rows.map((row, at) => (at === i ? { ...row, ...change } : row)) };
  }

  #look(state: State, i: number): Read {
    const { changes, released, rows } = state.database;
    const { remembersRevoked } = this.#rules;
    const others = rows.filter((row, at) => at !== i && row.isThere);
    let overdue = 0;
    rows.forEach((row, at) => {
      if (at !== i && row.isThere && row.revokedAt === 0 && this.#isOverdue(state, at)) overdue |= 1 << at;
    });
    return {
      changes,
      released,
      promisable: this.#rules.promisable(others, ANY),
      releasable: this.#rules.releasesInDatabase
        ? 0
        : this.#rules.releasable(rows.filter((row, at) => row.isThere && !this.#isOverdue(state, at))),
      overdue,
      isAlone: others.every(({ revokedAt }) => !remembersRevoked && revokedAt !== 0),
      written: 0,
    };
  }

  /** Whether the database has lost what it had confirmed to a server. */
  #hasLost({ database, servers }: State, i: number): boolean {
    const row = database.rows[i]!;
    const { seen, written } = servers[i]!;
    return database.changes < seen || (this.#rules.countsItsWrites && row.isThere && row.written < written);
  }

  /** Whether the row of a server has not been renewed for so long that it may be revoked. */
  #isOverdue(state: State, i: number): boolean {
    const { isCurrent, step } = state.servers[i]!;
    return !this.#rules.stopsInTime || (!isCurrent && step !== 'finish');
  }

  /** Whether an exchange that began now could change anything. */
  #hasUse(state: State, i: number): boolean {
    const { changes, released, rows } = state.database;
    const server = state.servers[i]!;
    const row = rows[i]!;
    const read = this.#look(state, i);
    const isNoted = state.copy === undefined || (row.written === 1 && server.written === 1);
    return (
      !server.isCurrent ||
      server.isUnconfirmed ||
      server.seen !== changes ||
      row.seenChange !== changes ||
      server.promised < Math.min(read.promisable, changes) ||
      row.promised < server.promised ||
      server.releasedLast < released ||
      read.overdue !== 0 ||
      read.isAlone !== server.isAlone ||
      !isNoted
    );
  }

  #reads(state: State, i: number): State {
    const read = this.#look(state, i);
    const server = state.servers[i]!;
    const step = read.changes === server.seen ? 'report' : 'read';
    return this.#with(state, i, { step, read, aim: aim(server.aim, read.changes, server.releasedLast) });
  }

  /** Whether its row says that the server may go on with what it has. */
  #isEntered({ isThere, revokedAt }: Row): boolean {
    return isThere && revokedAt === 0;
  }

  #exchange(state: State, i: number, add: (label: string, next: State) => void): void {
    const server = state.servers[i]!;
    const { database } = state;
    const row = database.rows[i]!;
    const fails = (): void =>
      add('’s exchange fails', this.#with(state, i, { step: 'idle', read: undefined }));
    switch (server.step) {
      case 'idle': {
        const hasLost = this.#hasLost(state, i);
        if (server.isOpen && this.#isEntered(row) && !hasLost) {
          // One of which nothing comes is left out.
          const anew = { isUnconfirmed: false, row: -1, seen: -1 };
          const ready = server.isUnconfirmed && this.#rules.confirms ? this.#with(state, i, anew) : state;
          if (this.#hasUse(ready, i)) add('reads the state', this.#reads(ready, i));
          return;
        }
        if (!this.#rules.beginsAnew && server.isOpen) {
          const read = this.#look(state, i);
          return add('reads the state', this.#with(state, i, { step: 'look', read }));
        }
        // It trusts nothing that it has, and enters anew.
        const distrusting = this.#with(state, i, {
          row: -1,
          isDisputed: server.isDisputed || hasLost,
          isUnconfirmed: false,
          versions: server.versions.slice(-1).map((one) => ({ ...one, change: UNREAD })),
          seen: -1,
          promised: -1,
          aim: -1,
          released: -1,
          releasedLast: -1,
          written: 0,
          isCurrent: false,
          step: 'look',
          read: undefined,
        });
        const entered = { isThere: true, seenChange: 0, promised: 0, revokedAt: 0, written: 0 };
        return add('enters', { ...distrusting, database: this.#withRow(database, i, entered) });
      }
      case 'look':
        fails();
        if (server.read) {
          const entered = { ...row, revokedAt: 0, seenChange: Math.max(0, server.seen) };
          const next = { ...state, database: this.#withRow(database, i, entered) };
          const step = server.read.changes === server.seen ? 'report' : 'read';
          return add('enters', this.#with(next, i, { step }));
        }
        return add('reads the state', this.#reads(state, i));
      case 'read': {
        fails();
        const learned = this.#learn(state, i, server.read!);
        return add(
          'reads what changed',
          this.#with(learned, i, { step: 'report', isUnconfirmed: this.#bounds.setBacks > 0 }),
        );
      }
      case 'report': {
        fails();
        const read = server.read!;
        const { holdsFirst } = this.#rules;
        const promisable = Math.min(read.promisable, server.seen);
        const promised = promise(server.promised, { aim: server.aim, promisable });
        const holding = holdsFirst ? this.#move(state, i, { promised }) : state;
        let next = database;
        if (this.#isEntered(row)) {
          next = this.#withRow(next, i, {
            seenChange: Math.max(row.seenChange, server.seen),
            promised: Math.max(row.promised, promised),
            written: written(state, row),
          });
        }
        next.rows.forEach((other, at) => {
          const isOverdue = ((read.overdue >> at) & 1) === 1 && other.isThere && other.revokedAt === 0;
          if (isOverdue && (!this.#rules.comparesWhenRevoking || this.#isOverdue(state, at)))
            next = this.#withRow(next, at, { revokedAt: 1 });
        });
        return add('reports', {
          ...this.#with(holding, i, {
            step: 'finish',
            promised,
            read: { ...read, written: Number(state.copy !== undefined) },
          }),
          database: next,
        });
      }
      case 'finish': {
        fails();
        if (this.#rules.looksAfterwards && !this.#isEntered(row)) return;
        const read = server.read!;
        const released = Math.max(
          server.released,
          this.#rules.looksAfterwards ? database.released : read.released,
        );
        const moved = this.#move(state, i, { released, releasedLast: released });
        return add(
          'ends its exchange',
          this.#with({ ...moved, unaware: state.unaware & ~(1 << i) }, i, {
            isOpen: true,
            isUnconfirmed: false,
            isCurrent: true,
            isAlone: read.isAlone,
            written: Math.max(server.written, read.written),
            step: 'idle',
            read: undefined,
          }),
        );
      }
    }
  }

  /** It reads the list unless it has that already. */
  #learn(state: State, i: number, read: Read): State {
    const server = state.servers[i]!;
    const { list, listChange } = state.database;
    const newest = newestOf(server);
    if (listChange <= server.seen || server.row === listChange)
      return this.#with(state, i, { seen: read.changes });
    // What it has of an older database is taken for the truth, and must be written back: it waits for a decision.
    if (newest && isForked(newest, list, server.isDisputed)) return this.#writeBack(state, i, read);
    const kept = this.#keep(state, i, list, listChange, read.released);
    return this.#with(kept, i, { seen: read.changes });
  }

  /** What a server has and the database has lost is decided anew. */
  #writeBack(state: State, i: number, read: Read): State {
    if (state.locker !== 0) return this.#with(state, i, { seen: -1 });
    const server = state.servers[i]!;
    const list = reconciled(newestOf(server)!, state.database.list);
    const listChange = state.database.changes + 1;
    const database = this.#withRow({ ...state.database, changes: listChange, list, listChange }, i, {
      written: written(state, state.database.rows[i]!),
    });
    const kept = this.#keep({ ...state, database }, i, list, listChange, read.released);
    return this.#with(kept, i, { seen: read.changes, written: written(state, server) });
  }

  /** KnownClusters.keep. */
  #keep(state: State, i: number, list: List, listChange: number, read: number): State {
    const server = state.servers[i]!;
    if (server.row > listChange) return state;
    const released = Math.max(server.released, read);
    const versions = learn(server.versions, { list, revision: list.revision, change: listChange });
    const marks = { released, promised: server.promised, aim: server.aim };
    return this.#with(state, i, {
      versions: requiredVersions(versions, marks),
      row: listChange,
      isDisputed: false,
      released,
    });
  }

  /** Its watermarks move. */
  #move(state: State, i: number, marks: Partial<Watermarks & { releasedLast: number }>): State {
    const { promised, aim, versions } = { ...state.servers[i]!, ...marks };
    return this.#with(state, i, { ...marks, versions: requiredVersions(versions, { promised, aim }) });
  }

  #decisions(state: State, i: number, add: (label: string, next: State) => void): void {
    const { slowDecisions, changes } = this.#bounds;
    if (state.locker === i + 1) {
      add('’s decision fails', { ...state, locker: 0, lockedReleased: 0 });
      return this.#commits(state, i, state.lockedReleased, add);
    }
    if (state.locker !== 0 || state.changesMade >= changes) return;
    if (slowDecisions)
      add('begins a decision', { ...state, locker: i + 1, lockedReleased: state.database.released });
    else this.#commits(state, i, state.database.released, add);
  }

  #commits(state: State, i: number, released: number, add: (label: string, next: State) => void): void {
    const server = state.servers[i]!;
    const { database } = state;
    // Without its row it cannot tell.
    if (this.#hasLost(state, i) || !database.rows[i]!.isThere) return;
    const newest = newestOf(server);
    const isUpToDate = !server.isUnconfirmed && server.row === database.listChange;
    const isAhead = (newest?.revision ?? 0) > database.list.revision;
    const base = newest && (isUpToDate || isAhead) ? newest : database.list;
    for (const bit of this.#bounds.decisions === 'leave' ? [Y] : [Y, J]) {
      const has = (base.members & bit) !== 0;
      if (bit === J && has) continue;
      const members = base.members ^ bit;
      const list = { revision: base.revision + 1, members };
      const listChange = database.changes + 1;
      // What is written is what differs from what the decider takes for stored: what it knows, unless it read that.
      const differing = (database.list.members & ~(base.members & ~members)) | (members & ~base.members);
      const stored = isUpToDate ? differing : members;
      const row = database.rows[i]!;
      const next = this.#withRow(
        { ...database, changes: listChange, list: { ...list, members: stored }, listChange },
        i,
        {
          written: this.#isEntered(row) ? written(state, row) : row.written,
        },
      );
      const made = {
        ...state,
        database: next,
        changesMade: state.changesMade + 1,
        locker: 0,
        lockedReleased: 0,
      };
      const what = `decides that ${NAMES[bit]} ${has ? 'leaves' : 'joins'}`;
      const kept = this.#keep(made, i, list, listChange, released);
      add(what, this.#with(kept, i, { written: written(state, server) }));
      add(`${what}, and does not hear of it`, made);
    }
  }

  /** Undefined when it gets no list. */
  #poll(state: State, i: number): State | undefined {
    const { isCurrent, isAlone, sent } = state.servers[i]!;
    const { has } = state;
    const address = NODES[this.#bounds.node];
    const newest = newestOf(state.servers[i]!);
    if (!newest || (newest.members & address) === 0) return undefined;
    // The exception: who has looked at a database that was set back believes it until those who know more have looked, too.
    if (state.unaware !== 0 && ((state.unaware >> i) & 1) === 0) return undefined;
    const list = this.#listFor(state.servers[i]!, newest, address);
    if (!list) return undefined;
    // Who was sent this very list last, and by nobody else another, is sent it for as long as it likes: no state is another.
    const goesOn = !this.#rules.knowsItsCaller && sent === list.revision;
    if (!isAlone && !isCurrent && !goesOn) return undefined;
    const told = (one: List): string => `revision ${one.revision} (${tellMembers(one.members)})`;
    const sends = `${String.fromCharCode(65 + i)} sends ${this.#bounds.node} ${told(list)} after ${told(has)}`;
    if (list.revision < has.revision) throw new Broken(`I1: ${sends}`);
    if (list.revision === has.revision && list.members !== has.members) throw new Broken(`I4: ${sends}`);
    return { ...this.#with(state, i, { sent: this.#rules.knowsItsCaller ? 0 : list.revision }), has: list };
  }

  /** ServedCluster.listFor. */
  #listFor({ versions, released, promised }: Server, newest: List, address: number): List | undefined {
    const marks = { released, promised: this.#rules.holdsFirst ? promised : -1 };
    const sent = this.#rules.sendable(versions, marks)?.list;
    if (!sent || (sent.members & address) !== 0) return sent;
    return this.#rules.mayJoin(sent, newest) ? newest : undefined;
  }

  /** Its row stays, and is taken over when it enters again. */
  #crash(state: State, i: number): State {
    const next = this.#with(state, i, { ...NOBODY, isUp: true });
    const isLocker = state.locker === i + 1;
    return {
      ...next,
      crashes: state.crashes + 1,
      unaware: state.unaware & ~(1 << i),
      ...(isLocker ? { locker: 0, lockedReleased: 0 } : {}),
    };
  }

  /** Nobody waits for it until it enters again. */
  #leave(state: State, i: number): State {
    const next = this.#crash(state, i);
    const left = this.#rules.remembersLeft ? { revokedAt: 1 } : { isThere: false, revokedAt: 0 };
    return {
      ...next,
      database: this.#withRow(next.database, i, left),
      crashes: state.crashes,
      leaves: state.leaves + 1,
    };
  }

  /** All connections end with the database that was. */
  #setBack(state: State, copy: Database): State {
    return {
      ...state,
      database: copy,
      copy: undefined,
      locker: 0,
      lockedReleased: 0,
      setBacks: state.setBacks + 1,
      unaware: state.servers.reduce((bits, { isOpen }, i) => (isOpen ? bits | (1 << i) : bits), 0),
      servers: state.servers.map((server, i) => {
        if (!server.isOpen) return { ...NOBODY, isUp: true };
        // The exception: nobody can wait for a server whose entering was lost.
        const isCurrent = server.isCurrent && this.#isEntered(copy.rows[i]!);
        return { ...server, isCurrent, step: 'idle', read: undefined };
      }),
    };
  }

  /** I5: when all that are up exchange in turn and nothing fails, all have and send the newest list in the end. */
  settles(state: State, tell?: (state: State) => void): boolean {
    let now: State = { ...state, locker: 0, lockedReleased: 0 };
    const step = (i: number): void => {
      const next: State[] = [];
      this.#exchange(now, i, (label, one) => {
        if (!label.endsWith('fails')) next.push(one);
      });
      now = next[0] ?? this.#with(now, i, { step: 'idle', read: undefined });
    };
    for (let round = 0; round < 6; round++) {
      now.servers.forEach(({ isUp }, i) => {
        if (!isUp) return;
        do step(i);
        while (now.servers[i]!.step !== 'idle');
        this.#releases(now, (_, next) => (now = next));
      });
    }
    tell?.(now);
    const { list } = now.database;
    return now.servers.every((server) => {
      const { isUp, versions } = server;
      const sent = this.#rules.sendable(versions, server)?.list;
      return !isUp || (sent?.revision === list.revision && sent.members === list.members);
    });
  }
}

/** What it says of a row, or of what its server knows to be confirmed, after a write. */
function written({ copy }: State, before: Pick<Row, 'written'>): number {
  return copy ? 1 : before.written;
}

function newestOf({ versions }: Server): List | undefined {
  return versions.at(-1)?.list;
}

function isForked(newest: List, stored: List, isDisputed: boolean): boolean {
  if (newest.revision > stored.revision) return true;
  if (!isDisputed) return false;
  if (newest.revision === stored.revision) return newest.members !== stored.members;
  return (newest.members & ~stored.members) !== 0;
}

function reconciled(newest: List, stored: List): List {
  if (newest.revision > stored.revision) return newest;
  return { revision: stored.revision + 1, members: newest.members | stored.members };
}

function tellMembers(members: number): string {
  return [X, Y, J]
    .filter((bit) => (members & bit) !== 0)
    .map((bit) => NAMES[bit])
    .join(' ');
}

/** What came of a search. */
export interface Found {
  readonly states: number;
  /** Whether every state within the bounds was looked at. */
  readonly isWhole: boolean;
  /** The shortest way to a state that must not be, and what is wrong there. */
  readonly broken: { readonly why: string; readonly steps: readonly string[] } | undefined;
}

/** Looks at every state within the bounds, breadth first, or at so many. */
export function explore(model: AgreementModel, { most = Infinity, progressEach = 97 } = {}): Found {
  const queue: (State | undefined)[] = [model.first];
  const from: number[] = [-1];
  const labels: string[] = [''];
  const known = new Set([encode(model.first)]);
  const broken = (why: string, last: number): Found => {
    const steps: string[] = [];
    for (let i = last; i > 0; i = from[i]!) steps.unshift(labels[i]!);
    return { states: known.size, isWhole: false, broken: { why, steps } };
  };
  for (let at = 0; at < queue.length; at++) {
    const state = queue[at]!;
    // Not to be held any longer.
    queue[at] = undefined;
    let next: Next[];
    try {
      next = model.next(state);
    } catch (error) {
      if (!(error instanceof Broken)) throw error;
      return broken(error.message, at);
    }
    if (at % progressEach === 0 && !model.settles(state)) return broken('I5: the servers never agree', at);
    for (const { label, state: one } of next) {
      const key = encode(one);
      if (known.has(key)) continue;
      known.add(key);
      queue.push(one);
      from.push(at);
      labels.push(label);
    }
    if (known.size >= most) return { states: known.size, isWhole: false, broken: undefined };
  }
  return { states: known.size, isWhole: true, broken: undefined };
}

const BYTES = Buffer.alloc(512);

/** A state as a key: the same one for states in which only the servers have changed their places. */
function encode(state: State): string {
  let least: string | undefined;
  for (const order of ORDERS[state.servers.length] ?? []) {
    const key = encodeIn(state, order);
    if (least === undefined || key < least) least = key;
  }
  return least ?? '';
}

const ORDERS: readonly (readonly (readonly number[])[])[] = [
  [],
  [[0]],
  [
    [0, 1],
    [1, 0],
  ],
  [
    [0, 1, 2],
    [0, 2, 1],
    [1, 0, 2],
    [1, 2, 0],
    [2, 0, 1],
    [2, 1, 0],
  ],
];

function encodeIn(state: State, order: readonly number[]): string {
  let at = 0;
  const put = (value: number): void => void (BYTES[at++] = value + 1);
  const putList = (list: List | undefined): void => {
    put(list?.revision ?? 0);
    put(list?.members ?? 0);
  };
  const putDatabase = (database: Database | undefined): void => {
    if (!database) return put(-1);
    put(database.changes);
    put(database.released);
    put(database.listChange);
    putList(database.list);
    for (const i of order) {
      const row = database.rows[i]!;
      put(Number(row.isThere) + 2 * row.revokedAt);
      put(row.seenChange);
      put(row.promised);
      put(row.written);
    }
  };
  putDatabase(state.database);
  putDatabase(state.copy);
  for (const i of order) {
    const server = state.servers[i]!;
    const { read } = server;
    put(
      Number(server.isUp) +
        2 * Number(server.isOpen) +
        8 * Number(server.isAlone) +
        16 * Number(server.isCurrent) +
        32 * Number(server.isDisputed) +
        64 * Number(server.isUnconfirmed),
    );
    put(server.seen);
    put(server.promised);
    put(server.written);
    put(server.aim);
    put(server.released);
    put(server.releasedLast);
    put(server.row);
    put(server.versions.length);
    for (const { list, change, replacedBy } of server.versions) {
      putList(list);
      put(Math.min(change, ANY));
      put(Math.min(replacedBy, ANY));
    }
    put(server.sent);
    put(STEPS.indexOf(server.step));
    if (read === undefined) put(-1);
    else {
      put(read.changes);
      put(read.released);
      put(read.promisable);
      put(read.releasable);
      let overdue = 0;
      order.forEach((from, to) => (overdue |= ((read.overdue >> from) & 1) << to));
      put(4 * overdue + 2 * read.written + Number(read.isAlone));
    }
  }
  putList(state.has);
  put(state.locker === 0 ? 0 : 1 + order.indexOf(state.locker - 1));
  put(state.lockedReleased);
  put(state.changesMade);
  put(state.crashes);
  put(state.leaves);
  put(state.setBacks);
  let unaware = 0;
  order.forEach((from, to) => (unaware |= ((state.unaware >> from) & 1) << to));
  put(unaware);
  return BYTES.toString('latin1', 0, at);
}
