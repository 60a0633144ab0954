/** What a caller may take of this server, whoever it is. Sizes are bytes, times milliseconds. */
export interface Limits {
  /** Connections open at once. */
  readonly connections: number;
  /** What sets that number, for the log. */
  readonly connectionsBecause: string;
  /** Request line and header fields together. */
  readonly headerSize: number;
  readonly headerFields: number;
  readonly bodySize: number;
  /** How long a request, its body included, may take to arrive, and a new connection to say something. */
  readonly arrival: number;
  /** How long a connection on which somebody waits may stand still; longer than the longest long poll, 60 s. */
  readonly stall: number;
  /** How long answers under way may take after a stop. */
  readonly drain: number;
  /** Requests that a connection may send ahead of their answers; they are handled one after another. */
  readonly pipelined: number;
  /** Those that all connections together may; each takes some 5 kB. */
  readonly pipelinedByAll: number;
  /** Answers of the front door that one caller may leave unread. */
  readonly unread: number;
  /** Characters of request lines, and of headers, that the front door remembers: polls repeat themselves to the letter. */
  readonly remembered: number;
  /** What all callers together may leave unread; whoever has most is cut off first. */
  readonly unreadByAll: number;
}

export const DEFAULT_LIMITS: Limits = {
  connections: 20_000,
  connectionsBecause: 'MAX_CONNECTIONS allows',
  headerSize: 16 << 10,
  headerFields: 100,
  bodySize: 64 << 10,
  arrival: 10_000,
  stall: 90_000,
  drain: 1_500,
  // No Nacos and no client that is known sends any.
  pipelined: 16,
  pipelinedByAll: 1_000,
  unread: 1 << 20,
  remembered: 8 << 20,
  unreadByAll: 64 << 20,
};
