import { checkServerIdentity, type ConnectionOptions } from 'node:tls';

/** A database on a server and how to connect to it: the parts of DATABASE_URL. */
export interface ServerAddress {
  readonly type: 'mysql' | 'postgres';
  /** A name or an address, IPv6 without brackets. */
  readonly host: string;
  readonly port: number;
  readonly user: string;
  /** Undefined if there is none. */
  readonly password: string | undefined;
  readonly database: string;
  /** Undefined for an unencrypted connection. */
  readonly tls: Tls | undefined;
}

export interface Tls {
  /**
   * `require` encrypts without checking the server; `verify-ca` requires a certificate of the CA,
   * `verify-full` one for the host.
   */
  readonly verify: 'require' | 'verify-ca' | 'verify-full';
  /** PEM; Node.js's own CAs if absent. */
  readonly ca?: string;
  /** The client's certificate, PEM. */
  readonly cert?: string;
  readonly key?: string;
}

const KINDS = { mysql: 'MySQL', postgres: 'PostgreSQL' } as const;

/** Name for people, without credentials: `MySQL 10.0.0.5:3306/nacos_config`. */
export function nameOf({ type, host, port, database }: Omit<ServerAddress, 'user' | 'password'>): string {
  return `${KINDS[type]} ${host.includes(':') ? `[${host}]` : host}:${port}/${database}`;
}

/** TLS options for Node.js. A new object each time, since drivers write into it. */
export function tlsOptions({ verify, ca, cert, key }: Tls, host: string): ConnectionOptions {
  return {
    rejectUnauthorized: verify !== 'require',
    checkServerIdentity: (_host, certificate) =>
      verify === 'verify-full' ? checkServerIdentity(host, certificate) : undefined,
    ...(ca === undefined ? {} : { ca }),
    ...(cert === undefined ? {} : { cert }),
    ...(key === undefined ? {} : { key }),
  };
}
