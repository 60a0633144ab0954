import { keyOf } from '../registry/cluster.js';
import { placeholderIn } from '../config/placeholder.js';
import { SettingProblem } from '../config/setting-problem.js';

/** The header of `nacos.core.auth.server.identity.key` and its value. It is a secret. */
export interface NacosIdentity {
  readonly key: string;
  readonly value: string;
}

/** By the name of the cluster, whose members alone are sent it. */
export type NacosIdentities = ReadonlyMap<string, NacosIdentity>;

/** Of an identity that names no cluster. */
const DEFAULT_CLUSTER = keyOf({ product: 'nacos', name: 'serverlist' });

/** One ends where another cluster's begins: a value may hold commas. */
const BETWEEN = /[,\n]\s*(?=[\w.-]+\/[\w.-]+=)/;

/**
 * Reads `KEY:VALUE`, which is for nacos/serverlist, or `PRODUCT/CLUSTER=KEY:VALUE,…`; nobody may be sent that of another
 * cluster, since whoever may register there learns it. Throws {@link SettingProblem}, which does not repeat it.
 */
export function parseIdentities(text: string): NacosIdentities {
  const identities = new Map<string, NacosIdentity>();
  for (const entry of text === '' ? [] : text.trim().split(BETWEEN)) {
    const match = /^(?:([\w.-]+\/[\w.-]+)=)?([A-Za-z0-9!#$%&'*+.^_`|~-]+):([\x20-\x7e]+)$/.exec(entry.trim());
    if (!match) {
      throw new SettingProblem(
        'is neither KEY:VALUE of a header nor PRODUCT/CLUSTER=KEY:VALUE,… for several clusters',
      );
    }
    const [, cluster = DEFAULT_CLUSTER, key = '', value = ''] = match;
    if (identities.has(cluster)) throw new SettingProblem(`names ${cluster} twice`);
    const placeholder = placeholderIn(`${key}:${value}`);
    if (placeholder !== undefined) throw new SettingProblem(placeholder);
    identities.set(cluster, { key, value });
  }
  return identities;
}
