import { createHmac, randomBytes, timingSafeEqual } from 'node:crypto';
import { placeholderIn } from '../../config/placeholder.js';
import { parseName } from '../nacos/list-request.js';
import { keyOf, type ClusterKey } from '../../registry/cluster.js';
import { SettingProblem } from '../../config/setting-problem.js';
import { listEntries } from './networks.js';

/** The shortest token, in characters: a token that can be guessed is worthless at any rate limit. */
const SHORTEST = 16;
const LONGEST = 256;

/** RFC 6750 §2.1, b64token: the characters of a bearer token. It has no colon, so a scope can precede it. */
const TOKEN = /^[A-Za-z0-9._~+/-]+=*$/;

/** One token and the clusters that it is for. */
export interface Token {
  readonly text: string;
  /** The only cluster that it is for, as `product/cluster`; undefined for every cluster. */
  readonly cluster: string | undefined;
}

/**
 * Reads `TOKEN` and `PRODUCT/CLUSTER:TOKEN`, separated by commas or white space. Throws {@link
 * SettingProblem}, which never quotes a token.
 */
export function parseTokens(text: string): Token[] {
  return listEntries(text).map((entry, index) => {
    const colon = entry.indexOf(':');
    const token = entry.slice(colon + 1);
    const which = `entry ${index + 1}`;
    if (!TOKEN.test(token)) {
      throw new SettingProblem(
        `has in ${which} a character that no token may have; letters, digits and . _ ~ + / - are allowed, and = at the end`,
      );
    }
    const placeholder = placeholderIn(token);
    if (placeholder !== undefined) throw new SettingProblem(`has in ${which} no token: it ${placeholder}`);
    if (token.length < SHORTEST || token.length > LONGEST) {
      throw new SettingProblem(
        `has in ${which} a token of ${token.length} characters; it takes ${SHORTEST} to ${LONGEST}. Make one with: openssl rand -hex 32`,
      );
    }
    return { text: token, cluster: colon < 0 ? undefined : parseScope(entry.slice(0, colon), which) };
  });
}

function parseScope(scope: string, which: string): string {
  const [product = '', cluster = '', ...rest] = scope.split('/');
  if (rest.length > 0 || !parseName('product', product).ok || !parseName('cluster', cluster).ok) {
    throw new SettingProblem(
      `has in ${which} a colon, and before it no PRODUCT/CLUSTER that the token would be for, such as nacos/serverlist`,
    );
  }
  return keyOf({ product, name: cluster });
}

/** Whether a grant covers the cluster; without one, whether it covers all. */
export function allows({ everywhere, clusters }: Grant, key: ClusterKey | undefined): boolean {
  return everywhere || (key !== undefined && clusters.has(keyOf(key)));
}

/**
 * *missing*: no token was sent. *unknown*: the token is not valid, or no longer. *elsewhere*: it is for other
 * clusters.
 */
export type Verdict = 'granted' | 'missing' | 'unknown' | 'elsewhere';

/** The verdict on a token, from the first set that grants it for the cluster. */
export function judge(
  token: string | undefined,
  key: ClusterKey | undefined,
  ...sets: readonly TokenSet[]
): Verdict {
  if (token === undefined || token === '') return 'missing';
  const grants = sets.flatMap((set) => set.grantOf(token) ?? []);
  if (grants.length === 0) return 'unknown';
  return grants.some((grant) => allows(grant, key)) ? 'granted' : 'elsewhere';
}

/** The clusters that a token allows. */
export interface Grant {
  /** Whether it is good for every cluster. */
  readonly everywhere: boolean;
  /** The clusters that it covers, as `product/cluster`. */
  readonly clusters: ReadonlySet<string>;
}

interface Known extends Grant {
  readonly digest: Buffer;
  everywhere: boolean;
  readonly clusters: Set<string>;
}

/**
 * The tokens that are valid now. They are stored and looked up as keyed digests, so that the time of neither
 * the lookup nor the comparison depends on how much of a token was guessed right.
 */
export class TokenSet {
  readonly #key = randomBytes(32);
  readonly #grants = new Map<string, Known>();

  constructor(tokens: Iterable<Token>) {
    for (const { text, cluster } of tokens) {
      const digest = this.#digest(text);
      const name = digest.toString('latin1');
      let grant = this.#grants.get(name);
      if (!grant) this.#grants.set(name, (grant = { digest, everywhere: false, clusters: new Set() }));
      if (cluster === undefined) grant.everywhere = true;
      else grant.clusters.add(cluster);
    }
  }

  get isEmpty(): boolean {
    return this.#grants.size === 0;
  }

  /** The grant of a token; undefined if it is not valid. */
  grantOf(token: string): Grant | undefined {
    const digest = this.#digest(token);
    const known = this.#grants.get(digest.toString('latin1'));
    return known && timingSafeEqual(known.digest, digest) ? known : undefined;
  }

  #digest(token: string): Buffer {
    return createHmac('sha256', this.#key).update(token).digest();
  }
}
