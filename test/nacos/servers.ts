import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** The versions that can be started: plain-text lists, and JSON lists. */
export type NacosVersion = '2.5.1' | '1.4.2';

/** The folder with the real servers: `../shared/nacos` beside the repository, or NACOS_SERVERS. */
const FOLDER =
  process.env.NACOS_SERVERS ?? fileURLToPath(new URL('../../../../shared/nacos', import.meta.url));

/** Starts one real node in the foreground; becomes its java process. */
export const START_NODE = join(FOLDER, 'start-node');

/** Prints what nodes believe, and exits 0 only when they agree. */
export const MEMBERS = join(FOLDER, 'members');

/** Why no real Nacos can be started here; undefined when one can. */
export function missingServers(): string | undefined {
  const files = [
    START_NODE,
    MEMBERS,
    ...['2.5.1', '1.4.2'].map((v) => join(FOLDER, `nacos-server-${v}.jar`)),
  ];
  const absent = files.find((file) => !existsSync(file));
  if (absent !== undefined)
    return `no real Nacos servers: ${absent} is missing (NACOS_SERVERS names their folder)`;
  for (const [program, argument] of [
    ['java', '-version'],
    ['python3', '--version'],
  ] as const) {
    if (spawnSync(program, [argument], { stdio: 'ignore' }).status !== 0) return `${program} cannot be run`;
  }
  return undefined;
}
