import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

/** One step of a schema: append-only, applied once, in order. */
export interface Migration {
  readonly version: number;
  readonly file: string;
  readonly sql: string;
}

/** Reads `0001_name.sql`, `0002_…` of a dialect's folder. Throws when a number is missing or given twice. */
export function readMigrations(folder: string): readonly Migration[] {
  const files = readdirSync(folder)
    .filter((file) => /^\d{4}_\w+\.sql$/.test(file))
    .sort();
  return files.map((file, index) => {
    const version = Number(file.slice(0, 4));
    if (version !== index + 1) {
      throw new Error(`migration ${file} is out of order: number ${index + 1} was expected`);
    }
    return { version, file, sql: readFileSync(join(folder, file), 'utf8') };
  });
}
