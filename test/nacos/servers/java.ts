import { spawnSync } from 'node:child_process';
import { join } from 'node:path';

/** What the servers were run with; Nacos 3 wants it, and older ones run with it. */
const LEAST = 17;

/** The Java that nodes are started with: JAVA_HOME's, or the one on the PATH. */
export function javaCommand(): string {
  const home = process.env.JAVA_HOME;
  return home === undefined || home === '' ? 'java' : join(home, 'bin', 'java');
}

/** Why no node can be started with this Java, and what to do; undefined when it can. */
export function javaProblem(): string | undefined {
  const command = javaCommand();
  const { error, status, stderr } = spawnSync(command, ['-version'], { encoding: 'utf8' });
  const todo = `install Java ${LEAST} or later (Debian: apt-get install openjdk-17-jre-headless), or let JAVA_HOME name it`;
  if (error !== undefined || status !== 0) {
    const found = command === 'java' ? 'java is not on the PATH' : `${command} (JAVA_HOME) cannot be run`;
    return `${found}: ${todo}`;
  }
  const version = /version "(?:1\.)?(\d+)/.exec(stderr)?.[1];
  if (Number(version) >= LEAST) return undefined;
  return `${command} is Java ${version ?? 'of an unknown version'}: ${todo}`;
}
