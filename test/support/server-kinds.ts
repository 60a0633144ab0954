import { spawn, type ChildProcess } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { ServerDialect, ServerName } from './databases.js';
import { fetchMysql, mysqlFolder, ReleaseMissing, type MysqlName } from './mysql-release.js';
import { account, program, required, run, type Owner } from './programs.js';

/** What every server of the tests' own has. */
export const DATABASE = 'registry';
export const ADMIN = 'boss';
export const USER = 'nacos';
export const PASSWORD = 'pä:ss@w/ö?rd%';

/** How a server is to be started. */
export interface Start {
  /** For its data, with the certificates. */
  readonly folder: string;
  readonly port: number;
  /** Who runs it, when this process is root's; undefined for the user of this process. */
  readonly owner: Owner | undefined;
  /** Whether its defaults are to be such as a session cannot use. */
  readonly isOdd: boolean;
}

/** One of the servers to test against, as it is started on this machine. */
export interface ServerKind {
  readonly dialect: ServerDialect;
  /** Why it cannot be started here, or undefined. */
  missing(): string | undefined;
  /** Who runs it when this process is root's. */
  owner(): Owner | undefined;
  /** Makes its data, with {@link ADMIN}, {@link USER} and {@link DATABASE}, and starts it. */
  start(options: Start): ChildProcess;
  /** What ends it in good order without waiting for its clients. */
  readonly stopSignal: NodeJS.Signals;
}

/** What is to be in a MySQL or MariaDB at its start, a statement a line. */
const INIT = [
  `CREATE DATABASE ${DATABASE};`,
  `CREATE TABLE ${DATABASE}.t (id INT PRIMARY KEY, n BIGINT);`,
  `CREATE USER ${ADMIN}@'%' IDENTIFIED BY '${PASSWORD}';`,
  `GRANT ALL ON *.* TO ${ADMIN}@'%' WITH GRANT OPTION;`,
  `CREATE USER ${USER}@'%' IDENTIFIED BY '${PASSWORD}';`,
  `GRANT SELECT, INSERT, UPDATE, DELETE ON ${DATABASE}.* TO ${USER}@'%';`,
  '',
].join('\n');

/** Of MySQL's kin. What is written need not survive the machine. */
function mysqlOptions({ folder, port, isOdd }: Start): string[] {
  const init = join(folder, 'init.sql');
  writeFileSync(init, INIT, { mode: 0o644 });
  const file = (name: string): string => join(folder, name);
  return [
    `--datadir=${file('data')}`,
    `--socket=${file('socket')}`,
    `--pid-file=${file('pid')}`,
    `--port=${port}`,
    '--skip-name-resolve',
    `--init-file=${init}`,
    '--innodb-buffer-pool-size=32M',
    '--innodb-flush-log-at-trx-commit=2',
    '--innodb-flush-method=nosync',
    '--max-connections=400',
    ...(isOdd
      ? [
          // One that is no whole number of hours.
          '--default-time-zone=+05:30',
          '--sql-mode=ANSI_QUOTES,NO_BACKSLASH_ESCAPES,PIPES_AS_CONCAT,ONLY_FULL_GROUP_BY',
          '--transaction-isolation=SERIALIZABLE',
          '--character-set-server=latin1',
          '--lower-case-table-names=1',
        ]
      : []),
  ];
}

function tlsFiles(folder: string): string[] {
  const file = (name: string): string => join(folder, name);
  return [
    `--ssl-ca=${file('ca.pem')}`,
    `--ssl-cert=${file('server.pem')}`,
    `--ssl-key=${file('server.key')}`,
  ];
}

function start(path: string, args: readonly string[], { folder, owner }: Start): ChildProcess {
  return spawn(path, args, { ...owner, cwd: folder, stdio: ['ignore', 'pipe', 'pipe'] });
}

/** What is missing of these programs, as a sentence. */
function lacking(...names: string[]): string | undefined {
  const absent = names.filter((name) => program(name) === undefined);
  if (absent.length === 0) return undefined;
  return `${absent.join(', ')} not found on this machine`;
}

/** Neither MariaDB nor PostgreSQL runs as root. */
function lackingAccount(name: string, debian: string): string | undefined {
  return process.getuid?.() === 0 && account(name) === undefined
    ? `there is no system user ${name} to run the server as; install Debian's ${debian}`
    : undefined;
}

const mariadb: ServerKind = {
  dialect: 'mysql',
  stopSignal: 'SIGTERM',
  missing: () => {
    const absent = lacking('mariadbd', 'mariadb-install-db', 'openssl');
    return absent === undefined
      ? lackingAccount('mysql', 'mariadb-server')
      : `${absent}; install Debian's mariadb-server and openssl`;
  },
  owner: () => account('mysql'),
  start: (options) => {
    const { folder, owner } = options;
    const data = join(folder, 'data');
    run(
      required('mariadb-install-db'),
      ['--no-defaults', `--datadir=${data}`, '--skip-test-db', `--tmpdir=${folder}`],
      owner,
    );
    const listen = '--bind-address=127.0.0.1,127.0.0.2';
    const args = ['--no-defaults', ...mysqlOptions(options), ...tlsFiles(folder), listen];
    return start(required('mariadbd'), args, options);
  },
};

function mysql(name: MysqlName): ServerKind {
  return {
    dialect: 'mysql',
    stopSignal: 'SIGTERM',
    missing: () => {
      try {
        mysqlFolder(name);
        return lacking('openssl');
      } catch (error) {
        if (error instanceof ReleaseMissing) return error.message;
        throw error;
      }
    },
    // Its files are in the cache of the user of this process.
    owner: () => undefined,
    start: (options) => {
      const folder = mysqlFolder(name);
      const mysqld = join(folder, 'bin', 'mysqld');
      const user = process.getuid?.() === 0 ? ['--user=root'] : [];
      const common = ['--no-defaults', ...user, `--basedir=${folder}`, ...mysqlOptions(options)];
      const initialize = common.filter((option) => !option.startsWith('--init-file='));
      run(mysqld, [...initialize, '--initialize-insecure'], undefined);
      // The oldest one listens on one address alone, and its TLS is too old for Node.js.
      const own =
        name === 'mysql-5.7'
          ? ['--bind-address=127.0.0.1']
          : [
              '--bind-address=127.0.0.1,127.0.0.2',
              '--mysqlx=OFF',
              '--sync-binlog=0',
              ...tlsFiles(options.folder),
              ...(options.isOdd ? ['--sql-require-primary-key=ON'] : []),
            ];
      return start(mysqld, [...common, ...own], options);
    },
  };
}

const postgres: ServerKind = {
  dialect: 'postgres',
  stopSignal: 'SIGINT',
  missing: () => {
    const absent = lacking('postgres', 'initdb', 'openssl');
    return absent === undefined
      ? lackingAccount('postgres', 'postgresql')
      : `${absent}; install Debian's postgresql and openssl`;
  },
  owner: () => account('postgres'),
  start: (options) => {
    const { folder, port, owner, isOdd } = options;
    const data = join(folder, 'data');
    const file = join(folder, 'password');
    writeFileSync(file, PASSWORD, { mode: 0o644 });
    const init = ['--auth=scram-sha-256', `--pwfile=${file}`, '--no-sync', '-E', 'UTF8', '--locale=C'];
    run(required('initdb'), ['-D', data, '-U', ADMIN, ...init], owner);
    const statements = [
      `CREATE DATABASE ${DATABASE};`,
      `CREATE ROLE ${USER} LOGIN PASSWORD '${PASSWORD}';`,
      `ALTER DATABASE ${DATABASE} OWNER TO ${USER};`,
    ];
    run(required('postgres'), ['--single', '-D', data, 'postgres'], owner, `${statements.join('\n')}\n`);
    const settings = [
      ...['listen_addresses=127.0.0.1,127.0.0.2', 'fsync=off', 'max_connections=400'],
      ...[
        'ssl=on',
        `ssl_cert_file=${join(folder, 'server.pem')}`,
        `ssl_key_file=${join(folder, 'server.key')}`,
      ],
      ...(isOdd ? ['timezone=Asia/Kolkata', 'default_transaction_isolation=serializable'] : []),
    ];
    const args = ['-D', data, '-p', String(port), '-k', folder, ...settings.flatMap((set) => ['-c', set])];
    return start(required('postgres'), args, options);
  },
};

export const SERVER_KINDS: Readonly<Record<ServerName, ServerKind>> = {
  mariadb,
  'mysql-8': mysql('mysql-8'),
  'mysql-5.7': mysql('mysql-5.7'),
  postgres,
};

/** Fetches what the servers need that are not installed as packages. Throws {@link ReleaseMissing}. */
export function fetchServers(names: readonly ServerName[], log: (line: string) => void): void {
  for (const name of names) {
    if (name === 'mysql-8' || name === 'mysql-5.7') fetchMysql(name, { log });
  }
}
