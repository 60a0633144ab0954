import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { pino, type Logger } from 'pino';
import { AccessControl } from '../../src/http/access/access-control.js';
import { OPEN, type AccessSettings } from '../../src/http/access/settings.js';
import type { Limits } from '../../src/http/transport/limits.js';
import { AddressServer } from '../../src/http/server.js';
import { ServerMetrics } from '../../src/metrics/server-metrics.js';
import { migrationsFolder } from '../../src/util/package-info.js';
import type { Names } from '../../src/probe/names.js';
import type { ProbeAnswer } from '../../src/registry/cluster.js';
import type { Probe, Store, Unknown } from '../../src/registry/interfaces.js';
import { DEFAULT_RULES, type Rules } from '../../src/registry/rules.js';
import { LeaseClock } from '../../src/runtime/lease-clock.js';
import { RegistryService } from '../../src/runtime/registry-service.js';
import { SqliteStore } from '../../src/store/sqlite/sqlite-store.js';
import { examinerOf } from './examiner.js';
import { InlineThread } from './inline-thread.js';
import { tempFolder } from './temp.js';

/** A clock that stands until it is moved. */
export class ManualTime {
  #monotonic = 1_000;
  #wall = Date.UTC(2026, 0, 1);

  monotonic = (): number => this.#monotonic;
  wall = (): number => this.#wall;

  /** The wall clock alone is set, or the machine was suspended. */
  jump(ms: number): void {
    this.#wall += ms;
  }

  /** Both clocks move on. */
  pass(ms: number): void {
    this.#monotonic += ms;
    this.#wall += ms;
  }
}

/** Answers as the test says; whoever it does not name is open while it is heard, and else unreachable. */
export class ScriptedProbe implements Probe {
  readonly answers = new Map<string, ProbeAnswer | Unknown>();
  /** Whether an address is heard now. */
  polls: (address: string) => boolean = () => false;

  probe(address: string): Promise<ProbeAnswer | Unknown> {
    return Promise.resolve(this.answers.get(address) ?? (this.polls(address) ? 'open' : 'unreachable'));
  }
}

export interface TestServer {
  readonly url: string;
  readonly port: number;
  readonly service: RegistryService;
  readonly server: AddressServer;
  readonly access: AccessControl;
  readonly metrics: ServerMetrics;
  readonly probe: ScriptedProbe;
  readonly time: ManualTime;
  readonly file: string;
  /** Lets time pass in steps that the lease clock takes for hearing, with a tick after each. */
  pass(ms: number): Promise<void>;
  /** Before the test's end, for restarts on the same file. */
  stop(): Promise<void>;
}

export interface TestServerOptions {
  readonly rules?: Partial<Rules>;
  readonly file?: string;
  readonly access?: Partial<AccessSettings>;
  readonly log?: Logger;
  readonly limits?: Partial<Limits>;
  /** Tells whether a member that is listed by name is where a request comes from. */
  readonly names?: Pick<Names, 'lookup'>;
  /** Puts something between the service and its real store. */
  readonly wrap?: (store: Store) => Store;
}

/**
 * The whole server in this process on a free port of 127.0.0.1, with a real SQLite file and real sockets; only
 * time and probes are the test's. Nothing passes by itself: gate holds alone run in real time.
 */
export async function startServer(
  t: Pick<TestContext, 'after'>,
  options: TestServerOptions = {},
): Promise<TestServer> {
  const file = options.file ?? join(tempFolder(t), 'registry.db');
  const time = new ManualTime();
  const clock = new LeaseClock(time);
  const probe = new ScriptedProbe();
  const log = options.log ?? pino({ level: 'silent' });
  const real = new SqliteStore({
    file,
    migrations: migrationsFolder('sqlite'),
    clock,
    startThread: () => new InlineThread(),
  });
  const store = options.wrap?.(real) ?? real;
  const rules = { ...DEFAULT_RULES, pollHold: 200, ...options.rules };
  const metrics = new ServerMetrics('0.0.0-test');
  const service = new RegistryService({ store, clock, probe, rules, log, observer: metrics.runtime });
  await service.start();
  // Not at the moment of its poll: when its connection ends then, the answer would be a sign of life that no test asked for.
  probe.polls = (address) =>
    [...service.entries].some(({ cluster }) => {
      const member = cluster.members.get(address);
      if (!member?.lease.polls) return cluster.waiting.has(address);
      return member.presence === 'live' && service.now > member.lease.heardAt;
    });
  const access = new AccessControl(
    { ...OPEN, ...options.access },
    log,
    (because) => metrics.traffic.refused(because),
    options.names,
  );
  t.after(() => access.stop());
  const { limits = {} } = options;
  const server = new AddressServer({
    service,
    access,
    examiner: examinerOf(service, log, time.monotonic),
    log,
    metrics,
    host: '127.0.0.1',
    port: 0,
    limits,
  });
  const port = await server.listen();
  let stopped: Promise<void> | undefined;
  const stop = (): Promise<void> => (stopped ??= server.close().then(() => service.stop()));
  t.after(stop);
  const pass = async (ms: number): Promise<void> => {
    for (let left = ms; left > 0; left -= 1_000) {
      time.pass(Math.min(left, 1_000));
      await service.tick();
    }
  };
  const url = `http://127.0.0.1:${port}`;
  return { url, port, service, server, access, metrics, probe, time, file, pass, stop };
}
