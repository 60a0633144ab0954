import type { Database } from './database.js';
import type { ServerAddress } from './server-address.js';

/** Creates the database client for an address, without connecting. Loads only the driver that is needed. */
export async function connectDatabase(address: ServerAddress): Promise<Database> {
  return address.type === 'mysql'
    ? (await import('./mysql.js')).connectMysql(address)
    : (await import('./postgres.js')).connectPostgres(address);
}
