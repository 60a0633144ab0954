import { canonical, parseAddress } from '../registry/address.js';
import { MAX_EXPECT } from '../registry/rules.js';
import type { ClusterRows } from './rows.js';
import type { StoredLease } from '../registry/cluster.js';
import { TIME_FACTS } from '../registry/lease-facts.js';

/*
 * Checks rows that a person may have edited. A list goes to every node, which turns it into Raft membership,
 * so a list that this program could not have written is not served.
 */

const NAME = /^[A-Za-z0-9._-]{1,64}$/;
const ID = /^[\x21-\x7e]{1,253}$/;

type Rule = (value: unknown) => boolean;

const whole: Rule = (value) => Number.isSafeInteger(value) && (value as number) >= 0;
/** A time on the lease clock; NEVER is just before its first. */
const time: Rule = (value) => Number.isSafeInteger(value) && (value as number) >= -1;
const flag: Rule = (value) => value === 0 || value === 1;
const orNull =
  (rule: Rule): Rule =>
  (value) =>
    value === null || rule(value);
const oneOf =
  (...values: readonly string[]): Rule =>
  (value) =>
    values.includes(value as string);
const text =
  (form: RegExp): Rule =>
  (value) =>
    typeof value === 'string' && form.test(value);
const address: Rule = (value) => {
  if (typeof value !== 'string') return false;
  const parsed = parseAddress(value);
  return parsed.ok && parsed.value === value;
};
const expect: Rule = (value) => whole(value) && (value as number) >= 1 && (value as number) <= MAX_EXPECT;

const CLUSTER = {
  product: text(NAME),
  name: text(NAME),
  epoch: whole,
  revision: whole,
  changed_at: time,
  size: whole,
  quorum_lost: flag,
  awaits_repair: flag,
  repair_until: orNull(time),
};
const MEMBER = {
  address,
  stable_id: orNull(text(ID)),
  expect: orNull(expect),
  source: oneOf('poll', 'heartbeat', 'static'),
  joined_at: time,
  joined_revision: whole,
  known_since: orNull(time),
  settled: flag,
  presence: oneOf('live', 'silent', 'down'),
  presence_since: time,
};
const WAITING = {
  address,
  stable_id: orNull(text(ID)),
  expect: orNull(expect),
  source: oneOf('poll', 'heartbeat'),
  since: time,
};
const DEPARTED = { address, left_at: time, quiet_until: time };
const LEASE = { ...Object.fromEntries(TIME_FACTS.map((fact) => [fact, time])), delivered: whole };

/** What is invalid in a cluster's rows, as the end of a sentence; undefined if nothing is. */
export function problemIn(
  { cluster, members, waiting, tombstones }: ClusterRows,
  leases: ReadonlyMap<string, StoredLease | undefined>,
): string | undefined {
  return (
    wrong('the cluster', cluster, CLUSTER) ??
    first(members, (row) => wrong('a member', row, MEMBER)) ??
    first(waiting, (row) => wrong('a waiting address', row, WAITING)) ??
    first(tombstones, (row) => wrong('a departed address', row, DEPARTED)) ??
    spelledTwice([...members, ...waiting].map((row) => row.address)) ??
    first([...leases], ([of, lease]) =>
      lease ? wrong(`the lease of ${quoted(of)}`, lease, LEASE) : undefined,
    ) ??
    (members.length > 0 && (cluster.epoch === 0 || cluster.revision === 0)
      ? `there are ${members.length} members, but the cluster was never bootstrapped (epoch ${cluster.epoch}, revision ${cluster.revision})`
      : undefined)
  );
}

function wrong(of: string, row: object, rules: Readonly<Record<string, Rule>>): string | undefined {
  const values = row as Readonly<Record<string, unknown>>;
  const column = Object.keys(rules).find((name) => rules[name]?.(values[name]) !== true);
  if (column === undefined) return undefined;
  const whose =
    column !== 'address' && typeof values.address === 'string' ? ` ${quoted(values.address)}` : '';
  return `${of}${whose} has ${column}=${quoted(values[column])}`;
}

function spelledTwice(addresses: readonly string[]): string | undefined {
  const seen = new Map<string, string>();
  for (const one of addresses) {
    const form = canonical(one);
    const other = seen.get(form);
    if (other !== undefined) {
      return other === one
        ? `${quoted(one)} appears twice`
        : `${quoted(one)} and ${quoted(other)} are one address`;
    }
    seen.set(form, one);
  }
  return undefined;
}

function first<T>(all: readonly T[], check: (one: T) => string | undefined): string | undefined {
  for (const one of all) {
    const problem = check(one);
    if (problem !== undefined) return problem;
  }
  return undefined;
}

/** The value as JSON, cut to 100 characters: a damaged row may hold anything. */
function quoted(value: unknown): string {
  const json = value === undefined || typeof value === 'bigint' ? String(value) : JSON.stringify(value);
  return json.length > 100 ? `${json.slice(0, 100)}…` : json;
}
