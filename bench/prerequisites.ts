import { accessSync, constants } from 'node:fs';
import { delimiter, join } from 'node:path';

export interface Programs {
  readonly nginx: string;
  readonly wrk: string;
}

/** Finds what is not on npm. Throws an Error with the sentence of what to install. */
export function findPrograms(): Programs {
  const nginx = findProgram('nginx');
  const wrk = findProgram('wrk');
  if (nginx !== undefined && wrk !== undefined) return { nginx, wrk };
  const missing = [nginx ?? 'nginx', wrk ?? 'wrk'].filter((name) => !name.includes('/'));
  throw new Error(
    `the benchmark needs ${missing.join(' and ')}; on Debian and Ubuntu: apt-get install nginx-light wrk`,
  );
}

/** The file of a program of this machine; undefined when it is not installed. */
export function findProgram(name: string): string | undefined {
  const folders = [...(process.env.PATH ?? '').split(delimiter), '/usr/sbin', '/usr/local/sbin'];
  return folders.map((folder) => join(folder, name)).find(isExecutable);
}

function isExecutable(file: string): boolean {
  try {
    accessSync(file, constants.X_OK);
    return file.startsWith('/');
  } catch {
    return false;
  }
}
