import { execFileSync, spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { chownSync, existsSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { openAdmin, type ServerDialect } from './databases.js';
import { eventually } from './eventually.js';

/** A database server of the test's own, with TLS, on 127.0.0.1 and 127.0.0.2. */
export interface PrivateServer {
  readonly port: number;
  /** Of the CA that signed the server's certificate, which is for `localhost` and 127.0.0.2. */
  readonly ca: string;
  /** Of a CA that signed nothing. */
  readonly otherCa: string;
  readonly database: string;
  /** May do everything. */
  readonly admin: string;
  /** May use the database. */
  readonly user: string;
  /** Of both. */
  readonly password: string;
  stop(): Promise<void>;
}

const DATABASE = 'registry';
const ADMIN = 'boss';
const USER = 'nacos';
const PASSWORD = 'pä:ss@w/ö?rd%';

/** Why there can be no server of this kind on this machine, or false. */
export function privateServerMissing(dialect: ServerDialect): string | false {
  const needed = dialect === 'mysql' ? ['mariadbd', 'mariadb-install-db'] : ['postgres', 'initdb'];
  const missing = [...needed, 'openssl'].filter((name) => program(name) === undefined);
  if (missing.length > 0) return `${missing.join(', ')} not found on this machine`;
  if (process.getuid?.() === 0 && account(dialect) === undefined)
    return 'no system user to run the server as';
  return false;
}

/** Starts a server in a folder of its own, which takes some seconds. */
export async function startPrivateServer(dialect: ServerDialect): Promise<PrivateServer> {
  const folder = mkdtempSync(join(tmpdir(), 'address-server-db-'));
  let child: ChildProcess | undefined;
  const stop = async (): Promise<void> => {
    if (child?.exitCode === null && child.signalCode === null) {
      const exited = once(child, 'exit');
      // PostgreSQL's fast shutdown; MariaDB takes it for SIGTERM.
      child.kill(dialect === 'mysql' ? 'SIGTERM' : 'SIGINT');
      const force = setTimeout(() => child?.kill('SIGKILL'), 10_000);
      await exited;
      clearTimeout(force);
    }
    rmSync(folder, { recursive: true, force: true });
  };
  try {
    makeCertificates(folder);
    const port = await freePort();
    const owner = process.getuid?.() === 0 ? account(dialect) : undefined;
    if (owner)
      for (const path of ['', ...readdirSync(folder)]) chownSync(join(folder, path), owner.uid, owner.gid);
    child = (dialect === 'mysql' ? startMariadb : startPostgres)(folder, port, owner);
    let output = '';
    for (const stream of [child.stdout, child.stderr]) {
      stream?.setEncoding('utf8').on('data', (text: string) => (output = (output + text).slice(-4_000)));
    }
    await eventually(
      'the server is ready',
      () => {
        if (child?.exitCode !== null) throw new Error(`the server ended: ${output}`);
        return answers(dialect, port);
      },
      30_000,
    );
    const [ca, otherCa] = [join(folder, 'ca.pem'), join(folder, 'other.pem')];
    return { port, ca, otherCa, database: DATABASE, admin: ADMIN, user: USER, password: PASSWORD, stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

interface Owner {
  readonly uid: number;
  readonly gid: number;
}

function startMariadb(folder: string, port: number, owner: Owner | undefined): ChildProcess {
  const data = join(folder, 'data');
  run(
    'mariadb-install-db',
    ['--no-defaults', `--datadir=${data}`, '--skip-test-db', `--tmpdir=${folder}`],
    owner,
  );
  const init = join(folder, 'init.sql');
  writeFileSync(
    init,
    [
      `CREATE DATABASE ${DATABASE};`,
      `CREATE TABLE ${DATABASE}.t (id INT PRIMARY KEY, n BIGINT);`,
      `CREATE USER ${ADMIN}@'%' IDENTIFIED BY '${PASSWORD}';`,
      `GRANT ALL ON *.* TO ${ADMIN}@'%' WITH GRANT OPTION;`,
      `CREATE USER ${USER}@'%' IDENTIFIED BY '${PASSWORD}';`,
      `GRANT SELECT, INSERT, UPDATE, DELETE ON ${DATABASE}.* TO ${USER}@'%';`,
      '',
    ].join('\n'),
    { mode: 0o644 },
  );
  const args = [
    '--no-defaults',
    `--datadir=${data}`,
    `--socket=${join(folder, 'socket')}`,
    `--pid-file=${join(folder, 'pid')}`,
    `--port=${port}`,
    '--bind-address=127.0.0.1,127.0.0.2',
    '--skip-name-resolve',
    `--init-file=${init}`,
    `--ssl-ca=${join(folder, 'ca.pem')}`,
    `--ssl-cert=${join(folder, 'server.pem')}`,
    `--ssl-key=${join(folder, 'server.key')}`,
    // One that is no whole number of hours.
    '--default-time-zone=+05:30',
    // Neither of which is as a session needs it.
    '--sql-mode=ANSI_QUOTES,NO_BACKSLASH_ESCAPES',
    '--transaction-isolation=SERIALIZABLE',
    '--character-set-server=latin1',
    '--innodb-buffer-pool-size=16M',
  ];
  return spawn(required('mariadbd'), args, { ...owner, cwd: folder, stdio: ['ignore', 'pipe', 'pipe'] });
}

function startPostgres(folder: string, port: number, owner: Owner | undefined): ChildProcess {
  const data = join(folder, 'data');
  const file = join(folder, 'password');
  writeFileSync(file, PASSWORD, { mode: 0o644 });
  run(
    'initdb',
    [
      '-D',
      data,
      '-U',
      ADMIN,
      '--auth=scram-sha-256',
      `--pwfile=${file}`,
      '--no-sync',
      '-E',
      'UTF8',
      '--locale=C',
    ],
    owner,
  );
  const statements = [
    `CREATE DATABASE ${DATABASE};`,
    `CREATE ROLE ${USER} LOGIN PASSWORD '${PASSWORD}';`,
    `ALTER DATABASE ${DATABASE} OWNER TO ${USER};`,
  ];
  const input = `${statements.join('\n')}\n`;
  run('postgres', ['--single', '-D', data, 'postgres'], owner, input);
  const args = [
    ...['-D', data, '-p', String(port), '-k', folder],
    ...['-c', 'listen_addresses=127.0.0.1,127.0.0.2', '-c', 'fsync=off'],
    ...['-c', 'ssl=on', '-c', `ssl_cert_file=${join(folder, 'server.pem')}`],
    ...['-c', `ssl_key_file=${join(folder, 'server.key')}`],
    ...['-c', 'timezone=Asia/Kolkata', '-c', 'default_transaction_isolation=serializable'],
  ];
  return spawn(required('postgres'), args, { ...owner, cwd: folder, stdio: ['ignore', 'pipe', 'pipe'] });
}

/** A CA, a certificate of the server's, and another CA. */
function makeCertificates(folder: string): void {
  const openssl = (...args: string[]): unknown =>
    execFileSync('openssl', args, { cwd: folder, stdio: 'pipe' });
  const key = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes'];
  for (const name of ['ca', 'other']) {
    openssl(
      'req',
      '-x509',
      ...key,
      '-days',
      '2',
      '-subj',
      `/CN=${name}`,
      '-keyout',
      `${name}.key`,
      '-out',
      `${name}.pem`,
    );
  }
  openssl('req', ...key, '-subj', '/CN=server', '-keyout', 'server.key', '-out', 'server.csr');
  writeFileSync(join(folder, 'names'), 'subjectAltName=DNS:localhost,IP:127.0.0.2\n');
  openssl(
    ...[
      'x509',
      '-req',
      '-in',
      'server.csr',
      '-days',
      '2',
      '-CA',
      'ca.pem',
      '-CAkey',
      'ca.key',
      '-CAcreateserial',
    ],
    ...['-extfile', 'names', '-out', 'server.pem'],
  );
}

function program(name: string): string | undefined {
  const folders = [...(process.env.PATH ?? '').split(delimiter), '/usr/sbin', '/usr/local/sbin'];
  const root = '/usr/lib/postgresql';
  // Debian's own folders go first: a program of the same name in the PATH may be a script that is not for tests.
  const debian = existsSync(root) ? readdirSync(root).map((version) => join(root, version, 'bin')) : [];
  return [...debian, ...folders].map((folder) => join(folder, name)).find((path) => existsSync(path));
}

function required(name: string): string {
  const path = program(name);
  if (path === undefined) throw new Error(`${name} is not on this machine`);
  return path;
}

function run(name: string, args: string[], owner: Owner | undefined, input?: string): void {
  execFileSync(required(name), args, { ...owner, cwd: tmpdir(), input, stdio: ['pipe', 'pipe', 'pipe'] });
}

/** The system user that the packages make; neither server runs as root. */
function account(dialect: ServerDialect): Owner | undefined {
  try {
    const id = (flag: string) => Number(execFileSync('id', [flag, dialect], { stdio: 'pipe' }).toString());
    return { uid: id('-u'), gid: id('-g') };
  } catch {
    return undefined;
  }
}

/** A port of 127.0.0.1 that nobody had a moment ago. */
export async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}

/** Whether it can be logged in: PostgreSQL listens before it is ready. */
async function answers(dialect: ServerDialect, port: number): Promise<boolean> {
  try {
    const url = `${dialect}://${ADMIN}:${encodeURIComponent(PASSWORD)}@127.0.0.1:${port}/${DATABASE}`;
    await (await openAdmin(dialect, url)).close();
    return true;
  } catch {
    return false;
  }
}
