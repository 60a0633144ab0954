import { existsSync, mkdirSync } from 'node:fs';
import { dirname } from 'node:path';
import type { Logger } from 'pino';
import { ConfigError, type Config } from './config.js';
import { AddressServer } from './http/server.js';
import { migrationsFolder } from './package-info.js';
import { TcpProbe } from './probe/tcp.js';
import { StoreRefused } from './registry/ports.js';
import { HearingClock } from './runtime/hearing-clock.js';
import { RegistryService } from './runtime/service.js';
import { SqliteStore } from './store/sqlite/sqlite-store.js';

/** A server that runs. */
export interface Running {
  readonly port: number;
  /** Ends in the reverse order of the start. */
  stop(): Promise<void>;
}

/** The wiring: configuration → store → registry → HTTP. Rejects with StoreRefused or ConfigError. */
export async function start(config: Config, log: Logger): Promise<Running> {
  const clock = new HearingClock();
  const { database } = config;
  if (database.type !== 'sqlite') throw new StoreRefused(`${database.name} cannot be served from yet`);
  if (database.isDefault) makeFolder(dirname(database.file));
  const store = new SqliteStore({
    file: database.file,
    migrations: migrationsFolder('sqlite'),
    clock,
    onLost: (error) => {
      // A new process is up within a second and loses nothing; this one could never store anything again.
      log.fatal({ err: error }, 'the store’s thread ended; ending too, to be started again');
      process.exit(1);
    },
  });
  const service = new RegistryService({ store, clock, probe: new TcpProbe(), rules: config.rules, log });
  await service.start();
  const server = new AddressServer({ service, log, host: config.host, port: config.port });
  try {
    const port = await server.listen();
    log.info({ port, host: config.host, database: database.file }, 'listening');
    return {
      port,
      stop: async () => {
        await server.close();
        await service.stop();
      },
    };
  } catch (error) {
    await service.stop();
    throw explainListen(config, error);
  }
}

function makeFolder(folder: string): void {
  if (existsSync(folder)) return;
  try {
    mkdirSync(folder);
  } catch (error) {
    const reason = (error as Error).message;
    throw new StoreRefused(
      `the database's folder ${folder} cannot be made (${reason}); make it, or name another file in DATABASE_URL`,
    );
  }
}

function explainListen(config: Config, error: unknown): unknown {
  const { code } = error as NodeJS.ErrnoException;
  const where = `${config.host ?? 'all interfaces'}, port ${config.port}`;
  switch (code) {
    case 'EADDRINUSE':
      return new ConfigError(
        `PORT=${config.port} is in use by another process (${where}); stop it or choose another port`,
      );
    case 'EACCES':
      return new ConfigError(
        `PORT=${config.port} is not allowed for this user (${where}); choose one from 1024 up`,
      );
    case 'EADDRNOTAVAIL':
    case 'ENOTFOUND':
    case 'EINVAL':
      return new ConfigError(`HOST=${config.host} is no address of this machine`);
    default:
      return error;
  }
}
