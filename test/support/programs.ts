import { execFileSync } from 'node:child_process';
import { existsSync, readdirSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';

/** A system user to run a server as. */
export interface Owner {
  readonly uid: number;
  readonly gid: number;
}

/** Where a program is in a PATH; in that of this process, also where only root's leads to. */
export function program(name: string, path?: string): string | undefined {
  const more = path === undefined ? ['/usr/sbin', '/usr/local/sbin'] : [];
  const folders = [...(path ?? process.env.PATH ?? '').split(delimiter).filter(Boolean), ...more];
  const root = '/usr/lib/postgresql';
  // Debian's own folders go first: a program of the same name in the PATH may be a script that is not for tests.
  const debian = existsSync(root) ? readdirSync(root).map((version) => join(root, version, 'bin')) : [];
  return [...debian, ...folders].map((folder) => join(folder, name)).find((file) => existsSync(file));
}

/** The same; throws when there is none. */
export function required(name: string): string {
  const path = program(name);
  if (path === undefined) throw new Error(`${name} is not on this machine`);
  return path;
}

/** Runs a program to its end; throws with what it printed. */
export function run(path: string, args: readonly string[], owner: Owner | undefined, input?: string): void {
  execFileSync(path, args, { ...owner, cwd: tmpdir(), input, stdio: ['pipe', 'pipe', 'pipe'] });
}

/** The system user of this name, if there is one. */
export function account(name: string): Owner | undefined {
  try {
    const id = (flag: string) => Number(execFileSync('id', [flag, name], { stdio: 'pipe' }).toString());
    return { uid: id('-u'), gid: id('-g') };
  } catch {
    return undefined;
  }
}
