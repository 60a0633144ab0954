import { sql, type Kysely, type RawBuilder } from 'kysely';
import type { Address } from '../../registry/address.js';
import type { ClusterKey } from '../../registry/cluster.js';
import type { Replica } from '../../registry/agreement.js';
import type { RegistryEvent } from '../../registry/events.js';
import type { EventQuery } from '../../registry/interfaces.js';
import { DELETED_KEPT } from '../../registry/rules.js';
import { FACT_NAMES } from '../../registry/lease-facts.js';
import { columnOf, LEASE_COLUMNS, type ClusterRow, type LeaseRow } from '../rows.js';
import { nowMs, sqlFor } from './client/builder.js';
import type { Database, Statement } from './client/database.js';
import type { ClusterTable, EventTable, LeaseTable, Tables } from '../schema.js';

/** A cluster's row as read from the database. */
export type StoredCluster = Omit<ClusterTable, 'id'> & { readonly id: number };

/** A lease's row with its cluster's id. */
export type StoredLeaseRow = LeaseTable;

/** A row of {@link Queries.state}: the clock, and one of the replicas if there is any. */
export interface StateRow {
  readonly hearing_ms: number;
  readonly database_ms: number;
  readonly grace_until: number;
  readonly changes: number;
  readonly released: number;
  readonly now_ms: number;
  readonly id: string | null;
  readonly token: string | null;
  readonly seen_at: number | null;
  readonly seen: number | null;
  readonly promised: number | null;
  readonly revoked_at: number | null;
  readonly written: number | null;
}

/** The columns that a replica writes into its own row. */
export type OwnWrite = Omit<Tables['address_server_replica'], 'revoked_at'>;

/** A lease to write. */
export interface LeaseWrite extends LeaseRow {
  readonly cluster_id: number;
}

export type AddressTable = 'address_server_member' | 'address_server_waiting' | 'address_server_departed';

/** Most leases in one write, some 100 bytes each. The oldest MySQL accepts packets of 4 MB. */
export const LEASES_AT_ONCE = 5_000;

/** Most members in one write; a put may list a thousand. */
const ROWS_AT_ONCE = 500;

/** Builds the store's statements for one dialect. */
export class Queries {
  readonly #dialect: Database['dialect'];
  readonly #sql: Kysely<Tables>;
  readonly #now: RawBuilder<number>;

  constructor(dialect: Database['dialect']) {
    this.#dialect = dialect;
    this.#sql = sqlFor(dialect);
    this.#now = nowMs(dialect);
  }

  /** Selects the clock with every replica: rows of type {@link StateRow}, at least one. */
  state(): Statement {
    return this.#sql
      .selectFrom('address_server_clock as c')
      .leftJoin('address_server_replica as r', (join) => join.onTrue())
      .select(['c.hearing_ms', 'c.database_ms', 'c.grace_until', 'c.changes', 'c.released'])
      .select(['r.id', 'r.token', 'r.seen_at', 'r.seen', 'r.promised', 'r.revoked_at', 'r.written'])
      .select(this.#now.as('now_ms'))
      .compile();
  }

  /** Selects a cluster's row of type {@link StoredCluster} and locks it until the transaction ends. */
  lockCluster({ product, name }: ClusterKey): Statement {
    return this.#sql
      .selectFrom('address_server_cluster')
      .selectAll()
      .where('product', '=', product)
      .where('name', '=', name)
      .forUpdate()
      .compile();
  }

  /** Inserts the row of a new cluster, unless another server was faster. */
  createCluster({ product, name }: ClusterKey): Statement {
    const insert = this.#sql.insertInto('address_server_cluster').values({
      product,
      name,
      epoch: 0,
      revision: 0,
      changed_at: 0,
      size: 0,
      quorum_lost: 0,
      awaits_repair: 0,
      repair_by: null,
      repair_until: null,
      version: 0,
      change_seq: 0,
      list_seq: 0,
      decided_at: 0,
    });
    return this.#dialect === 'mysql'
      ? insert.ignore().compile()
      : insert.onConflict((conflict) => conflict.doNothing()).compile();
  }

  updateCluster(
    id: number,
    row: Omit<ClusterRow, 'product' | 'name'> &
      Pick<StoredCluster, 'version' | 'change_seq' | 'list_seq' | 'decided_at'>,
  ): Statement {
    return this.#sql.updateTable('address_server_cluster').set(row).where('id', '=', id).compile();
  }

  /** Selects all clusters that changed after a change: rows of type {@link StoredCluster}. */
  clustersSince(change: number): Statement {
    return this.#sql
      .selectFrom('address_server_cluster')
      .selectAll()
      .where('change_seq', '>', change)
      .orderBy('id')
      .compile();
  }

  /** Selects the rows of these clusters from one table, in the order of the list. */
  rowsOf(table: AddressTable, clusterIds: readonly number[]): Statement {
    const order = table === 'address_server_departed' ? 'left_at' : 'position';
    return this.#sql
      .selectFrom(table)
      .selectAll()
      .where('cluster_id', 'in', [...clusterIds])
      .orderBy(sql.ref(order))
      .compile();
  }

  /** Selects the leases of these clusters: rows of type {@link StoredLeaseRow}. */
  leasesOf(clusterIds: readonly number[]): Statement {
    return this.#sql
      .selectFrom('address_server_lease')
      .selectAll()
      .where('cluster_id', 'in', [...clusterIds])
      .compile();
  }

  /** Selects the leases written since a time that may be news to this server. */
  leasesSince(writtenAt: number, self: number): Statement {
    return this.#sql
      .selectFrom('address_server_lease')
      .selectAll()
      .where('written_at', '>=', writtenAt)
      .where('writer', '!=', self)
      .compile();
  }

  /** Inserts or replaces rows by their address. */
  put(table: AddressTable, clusterId: number, rows: readonly object[]): Statement[] {
    const statements: Statement[] = [];
    for (let i = 0; i < rows.length; i += ROWS_AT_ONCE) {
      const some = rows.slice(i, i + ROWS_AT_ONCE).map((row) => ({ cluster_id: clusterId, ...row }));
      // The rows fit their tables (rows.ts), which kysely cannot see through the union.
      const insert = this.#sql.insertInto(table).values(some as never);
      const columns = Object.keys(some[0] ?? {}).filter(
        (name) => name !== 'cluster_id' && name !== 'address',
      );
      statements.push(
        this.#dialect === 'mysql'
          ? insert.onDuplicateKeyUpdate(assignments(columns, (name) => sql`values(${name})`)).compile()
          : insert
              .onConflict((conflict) =>
                conflict
                  .columns(['cluster_id', 'address'])
                  .doUpdateSet(assignments(columns, (name) => sql`excluded.${name}`)),
              )
              .compile(),
      );
    }
    return statements;
  }

  remove(
    table: AddressTable | 'address_server_lease',
    clusterId: number,
    addresses: readonly Address[],
  ): Statement {
    return this.#sql
      .deleteFrom(table)
      .where('cluster_id', '=', clusterId)
      .where('address', 'in', [...addresses])
      .compile();
  }

  /**
   * Merges leases into their rows as `merge` (registry/lease.ts) does, whatever others wrote in between.
   * Written as text, without kysely and parameters, because thousands of rows a second go this way and
   * addresses have no character that needs an escape. MySQL assigns in this order and later expressions see
   * earlier assignments, so comparisons come before the columns that grow.
   */
  writeLeases(rows: readonly LeaseWrite[], now: number, self: number): Statement {
    const isMysql = this.#dialect === 'mysql';
    const columns = ['cluster_id', ...LEASE_COLUMNS, 'written_at', 'writer'];
    const growing = FACT_NAMES.filter((fact) => fact !== 'deliveredAt').map(columnOf);
    const old = (column: string): string => (isMysql ? column : `l.${column}`);
    const fresh = (column: string): string => (isMysql ? `values(${column})` : `excluded.${column}`);
    const hasNews = growing.map((column) => `${old(column)} > ${fresh(column)}`).join(' or ');
    const assignments = [
      `writer = case when ${hasNews} then 0 else ${fresh('writer')} end`,
      `delivered_at = case when ${fresh('delivered')} > ${old('delivered')} then ${fresh('delivered_at')} ` +
        `when ${fresh('delivered')} = ${old('delivered')} then least(${old('delivered_at')}, ${fresh('delivered_at')}) ` +
        `else ${old('delivered_at')} end`,
      ...[...growing, 'written_at'].map((column) => `${column} = greatest(${old(column)}, ${fresh(column)})`),
    ];
    const values = rows
      .map(
        (row) =>
          `(${row.cluster_id},${LEASE_COLUMNS.map((column) => literal(row[column])).join(',')},${now},${self})`,
      )
      .join(',');
    return {
      sql:
        `insert into address_server_lease${isMysql ? '' : ' as l'} (${columns.join(', ')}) values ${values} ` +
        `${isMysql ? 'on duplicate key update' : 'on conflict (cluster_id, address) do update set'} ` +
        assignments.join(', '),
      parameters: [],
    };
  }

  /** Counts a change. The number belongs to this transaction until it ends. */
  countChange(): Statement {
    return this.#sql
      .updateTable('address_server_clock')
      .set({ changes: sql`changes + 1` })
      .where('one', '=', 1)
      .compile();
  }

  /** Selects the number of the last change, as `changes`. */
  changes(): Statement {
    return this.#sql.selectFrom('address_server_clock').select('changes').where('one', '=', 1).compile();
  }

  addEvents(timeMs: number, events: readonly RegistryEvent[]): Statement {
    return this.#sql
      .insertInto('address_server_event')
      .values(
        events.map(({ product, name, type, address, revision, reason }) => {
          return { time_ms: timeMs, product, name, type, address: address ?? null, revision, reason };
        }),
      )
      .compile();
  }

  /** Selects the numbers of a cluster's newest events, newest first. */
  newestEvents({ product, name }: ClusterKey, limit: number, offset = 0): Statement {
    return this.#sql
      .selectFrom('address_server_event')
      .select('seq')
      .where('product', '=', product)
      .where('name', '=', name)
      .orderBy('seq', 'desc')
      .limit(limit)
      .offset(offset)
      .compile();
  }

  /** Deletes events up to a number, of one cluster or of all. */
  trimEvents(upTo: number, key?: ClusterKey): Statement {
    let trim = this.#sql.deleteFrom('address_server_event').where('seq', '<=', upTo);
    if (key) trim = trim.where('product', '=', key.product).where('name', '=', key.name);
    return trim.compile();
  }

  /** Selects events: rows of type {@link EventTable}. */
  events({ cluster, before, after, limit }: EventQuery): Statement {
    let select = this.#sql.selectFrom('address_server_event').selectAll().limit(limit);
    if (cluster) {
      select = select.where('product', '=', cluster.product).where('name', '=', cluster.name);
    }
    if (before !== undefined) select = select.where('seq', '<', before);
    if (after !== undefined) select = select.where('seq', '>', after);
    return select.orderBy('seq', after === undefined ? 'desc' : 'asc').compile();
  }

  /**
   * Enters a replica in place of the one that had its id under the token `holder`, if any. Does nothing if
   * another has taken the id meanwhile, even when the statement is late.
   */
  enterReplica(row: Tables['address_server_replica'], holder: string | undefined): Statement {
    const { id, ...rest } = row;
    if (holder !== undefined) {
      return this.#sql
        .updateTable('address_server_replica')
        .set(rest)
        .where('id', '=', id)
        .where('token', '=', holder)
        .compile();
    }
    const insert = this.#sql.insertInto('address_server_replica').values(row);
    return this.#dialect === 'mysql'
      ? insert.onDuplicateKeyUpdate({ id: sql`id` }).compile()
      : insert.onConflict((conflict) => conflict.column('id').doNothing()).compile();
  }

  /**
   * Revokes the row of a replica that stops, so that no other replica waits for it. The row stays: the replica may
   * be back in a moment, and another that considered itself alone meanwhile would send its list for ever
   * (ReplicaState.isAlone).
   */
  leaveReplica(id: string, token: string, now: number): Statement {
    return this.#sql
      .updateTable('address_server_replica')
      .set({ revoked_at: Math.max(1, now) })
      .where('id', '=', id)
      .where('token', '=', token)
      .where('revoked_at', '=', 0)
      .compile();
  }

  /**
   * Revokes a replica that has not been seen since its `seenAt`, so that the others no longer wait for it.
   */
  revokeReplica({ id, token, seenAt }: Replica, now: number): Statement {
    return this.#sql
      .updateTable('address_server_replica')
      .set({ revoked_at: now })
      .where('id', '=', id)
      .where('token', '=', token)
      .where('seen_at', '=', seenAt)
      .where('revoked_at', '=', 0)
      .compile();
  }

  /** Deletes replicas that were revoked before a time. */
  forgetReplicas(revokedBefore: number): Statement {
    return this.#sql
      .deleteFrom('address_server_replica')
      .where('revoked_at', '>', 0)
      .where('revoked_at', '<', revokedBefore)
      .compile();
  }

  /**
   * Advances the clock and writes this replica's row, in one statement, since it is sent every second. Values
   * never go back, so a late statement does no harm; a replica that has less than its row says takes a new
   * token. A revoked replica stays revoked. The clock's row comes first everywhere, or two servers would
   * deadlock.
   */
  report(own: OwnWrite, hearing: number, database: number, grace: number): Statement {
    const { id, token, seen_at, seen, promised, written } = own;
    if (this.#dialect === 'mysql') {
      return {
        sql:
          'update address_server_clock c left join address_server_replica r on r.id = ? and r.token = ? and r.revoked_at = 0 ' +
          'set c.hearing_ms = greatest(c.hearing_ms, ?), c.database_ms = greatest(c.database_ms, ?), c.grace_until = greatest(c.grace_until, ?), ' +
          'r.seen_at = greatest(r.seen_at, ?), r.seen = greatest(r.seen, ?), r.promised = greatest(r.promised, ?), r.written = greatest(r.written, ?)',
        parameters: [id, token, hearing, database, grace, seen_at, seen, promised, written],
      };
    }
    return {
      sql:
        'with c as (update address_server_clock set hearing_ms = greatest(hearing_ms, $1::bigint), ' +
        'database_ms = greatest(database_ms, $2::bigint), grace_until = greatest(grace_until, $3::bigint) returning one) ' +
        'update address_server_replica r set seen_at = greatest(seen_at, $4::bigint), seen = greatest(seen, $5::bigint), ' +
        'promised = greatest(promised, $6::bigint), written = greatest(written, $7::bigint) ' +
        'from c where r.id = $8 and r.token = $9 and r.revoked_at = 0',
      parameters: [hearing, database, grace, seen_at, seen, promised, written, id, token],
    };
  }

  /** Notes a transaction of this replica in its row. */
  noteWritten(id: string, token: string, written: number): Statement {
    return this.#sql
      .updateTable('address_server_replica')
      .set({ written: sql`greatest(written, ${written})` })
      .where('id', '=', id)
      .where('token', '=', token)
      .compile();
  }

  /**
   * Releases what all replicas have promised: `releasable` of registry/agreement.ts, on the rows in the
   * database.
   */
  release(): Statement {
    return {
      sql:
        'update address_server_clock set released = greatest(released, coalesce(' +
        '(select min(r.promised) from address_server_replica r where r.revoked_at = 0), 0)) where one = 1',
      parameters: [],
    };
  }

  /** Records that the database has another wall clock, which counts from now on. */
  setDatabaseClock(before: number, now: number): Statement {
    return this.#sql
      .updateTable('address_server_clock')
      .set({ database_ms: now })
      .where('one', '=', 1)
      .where('database_ms', '=', before)
      .compile();
  }

  /**
   * Deletes clusters without a list that were not heard of for long; of deleted clusters the latest `kept`
   * stay.
   */
  forgetClusters(decidedBefore: number, kept = DELETED_KEPT): Statement {
    const of = (table: AddressTable) =>
      sql<boolean>`not exists (select 1 from ${sql.table(table)} a where a.cluster_id = address_server_cluster.id)`;
    return this.#sql
      .deleteFrom('address_server_cluster')
      .where('epoch', '=', 0)
      .where('decided_at', '<', decidedBefore)
      .where((is) =>
        is.or([
          is('revision', '=', 0),
          is(
            'decided_at',
            '<',
            sql<number>`(select min(kept.decided_at) from (select decided_at from address_server_cluster
              where epoch = 0 and revision > 0 order by decided_at desc limit ${sql.lit(kept)}) kept)`,
          ),
        ]),
      )
      .where(of('address_server_waiting'))
      .where(of('address_server_departed'))
      .compile();
  }
}

export type StoredEvent = EventTable & { readonly seq: number };

/** A value as an SQL literal. Throws for a string that is not an address (registry/address.ts). */
function literal(value: Address | number): string {
  if (typeof value === 'number') return String(value);
  if (!/^[\w.:[\]-]+$/.test(value)) throw new Error(`${JSON.stringify(value)} is no address`);
  return `'${value}'`;
}

function assignments(
  columns: readonly string[],
  value: (column: RawBuilder<unknown>) => RawBuilder<unknown>,
): Record<string, RawBuilder<unknown>> {
  return Object.fromEntries(columns.map((column) => [column, value(sql.ref(column))]));
}
