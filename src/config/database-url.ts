import { isAbsolute, resolve } from 'node:path';
import { placeholderIn } from './placeholder.js';
import { nameOf, type ServerAddress } from '../store/sql/client/server-address.js';
import { isServerUrl, parseServerUrl, UrlProblem } from '../store/sql/client/url.js';

/** The parsed DATABASE_URL. */
export type DatabaseConfig = SqliteConfig | ServerConfig;

export interface SqliteConfig {
  readonly type: 'sqlite';
  /** Absolute. */
  readonly file: string;
  /** Whether it is the default file, whose folder is created if missing. */
  readonly isDefault: boolean;
}

export interface ServerConfig extends ServerAddress {
  /** A name for people, without credentials: `MySQL 10.0.0.5:3306/nacos_config`. */
  readonly name: string;
}

export const DEFAULT_DATABASE_URL = 'sqlite:./data/registry.db';

/** Parses a DATABASE_URL. Throws {@link UrlProblem}. */
export function readDatabaseUrl(url: string): DatabaseConfig {
  if (isServerUrl(url)) {
    const address = parseServerUrl(url);
    const placeholder = placeholderIn(address.password ?? '');
    if (placeholder !== undefined) throw new UrlProblem(placeholder);
    return { ...address, name: nameOf(address) };
  }
  return { type: 'sqlite', file: sqliteFile(url), isDefault: url === DEFAULT_DATABASE_URL };
}

/** The file of `sqlite:PATH`, including `sqlite:///ABSOLUTE/PATH`. */
function sqliteFile(url: string): string {
  if (!/^sqlite:/i.test(url)) {
    throw new UrlProblem(
      'is not a database that this version knows; it takes sqlite:PATH, mysql://… (or mariadb://…) and postgres://…',
    );
  }
  const path = url.slice('sqlite:'.length).replace(/^\/\/(?=\/)/, '');
  if (path === '' || path.startsWith(':') || path.startsWith('//')) {
    throw new UrlProblem('names no file; it is sqlite:PATH, such as sqlite:./data/registry.db');
  }
  return isAbsolute(path) ? path : resolve(path);
}
