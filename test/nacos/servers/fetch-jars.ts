import { spawn } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { atProcessEnd, endWithThisProcess } from '../../support/processes.js';
import { cacheFolder, classArchive, flawIn, jarFolder, pomOf } from './jars.js';
import type { NacosVersion } from './versions.js';

/** Copies what a pom depends on. Named with its version, so that every Maven 3 runs the same. */
const COPY = 'org.apache.maven.plugins:maven-dependency-plugin:3.6.1:copy-dependencies';

/** Of what Maven says when it fails, as many characters as tell why. */
const LONGEST = 600;

/**
 * Fetches a version's jars into the cache unless they are there and right: aside first, then by one rename, so that
 * nothing half-fetched is ever taken for whole, by whoever fetches at the same time either. `say` is told what is
 * done. Rejects with a sentence about what is missing and what to do.
 */
export async function fetchJars(version: NacosVersion, say: (text: string) => void): Promise<void> {
  const folder = jarFolder(version);
  const before = existsSync(folder) ? flawIn(folder, version) : 'it is not there';
  if (before === undefined) return say(`Nacos ${version} is in ${folder}`);
  mkdirSync(cacheFolder(), { recursive: true });
  const aside = mkdtempSync(join(cacheFolder(), `${version}.part-`));
  const forget = atProcessEnd(() => rmSync(aside, { recursive: true, force: true }));
  try {
    if (existsSync(folder)) {
      say(`${folder} is corrupted: ${before}; it is fetched anew`);
    } else say(`fetching Nacos ${version} from Maven Central into ${folder}`);
    await copyDependencies(`Nacos ${version}`, pomOf(version), join(aside, 'jars'));
    const flaw = flawIn(join(aside, 'jars'), version);
    if (flaw !== undefined) {
      throw new Error(
        `Maven's copy of Nacos ${version} is not the one that was looked at: ${flaw}. Remove that jar from Maven's ` +
          `local repository (~/.m2/repository) and run this again; if it says the same then, what Maven Central or ` +
          `your mirror serves has changed, and must not be run.`,
      );
    }
    if (existsSync(folder)) renameSync(folder, join(aside, 'corrupted'));
    // Java takes an archive for the very jars that it was made from.
    rmSync(classArchive(version), { force: true });
    put(join(aside, 'jars'), folder, version);
  } finally {
    rmSync(aside, { recursive: true, force: true });
    forget();
  }
}

/** Renames to the place; another process may have been faster, and that is as good if its jars are right. */
function put(from: string, to: string, version: NacosVersion): void {
  try {
    renameSync(from, to);
  } catch (error) {
    if (!existsSync(to) || flawIn(to, version) !== undefined) throw error;
  }
}

/** Copies what a pom depends on at run time into a folder. `what`: for the sentence with which it rejects. */
export async function copyDependencies(
  what: string,
  pom: string,
  into: string,
  properties: readonly string[] = [],
): Promise<void> {
  // -C: a checksum that does not fit fails; -U: asks again for what could not be had the last time.
  const args = ['-B', '-ntp', '-q', '-C', '-U', '-f', pom, COPY, ...properties];
  const { status, output } = await run('mvn', [
    ...args,
    `-DincludeScope=runtime`,
    `-DoutputDirectory=${into}`,
  ]);
  if (status === 'ENOENT') {
    throw new Error(
      'mvn is not on the PATH: install Maven 3.6 or later (Debian: apt-get install maven), or let NACOS_SERVERS name ' +
        'unpacked official distributions and NACOS_VERSIONS these versions alone',
    );
  }
  if (status !== 0) {
    throw new Error(
      `Maven could not fetch ${what}. It needs Maven Central, or a mirror of it in ~/.m2/settings.xml; ` +
        `nothing was kept. It says:\n${why(output)}`,
    );
  }
}

/** Maven's complaint; what follows it, after an empty line, is how to ask for more. */
function why(output: string): string {
  // Maven colours its words.
  const lines = output.replaceAll(/\x1b\[[\d;]*m/g, '').split('\n');
  const complaints = lines.filter((line) => line.startsWith('[ERROR]'));
  const end = complaints.findIndex((line) => line.trim() === '[ERROR]');
  const reason = complaints
    .slice(0, end < 0 ? undefined : end)
    .map((line) => line.replace(/ -> \[Help.*/, ''));
  const told = (reason.length > 0 ? reason : lines).join('\n').trim();
  return told.length > LONGEST ? `${told.slice(0, LONGEST)}…` : told;
}

/** Runs a program to its end; `ENOENT` when there is none of that name. */
export function run(
  command: string,
  args: readonly string[],
): Promise<{ status: number | string | null; output: string }> {
  return new Promise((resolve) => {
    const child = spawn(command, args, { stdio: ['ignore', 'pipe', 'pipe'] });
    endWithThisProcess(child);
    let output = '';
    for (const stream of [child.stdout, child.stderr]) {
      stream.setEncoding('utf8').on('data', (text: string) => (output += text));
    }
    child.once('error', (error: NodeJS.ErrnoException) =>
      resolve({ status: error.code ?? error.message, output: error.message }),
    );
    child.once('close', (code, signal) => resolve({ status: code ?? signal, output }));
  });
}
