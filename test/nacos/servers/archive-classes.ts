import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, renameSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { atProcessEnd } from '../../support/processes.js';
import { NacosNode } from '../node.js';
import { patiently } from '../patience.js';
import { Ports } from '../ports.js';
import { javaCommand } from './java.js';
import { classArchive, classPath } from './jars.js';
import { JVM } from './launch.js';
import type { NacosVersion } from './versions.js';

/**
 * Starts a fetched version once, alone, and keeps the classes that it has loaded as Java has made them ready: that spares
 * each later start a quarter of its work (4.2 instead of 5.8 s of a CPU, 2.3.2 on Java 17). It shows besides that the
 * server starts with this Java at all. Rejects when it does not.
 */
export async function archiveClasses(version: NacosVersion, say: (text: string) => void): Promise<void> {
  const archive = classArchive(version);
  if (existsSync(archive)) return;
  say(`starting Nacos ${version} once, to archive its classes in ${archive}`);
  const home = mkdtempSync(join(tmpdir(), 'address-server-archive-'));
  const forget = atProcessEnd(() => rmSync(home, { recursive: true, force: true }));
  const port = await new Ports().take();
  const lookup = { type: 'file', members: [`127.0.0.1:${port}`] } as const;
  const aside = `${archive}.part-${process.pid}`;
  const node = new NacosNode({ version, port, home, lookup, archiveTo: aside });
  try {
    await patiently('it is up', () => {
      if (!node.isRunning)
        throw new Error(`Nacos ${version} ends at its start, with this Java. It says:\n${node.log()}`);
      return node.hasStarted;
    });
    await node.end('SIGTERM');
    const refusal = refusalOf(aside, version);
    if (refusal !== '')
      say(`Java does not use the archive of ${version}, so each start takes longer: ${refusal}`);
    renameSync(aside, archive);
  } finally {
    await node.end('SIGKILL');
    rmSync(aside, { force: true });
    rmSync(home, { recursive: true, force: true, maxRetries: 10, retryDelay: 100 });
    forget();
  }
}

/** What Java says against an archive; empty when it uses it. */
function refusalOf(archive: string, version: NacosVersion): string {
  const args = [...JVM, `-XX:SharedArchiveFile=${archive}`, '-cp', classPath(version), '-version'];
  const { stdout } = spawnSync(javaCommand(), args, { encoding: 'utf8' });
  return stdout.trim().split('\n')[0] ?? '';
}
