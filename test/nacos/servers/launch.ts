import { copyFileSync, existsSync, mkdirSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { distributions, type Distribution } from './distributions.js';
import { javaCommand } from './java.js';
import { classArchive, classPath } from './jars.js';
import { traitsOf, type NacosVersion } from './versions.js';

export interface Launch {
  readonly version: NacosVersion;
  /** The main port; `portOffsets` in versions.ts has the others. */
  readonly port: number;
  /** Where it keeps conf/, data/ and logs/; an empty one is a node with an empty disk. */
  readonly home: string;
  /** Its own address, 127.0.0.1 if left out. */
  readonly host?: string | undefined;
  /** Where its HTTP API is, `/nacos` if left out. */
  readonly contextPath?: string | undefined;
  /** Where to leave an archive of the classes that it has loaded when it ends; without that one is used if it is there. */
  readonly archiveTo?: string | undefined;
}

/** A node takes about 0.5 GiB with it. */
const HEAP = '256m';

/** What an archive of classes depends on, and what spares work. */
export const JVM = [`-Xms${HEAP}`, `-Xmx${HEAP}`, '-XX:+UseSerialGC', '-XX:TieredStopAtLevel=1'] as const;

/** What its libraries look into, older than Java's modules. */
export const OPENED = ['java.lang', 'java.lang.reflect', 'java.util', 'java.util.concurrent', 'java.math'];

/**
 * The command that becomes one real, unmodified Nacos server, a cluster node that keeps its data itself (naming only, no
 * database), and prepares its home. How it finds the others is the environment's, as a user would set it:
 * NACOS_CORE_MEMBER_LOOKUP_TYPE, address_server_domain, … What it prints goes to logs/start.out,
 * what it logs beside it.
 */
export function launch({
  version,
  port,
  home,
  host = '127.0.0.1',
  contextPath = '/nacos',
  archiveTo,
}: Launch): [string, ...string[]] {
  for (const name of ['conf', 'logs']) mkdirSync(join(home, name), { recursive: true });
  const distribution = distributions().find((one) => one.version === version);
  const properties = {
    embeddedStorage: 'true',
    'nacos.functionMode': 'naming',
    'nacos.home': home,
    // Where the release's own settings have them; else all nodes write to one folder of the user's.
    'nacos.logs.path': join(home, 'logs'),
    'nacos.server.ip': host,
    // HikariCP passes it on as the time of a log-in (PoolBase.setLoginTimeout), in which Derby is created: a busy machine takes
    // longer, and the node would end.
    'db.pool.config.connectionTimeout': '300000',
    ...traitsOf(version).properties(port, contextPath),
  };
  const java = [
    javaCommand(),
    ...JVM,
    ...OPENED.map((name) => `--add-opens=java.base/${name}=ALL-UNNAMED`),
    ...Object.entries(properties).map(([key, value]) => `-D${key}=${value}`),
    ...(distribution ? released(distribution, home) : fetched(version, archiveTo)),
    `--spring.config.additional-location=file:${home}/conf/`,
    // What the official scripts call it.
    'nacos.nacos',
  ];
  return ['sh', '-c', 'cd "$0" && exec "$@" >logs/start.out 2>&1', home, ...java];
}

function fetched(version: NacosVersion, archiveTo: string | undefined): string[] {
  const archive = classArchive(version);
  const use = existsSync(archive) ? [`-XX:SharedArchiveFile=${archive}`] : [];
  const sharing = archiveTo === undefined ? use : [`-XX:ArchiveClassesAtExit=${archiveTo}`];
  return [...sharing, '-cp', classPath(version), 'com.alibaba.nacos.Nacos'];
}

/** A release's own settings lie in the home: those that are there already are the node's. */
function released({ folder }: Distribution, home: string): string[] {
  for (const name of readdirSync(join(folder, 'conf'))) {
    const to = join(home, 'conf', name);
    if (!existsSync(to)) copyFileSync(join(folder, 'conf', name), to);
  }
  const jar = join(folder, 'target', 'nacos-server.jar');
  return ['-jar', jar, `--logging.config=${join(home, 'conf', 'nacos-logback.xml')}`];
}
