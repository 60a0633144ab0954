import { distributionsProblem } from './distributions.js';
import { fetchClients } from '../clients/fetch-clients.js';
import { archiveClasses } from './archive-classes.js';
import { fetchJars } from './fetch-jars.js';
import { versionsToFetch } from './installed.js';
import { javaProblem } from './java.js';

/*
 * `npm run fetch:nacos`: brings the real Nacos servers of the tests into the cache, or says why it cannot and what to do.
 */

function say(text: string): void {
  console.log(text);
}

async function fetchAll(): Promise<void> {
  const problem = distributionsProblem() ?? javaProblem();
  if (problem !== undefined) throw new Error(problem);
  for (const version of versionsToFetch()) {
    await fetchJars(version, say);
    await archiveClasses(version, say);
  }
  await fetchClients(say);
}

try {
  await fetchAll();
} catch (error) {
  console.error(`no real Nacos servers: ${(error as Error).message}`);
  process.exitCode = 1;
}
