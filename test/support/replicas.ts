import type { TestContext } from 'node:test';
import { pino, type Logger } from 'pino';
import { AccessControl } from '../../src/http/access/access-control.js';
import { OPEN } from '../../src/http/access/settings.js';
import { AddressServer } from '../../src/http/server.js';
import type { ProbeAnswer } from '../../src/registry/cluster.js';
import type { Probe } from '../../src/registry/interfaces.js';
import { DEFAULT_RULES, type Rules } from '../../src/registry/rules.js';
import { LeaseClock, SYSTEM_TIME } from '../../src/runtime/lease-clock.js';
import { RegistryService } from '../../src/runtime/registry-service.js';
import type { Database } from '../../src/store/sql/client/database.js';
import { SqlStore } from '../../src/store/sql/sql-store.js';
import { migrate } from '../../src/store/sql/migrator.js';
import { readMigrations } from '../../src/store/migrate.js';
import { migrationsFolder } from '../../src/util/package-info.js';
import { examinerOf } from './examiner.js';

/** One of several servers on a database, in this process, in real time, with real sockets; only probes are the test's. */
export interface TestReplica {
  readonly id: string;
  readonly port: number;
  readonly service: RegistryService;
  readonly store: SqlStore;
  readonly database: Database;
  stop(): Promise<void>;
}

export interface TestReplicaOptions {
  readonly database: Database;
  readonly id: string;
  readonly rules?: Partial<Rules>;
  /** How far its own clock is off, in milliseconds. */
  readonly clockOff?: number;
  /** What a port answers; `open` by default. */
  readonly probe?: (address: string) => ProbeAnswer;
  /** Silent by default, or as TEST_LOG says. */
  readonly log?: Logger;
}

/** Makes the schema, as the program does at its start. */
export async function prepare(database: Database): Promise<void> {
  await migrate(database, readMigrations(migrationsFolder(database.dialect)));
}

/** The store as the program makes it. */
export function createSqlStore(database: Database, replica: string): SqlStore {
  return new SqlStore({ database, replica, prepare });
}

export async function startReplica(
  t: Pick<TestContext, 'after'>,
  { database, id, rules = {}, clockOff = 0, probe: answer = () => 'open', log: base }: TestReplicaOptions,
): Promise<TestReplica> {
  const log = (base ?? pino({ level: process.env.TEST_LOG ?? 'silent' })).child({ replica: id });
  const clock = new LeaseClock({ ...SYSTEM_TIME, wall: () => Date.now() + clockOff });
  const probe: Probe = { probe: (address) => Promise.resolve(answer(address)) };
  const store = createSqlStore(database, id);
  const service = new RegistryService({ store, clock, probe, rules: { ...DEFAULT_RULES, ...rules }, log });
  await service.start();
  const access = new AccessControl(OPEN, log);
  const server = new AddressServer({
    service,
    access,
    examiner: examinerOf(service, log),
    log,
    host: '127.0.0.1',
    port: 0,
  });
  const port = await server.listen();
  let stopped: Promise<void> | undefined;
  const stop = (): Promise<void> => (stopped ??= server.close().then(() => service.stop()));
  t.after(stop);
  return { id, port, service, store, database, stop };
}
