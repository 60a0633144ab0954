import type { ClusterHealth, ClusterView, EventView, RefusedCaller } from './types.js';

/** Time limit of an answer, on top of the time that the request itself waits for. */
const TIMEOUT_MS = 10_000;

/** The server refused a request, with its own message (RFC 9457), or could not be reached (status 0). */
export class Refused extends Error {
  override readonly name = 'Refused';
  readonly status: number;

  constructor(status: number, detail: string) {
    super(detail);
    this.status = status;
  }
}

/** The server's answer after a member was taken off. */
export interface TakenOff {
  readonly address: string;
  readonly revision: number;
  /** Live members that do not have the new list yet. */
  readonly pendingMembers: readonly string[];
  /** Raft groups in which the member was still a voter at the last look. */
  readonly voterIn?: readonly string[];
}

export interface EventPage {
  readonly events: readonly EventView[];
  /** Set if there are older events: `seq` of the last one in this page. */
  readonly next?: number;
}

/** The path of a cluster's resource, relative to the page: both may be behind a prefix. */
export function clusterPath(key: string, rest = ''): string {
  return `api/v1/clusters/${key.split('/').map(encodeURIComponent).join('/')}${rest}`;
}

/** Reads events, newest first, of one cluster or of all. Rejects with {@link Refused}. */
export function readEvents(
  key: string | undefined,
  { before, limit }: { before?: number | undefined; limit: number },
): Promise<EventPage> {
  const path = key === undefined ? 'api/v1/events' : clusterPath(key, '/events');
  return ask('GET', `${path}?limit=${limit}${before === undefined ? '' : `&before=${before}`}`);
}

/**
 * Reads the health of a cluster's Nacos nodes, as of the server's last look. Rejects with {@link Refused}.
 */
export function readHealth(key: string): Promise<ClusterHealth> {
  return ask('GET', clusterPath(key, '/health'));
}

/**
 * Reads the refused callers that named this cluster, or without `key` those that named no known one. Rejects
 * with {@link Refused}.
 */
export async function readRefused(key: string | undefined): Promise<readonly RefusedCaller[]> {
  const path = key === undefined ? 'api/v1/refused' : clusterPath(key, '/refused');
  return (await ask<{ readonly callers: readonly RefusedCaller[] }>('GET', path)).callers;
}

/**
 * Takes a member off the list, and waits up to 15 s until the others have the new list. Rejects with
 * {@link Refused}.
 */
export function takeOff(key: string, address: string, token: string | undefined): Promise<TakenOff> {
  const path = clusterPath(key, `/members/${encodeURIComponent(address)}?wait=15s`);
  return ask('DELETE', path, token, 15_000);
}

/** Recovers a cluster's list after a lost majority (R7). Rejects with {@link Refused}. */
export function recover(key: string, token: string | undefined): Promise<ClusterView> {
  return ask('POST', clusterPath(key, '/recover'), token);
}

/** Deletes a cluster without live members; its history stays. Rejects with {@link Refused}. */
export function deleteCluster(key: string, token: string | undefined): Promise<unknown> {
  return ask('DELETE', clusterPath(key), token);
}

/** Why the server cannot be read; undefined if it can. */
export async function whyUnreadable(): Promise<Refused | undefined> {
  try {
    await ask('GET', 'api/v1/server');
    return undefined;
  } catch (error) {
    return error as Refused;
  }
}

async function ask<T>(method: string, path: string, token?: string, waits = 0): Promise<T> {
  const headers: Record<string, string> = { Accept: 'application/json' };
  if (token !== undefined) headers.Authorization = `Bearer ${token}`;
  let response: Response;
  let text: string;
  try {
    response = await fetch(path, { method, headers, signal: AbortSignal.timeout(TIMEOUT_MS + waits) });
    text = await response.text();
  } catch (error) {
    throw new Refused(0, error instanceof Error ? error.message : String(error));
  }
  if (!response.ok) throw new Refused(response.status, detailOf(text) ?? `${response.status} ${text}`);
  return JSON.parse(text) as T;
}

function detailOf(text: string): string | undefined {
  try {
    return (JSON.parse(text) as { detail?: string }).detail;
  } catch {
    return undefined;
  }
}
