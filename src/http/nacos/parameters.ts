import { z } from 'zod';
import { parseDuration } from '../../config/duration.js';
import { checkPort, DEFAULT_PORT, readAddress, type Address, type Parsed } from '../../registry/address.js';
import { MAX_EXPECT } from '../../registry/rules.js';

/**
 * The parameters of the Nacos side. The same schemas read them (list-request.ts) and describe them
 * (api/openapi.ts). A problem is the end of a sentence that starts with the parameter and its value.
 */

/** The member that a request is about. */
export type Self =
  | { readonly type: 'address'; readonly address: Address }
  /** The connection's remote end with this port. */
  | { readonly type: 'auto'; readonly port: number }
  /**
   * IPv6 without brackets, which may mean two addresses: takes the one that is the connection's remote end.
   * `problem` explains the ambiguity.
   */
  | { readonly type: 'either'; readonly addresses: readonly [Address, Address]; readonly problem: string };

/** The longest `wait`, in milliseconds. */
export const MAX_WAIT_MS = 60_000;

const NAME = /^(?!\.+$)[A-Za-z0-9._-]{1,64}$/;
const NAME_PROBLEM = 'is not a valid name; it takes 1 to 64 letters, digits, dots, hyphens and underscores';

/** The first path segment of the operators' side. */
const RESERVED_PRODUCTS = new Set(['api']);

export const productName = z
  .string()
  .regex(NAME, NAME_PROBLEM)
  .refine((name) => !RESERVED_PRODUCTS.has(name), "is reserved for this server's own API; choose another")
  .meta({ description: 'The product, usually `nacos`; `api` is none.', examples: ['nacos'] });

export const clusterName = z
  .string()
  .regex(NAME, NAME_PROBLEM)
  .meta({ description: 'The cluster, usually `serverlist`.', examples: ['serverlist'] });

/** A schema for texts that a function parses. */
export function readBy<T>(parse: (text: string) => Parsed<T>) {
  return z.string().transform((text, context): T => {
    const parsed = parse(text);
    if (parsed.ok) return parsed.value;
    context.addIssue(parsed.problem);
    return z.NEVER;
  });
}

/** A schema for whole numbers of at most `digits` decimal digits. */
export function wholeNumber(
  min: number,
  max: number,
  digits: number,
  problem: string,
  rangeProblem = problem,
) {
  return z.preprocess(
    (text) => (typeof text === 'string' && text.length <= digits && /^\d+$/.test(text) ? Number(text) : text),
    z.int(problem).min(min, rangeProblem).max(max, rangeProblem),
  );
}

/** A schema for durations such as `10s`, in milliseconds. */
export function time(max: number, example: string) {
  const problem = `is not a duration up to ${max / 1_000}s, such as ${example}`;
  return z
    .string()
    .regex(/^\d{1,9}(ms|s|m|h)$/, problem)
    .transform((text) => parseDuration(text) ?? NaN)
    .refine((ms) => ms <= max, problem);
}

/** The query of `/{product}/{cluster}`, in the order of checking. */
export const listQuery = z.object({
  self: readBy(parseSelf)
    .optional()
    .meta({
      description:
        'The member that the request is about: `HOST:PORT` (8848 without a port, IPv6 in brackets where it may be read in two ' +
        'ways) exactly as the node knows itself, or `auto` or `auto:PORT` for the address that the request comes from. A poll with it is a heartbeat.',
    }),
  expect: wholeNumber(1, MAX_EXPECT, 3, `is not a whole number from 1 to ${MAX_EXPECT}`)
    .optional()
    .meta({
      description:
        'How many members the cluster is to have. The first list is bootstrapped when so many wait (R1); the largest ' +
        'number that a node asks for wins, and 1 without any. Needs `self`.',
    }),
  id: z
    .string()
    .regex(
      /^[A-Za-z0-9][A-Za-z0-9._:-]{0,252}$/,
      'is not an identity; it takes 1 to 253 letters, digits, dots, hyphens, underscores and colons',
    )
    .optional()
    .meta({
      description:
        "A stable identity that outlives the address, such as the pod's name: a new address with the id of a silent " +
        'member is its replacement (R5), with the id of a live one it is refused (R3). Where the server has no token it ' +
        'counts only from the address itself, or from where the member is heard. Needs `self`.',
      examples: ['nacos-0'],
    }),
  revision: wholeNumber(0, Number.MAX_SAFE_INTEGER, 7, 'is not a revision')
    .optional()
    .meta({
      description:
        'POST only, for agents: the revision of the list that its Nacos has, 0 for none yet. It counts as ' +
        'delivered, as if the node had polled it. Needs `self`.',
    }),
  starting: z
    .literal('true', 'is unknown; it is true, or left out')
    .optional()
    .meta({
      description:
        'POST only, for agents: its Nacos has been started and has not answered yet. The member is renewed, and neither ' +
        'settles nor is counted on in an eviction (R5). Needs `self`.',
    }),
  unhealthy: z
    .string()
    .regex(/^[^\p{Cc}\u2028\u2029]{1,300}$/u, 'is not a sentence of 1 to 300 characters')
    .optional()
    .meta({
      description:
        'POST only, for agents: the sign that its Nacos does not answer. The member is not renewed, and an ' +
        'event says so. Needs `self`.',
      examples: ['its port has not answered for 6 s'],
    }),
  wait: time(MAX_WAIT_MS, '10s')
    .optional()
    .meta({
      description:
        'POST: how long to hold the answer while the list is the one that `revision` names, or the address waits; at most ' +
        'half of a lease. DELETE: how long to wait until every other live member has the list without the one that leaves, up to ' +
        '`60s`. The node must run until then (R4); `15s` is comfortable.',
    }),
  format: z
    .enum(['text', 'json'], 'is unknown; it is text or json')
    .default('text')
    .meta({ description: '`json` for Nacos 1.3.0 to 2.0.2, `text` for all others.' }),
  view: z.literal('live', 'is unknown; it is live, or left out').optional().meta({
    description: 'For SDK clients, which are no members: only the members that answer now.',
  }),
  token: z.string().optional().meta({
    description: 'A token for changes of this cluster, when the server demands one (`AUTH_TOKEN`).',
  }),
});

function parseSelf(text: string): Parsed<Self> {
  const auto = /^auto(?::(.*))?$/.exec(text);
  if (!auto) {
    const address = readAddress(text);
    if (address.ok) return { ok: true, value: { type: 'address', address: address.value } };
    if (!('either' in address)) return address;
    const { either, problem } = address;
    return {
      ok: true,
      value: { type: 'either', addresses: either, problem: `self=${JSON.stringify(text)} ${problem}` },
    };
  }
  const problem = auto[1] === undefined ? undefined : checkPort(auto[1]);
  if (problem !== undefined) return { ok: false, problem };
  return { ok: true, value: { type: 'auto', port: Number(auto[1] ?? DEFAULT_PORT) } };
}
