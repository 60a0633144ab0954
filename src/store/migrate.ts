import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

/** One step of a schema: append-only, applied once, in order. */
export interface Migration {
  readonly version: number;
  /**
   * The oldest schema version whose programs may still use a database with this migration. Read from its
   * first line, `-- compatible with schema version 3`; without that line it is the migration's own version.
   */
  readonly compatibleWith: number;
  readonly file: string;
  readonly sql: string;
  /** The statements of `sql` one by one, without comments. A statement ends with `;` at the end of a line. */
  readonly statements: readonly string[];
}

/**
 * Reads `0001_name.sql`, `0002_…` from a dialect's folder. Throws if a number is missing or repeated, or if a
 * migration's compatibility line is invalid.
 */
export function readMigrations(folder: string): readonly Migration[] {
  const files = readdirSync(folder)
    .filter((file) => /^\d{4}_\w+\.sql$/.test(file))
    .sort();
  return files.map((file, index) => {
    const version = Number(file.slice(0, 4));
    if (version !== index + 1) {
      throw new Error(`migration ${file} is out of order: number ${index + 1} was expected`);
    }
    const sql = readFileSync(join(folder, file), 'utf8').replaceAll('\r\n', '\n');
    return { version, compatibleWith: compatibleWith(file, version, sql), file, sql, statements: split(sql) };
  });
}

function compatibleWith(file: string, version: number, sql: string): number {
  const line = /^--\s*compatible with\b.*/.exec(sql)?.[0];
  if (line === undefined) return version;
  const oldest = Number(/^-- compatible with schema version (\d+)$/.exec(line)?.[1]);
  if (oldest >= 1 && oldest <= version) return oldest;
  throw new Error(
    `migration ${file} begins with ${JSON.stringify(line)}; it must be "-- compatible with schema version N" with N from 1 to ${version}`,
  );
}

function split(sql: string): readonly string[] {
  return sql
    .replace(/^\s*--.*$/gm, '')
    .split(/;[^\S\n]*$/m)
    .map((statement) => statement.trim())
    .filter((statement) => statement !== '');
}
