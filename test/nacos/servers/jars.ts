import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { javaVersion } from './java.js';
import type { NacosVersion } from './versions.js';

/*
 * The servers that come from Maven Central: for each, a folder here with a pom, and with the SHA-256 of every jar that
 * it must bring. What is run is what was looked at, whoever republishes what.
 */

/** Poms and checksums are not compiled, so they stay where the sources are. */
const SOURCES = fileURLToPath(new URL('../../../../test/nacos/servers/', import.meta.url));

/** The versions that anybody can fetch; the first one is the default wherever one is enough. */
export const FETCHED_VERSIONS: readonly NacosVersion[] = ['2.3.2', '1.4.1'];

export function pomOf(version: NacosVersion): string {
  return join(SOURCES, version, 'pom.xml');
}

/** Where fetched servers are kept, outside the repository: NACOS_CACHE, or a folder in the user's cache. */
export function cacheFolder(): string {
  const { NACOS_CACHE, XDG_CACHE_HOME } = process.env;
  return NACOS_CACHE ?? join(XDG_CACHE_HOME ?? join(homedir(), '.cache'), 'nacos-address-server', 'nacos');
}

/** The folder of a fetched version's jars, whether or not they are there. */
export function jarFolder(version: NacosVersion): string {
  return join(cacheFolder(), version);
}

/** Where a version's classes are kept as this Java has loaded them once; another Java, or another class path, has another one. */
export function classArchive(version: NacosVersion): string {
  const made = createHash('sha256').update(javaVersion()).update(classPath(version)).digest('hex');
  return join(cacheFolder(), `${version}-java-${made.slice(0, 8)}.jsa`);
}

/**
 * The jars of a version as Java's class path, in the order in which Maven resolves them: several of them have the same
 * classes. A pom among them (protoc-gen-grpc-java) holds none, and Java uses no archive of classes with it.
 */
export function classPath(version: NacosVersion): string {
  const jars = [...checksumsOf(version).keys()].filter((name) => name.endsWith('.jar'));
  return jars.map((name) => join(jarFolder(version), name)).join(':');
}

/** What is wrong with a folder that should hold exactly a version's jars: a sentence's end. Undefined when nothing is. */
export function flawIn(folder: string, version: NacosVersion): string | undefined {
  const wanted = checksumsOf(version);
  const found = new Set(existsSync(folder) ? readdirSync(folder) : []);
  for (const [name, checksum] of wanted) {
    if (!found.delete(name)) return `${name} is missing`;
    if (sha256(join(folder, name)) !== checksum) return `${name} has not the SHA-256 ${checksum}`;
  }
  const [stranger] = found;
  return stranger === undefined ? undefined : `${stranger} is none of its jars`;
}

/** Jar names in their order, and their SHA-256, as `sha256sum` writes them. */
function checksumsOf(version: NacosVersion): ReadonlyMap<string, string> {
  const lines = readFileSync(join(SOURCES, version, 'jars.sha256'), 'utf8')
    .trim()
    .split('\n');
  return new Map(
    lines.map((line) => {
      const [checksum = '', name = ''] = line.split('  ');
      return [name, checksum];
    }),
  );
}

function sha256(file: string): string {
  return createHash('sha256').update(readFileSync(file)).digest('hex');
}
