import type { Logger } from 'pino';
import { ConfigError, PassingProblem, type Config } from '../config/config.js';
import { connectionLimit } from './file-limit.js';
import { AddressServer } from '../http/server.js';
import { ServerMetrics } from '../metrics/server-metrics.js';
import { packageVersion } from '../util/package-info.js';
import { Examiner } from '../doctor/examiner.js';
import { READ_TIMEOUT_MS } from '../doctor/nacos-api.js';
import { Names } from '../probe/names.js';
import { TcpProbe } from '../probe/tcp.js';
import { LeaseClock } from '../runtime/lease-clock.js';
import { RegistryService } from '../runtime/registry-service.js';
import { createAccess, warnOfOpenChanges } from './create-access.js';
import { createStore } from './create-store.js';

/** A running server. */
export interface Running {
  readonly port: number;
  /** Stops the parts in the reverse order of the start. */
  stop(): Promise<void>;
}

/**
 * Wires configuration, store, registry and HTTP together; the metrics observe. Rejects with StoreRefused or
 * ConfigError.
 */
export async function start(config: Config, log: Logger): Promise<Running> {
  const metrics = new ServerMetrics(packageVersion());
  const names = new Names();
  const access = createAccess(config, log, metrics.traffic, names);
  const clock = new LeaseClock();
  const store = await createStore(config, clock, log);
  const observer = metrics.runtime;
  const probe = new TcpProbe(names);
  const service = new RegistryService({
    store,
    clock,
    probe,
    rules: config.rules,
    log,
    observer,
  });
  await service.start();
  const { identities, raftOffset, isOn } = config.examine;
  const nacos = { timeout: READ_TIMEOUT_MS, names };
  const examiner = new Examiner({ service, probe, log, nacos, identities, raftOffset, isOn });
  const { host, port, maxConnections } = config;
  const limits = connectionLimit(maxConnections);
  const server = new AddressServer({ service, access, examiner, log, metrics, host, port, limits });
  try {
    const actual = await server.listen();
    examiner.start();
    const { connections } = limits;
    log.info({ port: actual, host, database: databaseName(config), connections }, 'listening');
    warnOfOpenChanges(access, config, log);
    return {
      port: actual,
      stop: async () => {
        // It acts on the registry and the store, so it ends first.
        await examiner.stop();
        await server.close();
        access.stop();
        await service.stop();
      },
    };
  } catch (error) {
    access.stop();
    await service.stop();
    throw explainListen(config, error);
  }
}

function databaseName({ database }: Config): string {
  return database.type === 'sqlite' ? database.file : database.name;
}

function explainListen(config: Config, error: unknown): unknown {
  const { code } = error as NodeJS.ErrnoException;
  const where = `${config.host ?? 'all interfaces'}, port ${config.port}`;
  switch (code) {
    case 'EADDRINUSE':
      // Perhaps the previous server, which is still stopping, has it.
      return new PassingProblem(
        `PORT=${config.port} is in use by another process (${where}); stop it or choose another port`,
      );
    case 'EACCES':
      return new ConfigError(
        `PORT=${config.port} is not allowed for this user (${where}); choose one from 1024 up`,
      );
    case 'EADDRNOTAVAIL':
      // A booting machine may not have it yet.
      return new PassingProblem(`HOST=${config.host} is not an address of this machine`);
    case 'EAI_AGAIN':
      return new PassingProblem(`HOST=${config.host} cannot be looked up: no name server answers; check DNS`);
    case 'EMFILE':
    case 'ENFILE':
    case 'ENOBUFS':
    case 'ENOMEM':
      return new PassingProblem(`this server cannot listen now (${code}): the system lacks files or memory`);
    case 'ENOTFOUND':
    case 'EINVAL':
      return new ConfigError(`HOST=${config.host} is not an address of this machine`);
    default:
      return error;
  }
}
