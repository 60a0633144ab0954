import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

/** The package's root folder, seen from this module once built to dist/src/util. */
const ROOT = new URL('../../../', import.meta.url);

/** The version in package.json. */
export function packageVersion(): string {
  const { version } = JSON.parse(readFileSync(new URL('package.json', ROOT), 'utf8')) as { version: string };
  return version;
}

/** The folder of a dialect's migrations. */
export function migrationsFolder(dialect: 'sqlite' | 'mysql' | 'postgres'): string {
  return fileURLToPath(new URL(`migrations/${dialect}`, ROOT));
}
