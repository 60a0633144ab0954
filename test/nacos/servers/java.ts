import { spawnSync } from 'node:child_process';
import { join } from 'node:path';

/** What the servers were run with; Nacos 3 wants it, and older ones run with it. */
const LEAST = 17;

/** What `java -version` says, or that it cannot be run; asked once. */
let said: string | undefined;

/** The Java that nodes are started with: JAVA_HOME's, or the one on the PATH. */
export function javaCommand(): string {
  const home = process.env.JAVA_HOME;
  return home === undefined || home === '' ? 'java' : join(home, 'bin', 'java');
}

/** What the Java says of its version; empty when it cannot be run. */
export function javaVersion(): string {
  if (said === undefined) {
    const { status, stderr } = spawnSync(javaCommand(), ['-version'], { encoding: 'utf8' });
    said = status === 0 ? stderr : '';
  }
  return said;
}

/** Why no node can be started with this Java, and what to do; undefined when it can. */
export function javaProblem(): string | undefined {
  const command = javaCommand();
  const todo = `install Java ${LEAST} or later (Debian: apt-get install openjdk-17-jre-headless), or let JAVA_HOME name it`;
  if (javaVersion() === '') {
    const found = command === 'java' ? 'java is not on the PATH' : `${command} (JAVA_HOME) cannot be run`;
    return `${found}: ${todo}`;
  }
  const version = /version "(?:1\.)?(\d+)/.exec(javaVersion())?.[1];
  if (Number(version) >= LEAST) return undefined;
  return `${command} is Java ${version ?? 'of an unknown version'}: ${todo}`;
}
