import { existsSync, readdirSync, realpathSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { program } from './programs.js';

/** Where Debian keeps them, also those of other makers. */
const INSTALLED = '/usr/lib/jvm';

/** `java` of each JDK of this machine that can run a source file: it has a compiler, and is no JDK 8, which has no modules. */
export function jdks(): string[] {
  const folders = existsSync(INSTALLED) ? readdirSync(INSTALLED) : [];
  const inPath = program('java');
  const found = [
    ...(inPath === undefined ? [] : [inPath]),
    ...folders.map((folder) => join(INSTALLED, folder, 'bin/java')),
  ];
  const real = found.filter((java) => existsSync(java)).map((java) => realpathSync(java));
  return [...new Set(real)].filter(
    (java) => existsSync(join(dirname(java), 'javac')) && existsSync(join(dirname(java), '../lib/modules')),
  );
}
