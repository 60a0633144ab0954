/** Limits on what any caller may take of this server. Sizes are in bytes, times in milliseconds. */
export interface Limits {
  /** Connections open at once. */
  readonly connections: number;
  /** The reason for that number, for the log. */
  readonly connectionsBecause: string;
  /** Request line and header fields together. */
  readonly headerSize: number;
  readonly headerFields: number;
  readonly bodySize: number;
  /** How long a request, its body included, may take to arrive, and a new connection to send something. */
  readonly arrival: number;
  /**
   * How long a connection with a pending request may be without traffic; longer than the longest long poll,
   * 60 s.
   */
  readonly stall: number;
  /** How long responses under way may take after a stop. */
  readonly drain: number;
  /** How many requests a connection may send ahead of their answers; they are handled one after another. */
  readonly pipelined: number;
  /** How many all connections together may send ahead; each takes some 5 kB. */
  readonly pipelinedByAll: number;
  /** How much of the front door's responses one caller may leave unread. */
  readonly unread: number;
  /** How many characters of request lines, and of headers, the front door caches: polls repeat exactly. */
  readonly remembered: number;
  /** How much all callers together may leave unread; the one with the most is cut off first. */
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
  // No Nacos and no known client pipelines.
  pipelined: 16,
  pipelinedByAll: 1_000,
  unread: 1 << 20,
  remembered: 8 << 20,
  unreadByAll: 64 << 20,
};
