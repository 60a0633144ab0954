import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import type { NacosVersion } from './versions.js';

/** An unpacked official release: `target/nacos-server.jar` and `conf/`. */
export interface Distribution {
  readonly version: NacosVersion;
  readonly folder: string;
}

/** How a release unpacks: into `nacos`, here in a folder that names the version. */
const NAME = /^(?:nacos-server-)?(\d+\.\d+\.\d+(?:[.-][\w.]+)?)$/;

/** The unpacked releases in the folder NACOS_SERVERS, such as `nacos-server-2.5.1/nacos`, by version; none without it. */
export function distributions(): readonly Distribution[] {
  const folder = process.env.NACOS_SERVERS;
  if (folder === undefined || folder === '' || !existsSync(folder)) return [];
  return readdirSync(folder).flatMap((name) => {
    const version = NAME.exec(name)?.[1];
    const places = [join(folder, name, 'nacos'), join(folder, name)];
    const place = places.find((one) => existsSync(join(one, 'target', 'nacos-server.jar')));
    return version === undefined || place === undefined ? [] : [{ version, folder: place }];
  });
}

/** What is wrong with NACOS_SERVERS; undefined when nothing is, also when it is not set. */
export function distributionsProblem(): string | undefined {
  const folder = process.env.NACOS_SERVERS;
  if (folder === undefined || folder === '' || distributions().length > 0) return undefined;
  const found = existsSync(folder) ? 'holds no unpacked release of Nacos' : 'does not exist';
  return (
    `the folder ${folder} (NACOS_SERVERS) ${found}: unpack nacos-server-VERSION.zip or .tar.gz so that there is ` +
    `${join(folder, 'nacos-server-VERSION', 'nacos', 'target', 'nacos-server.jar')}, or unset it`
  );
}
