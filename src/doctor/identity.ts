import { keyOf } from '../registry/cluster.js';
import { placeholderIn } from '../config/placeholder.js';
import { SettingProblem } from '../config/setting-problem.js';

/** Header name (`nacos.core.auth.server.identity.key`) and value. Secret. */
export interface NacosIdentity {
  readonly key: string;
  readonly value: string;
}

/** Identities by cluster name. Each is sent to that cluster's members only. */
export type NacosIdentities = ReadonlyMap<string, NacosIdentity>;

/** The cluster of an identity that names none. */
const DEFAULT_CLUSTER = keyOf({ product: 'nacos', name: 'serverlist' });

/** An identity ends where the next cluster's begins, since a value may hold commas. */
const BETWEEN = /[,\n]\s*(?=[\w.-]+\/[\w.-]+=)/;

/**
 * Parses `KEY:VALUE`, which is for nacos/serverlist, or `PRODUCT/CLUSTER=KEY:VALUE,…`. An identity never goes
 * to another cluster's nodes, since anyone who may register a node there would learn it. Throws
 * {@link SettingProblem}, whose message leaves the identity out.
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
