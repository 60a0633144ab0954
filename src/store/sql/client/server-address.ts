import { checkServerIdentity, type ConnectionOptions } from 'node:tls';

/** A database on a server, and how it is connected to. DATABASE_URL in its parts. */
export interface ServerAddress {
  readonly type: 'mysql' | 'postgres';
  /** A name or an address, IPv6 without brackets. */
  readonly host: string;
  readonly port: number;
  readonly user: string;
  /** Undefined for none. */
  readonly password: string | undefined;
  readonly database: string;
  /** Undefined for a connection that is not encrypted. */
  readonly tls: Tls | undefined;
}

export interface Tls {
  /** `require` encrypts for whoever answers; `verify-ca` wants a certificate of the CA, `verify-full` for the host. */
  readonly verify: 'require' | 'verify-ca' | 'verify-full';
  /** PEM; undefined for the CAs that Node.js knows. */
  readonly ca?: string;
  /** PEM, of the client. */
  readonly cert?: string;
  readonly key?: string;
}

const KINDS = { mysql: 'MySQL', postgres: 'PostgreSQL' } as const;

/** For people and without credentials: `MySQL 10.0.0.5:3306/nacos_config`. */
export function nameOf({ type, host, port, database }: Omit<ServerAddress, 'user' | 'password'>): string {
  return `${KINDS[type]} ${host.includes(':') ? `[${host}]` : host}:${port}/${database}`;
}

/** What Node.js is told about TLS; a new object each time, since drivers write into it. */
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
