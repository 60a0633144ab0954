/**
 * The kinds of list requests: a poll names its node with `self`, a plain one does not, and a heartbeat is a
 * POST.
 */
export const REQUEST_KINDS = ['poll', 'plain', 'heartbeat'] as const;
export type RequestKind = (typeof REQUEST_KINDS)[number];

/** Why an answer has no list, or is not a success on the operators' side. */
export const REASONS = [
  /** There is no list yet: too few nodes wait to bootstrap one (R1). */
  'bootstrapping',
  /** The node waits at the gate (R3). */
  'gate',
  /** The node has left, and still polls while it stops (R4). */
  'left',
  /** The list is changing, and some servers do not have the change yet. */
  'agreeing',
  /** The store is out of reach (R9). */
  'store',
  /** The registry refuses the address, or a limit of it is reached. */
  'refused',
  /** A token is missing or not valid. */
  'unauthorized',
  /** The token is for another cluster, or the address may not be listed or not speak from there. */
  'forbidden',
  /** A parameter, a header or the body is wrong. */
  'bad-request',
  /** The path or cluster does not exist. */
  'not-found',
  /** The path does not offer the method. */
  'method',
  /** Too many of these requests came from one client. */
  'limited',
  /** It is not HTTP. */
  'malformed',
  /** A Nacos node called the operators' side. */
  'astray',
  /** The server is stopping. */
  'stopping',
  /** A bug; see the log. */
  'internal',
] as const;
export type Reason = (typeof REASONS)[number];

/** The outcome of a poll or heartbeat, coarser than the reason. */
export const OUTCOMES = [
  'list',
  'waiting',
  'refused',
  'unavailable',
  'unauthorized',
  'forbidden',
  'bad-request',
  'not-found',
  'limited',
  'internal',
  /** The caller hung up before there was an answer. */
  'abandoned',
] as const;
export type Outcome = (typeof OUTCOMES)[number];

export const OUTCOME_OF: Readonly<Record<Reason, Outcome>> = {
  bootstrapping: 'waiting',
  gate: 'waiting',
  left: 'waiting',
  agreeing: 'unavailable',
  store: 'unavailable',
  refused: 'refused',
  unauthorized: 'unauthorized',
  forbidden: 'forbidden',
  'bad-request': 'bad-request',
  'not-found': 'not-found',
  method: 'bad-request',
  limited: 'limited',
  malformed: 'bad-request',
  astray: 'not-found',
  stopping: 'unavailable',
  internal: 'internal',
};

/**
 * How the hold of a poll ended: with a list; without one; or early, because the caller or the server went
 * away.
 */
export const HOLD_OUTCOMES = ['list', 'no-list', 'abandoned'] as const;
export type HoldOutcome = (typeof HOLD_OUTCOMES)[number];

/** What access control and the limits refuse. */
export const REFUSALS = [
  /** A token is missing or not valid. */
  'token',
  /** The token is for another cluster. */
  'scope',
  /**
   * It comes from another address than the one that it speaks for (VERIFY_SOURCE=on), or that is allowed to
   * (authority.ts).
   */
  'source',
  /** The address is in none of the networks of ALLOWED_MEMBERS. */
  'member',
  /** Too many of these requests came from one client. */
  'rate',
  /** There are too many connections. */
  'connections',
  /** The caller sends or reads too slowly. */
  'slow',
] as const;
export type RefusalReason = (typeof REFUSALS)[number];

/** Any request but a poll or heartbeat. */
export interface OtherRequest {
  /** GET, HEAD, POST, DELETE, or `other`. */
  readonly method: string;
  /**
   * A template, such as `/api/v1/clusters/{product}/{cluster}`, or `unmatched`; never a path that the caller
   * chose.
   */
  readonly route: string;
  /** The HTTP status, or `unterminated`. */
  readonly status: string;
  /** Milliseconds; undefined if the caller asked to be held, since that says nothing about the server. */
  readonly ms: number | undefined;
}

/**
 * Observes all requests when they are answered. It must be quick and must not throw, since nothing depends on
 * it: {@link answered} is called some 50,000 times a second.
 */
export interface TrafficObserver {
  /** A poll or heartbeat was answered after `ms` milliseconds. */
  answered(ask: RequestKind, answer: Outcome, ms: number): void;
  /** Any other request was answered. */
  requested(request: OtherRequest): void;
  /** An answer was left unterminated (unterminated.ts). */
  cut(reason: Reason): void;
  /** A poll that could not be answered with a list at once was held for `ms` milliseconds in all. */
  held(ms: number, end: HoldOutcome): void;
  /**
   * Access control or a limit stepped in. Called once for each request or connection, whatever the answer.
   */
  refused(reason: RefusalReason): void;
}

export const NO_TRAFFIC: TrafficObserver = {
  answered: () => undefined,
  requested: () => undefined,
  cut: () => undefined,
  held: () => undefined,
  refused: () => undefined,
};
