import type { Database } from './database.js';
import type { ServerAddress } from './server-address.js';

/** The database at an address; no connection is made yet. Only the driver that is needed is loaded. */
export async function connectDatabase(address: ServerAddress): Promise<Database> {
  return address.type === 'mysql'
    ? (await import('./mysql.js')).connectMysql(address)
    : (await import('./postgres.js')).connectPostgres(address);
}
