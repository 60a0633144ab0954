import { isAbsolute, resolve } from 'node:path';
import { placeholderIn } from './placeholder.js';
import { nameOf, type ServerAddress } from '../store/sql/client/server-address.js';
import { isServerUrl, parseServerUrl, UrlProblem } from '../store/sql/client/url.js';

/** What DATABASE_URL says. */
export type DatabaseConfig = SqliteConfig | ServerConfig;

export interface SqliteConfig {
  readonly type: 'sqlite';
  /** Absolute. */
  readonly file: string;
  /** Whether the file is the default one, whose folder is made if it is missing. */
  readonly isDefault: boolean;
}

export interface ServerConfig extends ServerAddress {
  /** For people, without credentials: `MySQL 10.0.0.5:3306/nacos_config`. */
  readonly name: string;
}

export const DEFAULT_DATABASE_URL = 'sqlite:./data/registry.db';

/** Throws {@link UrlProblem}. */
export function readDatabaseUrl(url: string): DatabaseConfig {
  if (isServerUrl(url)) {
    const address = parseServerUrl(url);
    const placeholder = placeholderIn(address.password ?? '');
    if (placeholder !== undefined) throw new UrlProblem(placeholder);
    return { ...address, name: nameOf(address) };
  }
  return { type: 'sqlite', file: sqliteFile(url), isDefault: url === DEFAULT_DATABASE_URL };
}

/** The file of `sqlite:PATH`, `sqlite:///ABSOLUTE/PATH` included. */
function sqliteFile(url: string): string {
  if (!/^sqlite:/i.test(url)) {
    throw new UrlProblem(
      'is no database that this version knows; it takes sqlite:PATH, mysql://… (or mariadb://…) and postgres://…',
    );
  }
  const path = url.slice('sqlite:'.length).replace(/^\/\/(?=\/)/, '');
  if (path === '' || path.startsWith(':') || path.startsWith('//')) {
    throw new UrlProblem('names no file; it is sqlite:PATH, such as sqlite:./data/registry.db');
  }
  return isAbsolute(path) ? path : resolve(path);
}
