import { SettingProblem } from '../setting-problem.js';

/** The header of `nacos.core.auth.server.identity.key` and its value. It is a secret. */
export interface NacosIdentity {
  readonly key: string;
  readonly value: string;
}

/** Reads `KEY:VALUE`; undefined for an empty text. Throws {@link SettingProblem}, which does not repeat it. */
export function parseIdentity(text: string): NacosIdentity | undefined {
  if (text === '') return undefined;
  const match = /^([A-Za-z0-9!#$%&'*+.^_`|~-]+):([\x20-\x7e]+)$/.exec(text);
  if (!match) throw new SettingProblem('is no KEY:VALUE of a header');
  return { key: match[1] ?? '', value: match[2] ?? '' };
}
