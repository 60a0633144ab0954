import { existsSync, mkdirSync, mkdtempSync, renameSync, rmSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { atProcessEnd } from '../../support/processes.js';
import { copyDependencies, run } from '../servers/fetch-jars.js';
import { clientFolder, CLIENTS, SOURCES, type SdkClient } from './clients.js';

/** Fetches the SDK clients into the cache unless they are there: aside first, then by one rename. Rejects with what is missing. */
export async function fetchClients(say: (text: string) => void): Promise<void> {
  for (const client of CLIENTS) {
    const folder = clientFolder(client);
    if (existsSync(folder)) continue;
    say(`fetching the ${client.type} client ${client.version} into ${folder}`);
    mkdirSync(dirname(folder), { recursive: true });
    const aside = mkdtempSync(`${folder}.part-`);
    const forget = atProcessEnd(() => rmSync(aside, { recursive: true, force: true }));
    try {
      const whole = join(aside, 'whole');
      await (client.type === 'npm' ? installPackage(client, whole) : copyJars(client, whole));
      renameSync(whole, folder);
    } catch (error) {
      // Another process may have been faster.
      if (!existsSync(folder)) throw error;
    } finally {
      rmSync(aside, { recursive: true, force: true });
      forget();
    }
  }
}

function copyJars({ version }: SdkClient, into: string): Promise<void> {
  const properties = [`-Dnacos.client.version=${version}`];
  return copyDependencies(`nacos-client ${version}`, join(SOURCES, 'pom.xml'), into, properties);
}

async function installPackage({ version }: SdkClient, into: string): Promise<void> {
  mkdirSync(into);
  const quiet = ['--ignore-scripts', '--no-audit', '--no-fund', '--loglevel=error'];
  const { status, output } = await run('npm', ['install', '--prefix', into, ...quiet, `nacos@${version}`]);
  if (status !== 0)
    throw new Error(`npm could not fetch nacos@${version}; it says:\n${output.slice(0, 600)}`);
}
