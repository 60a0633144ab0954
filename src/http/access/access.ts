import type { IncomingMessage } from 'node:http';
import type { ClusterKey } from '../../registry/cluster.js';
import type { Problem } from '../reply.js';

/**
 * What a change needs: nothing; a token; or, while there is none, to come from the right place (authority.ts).
 */
export const CHANGES_NEED = ['open', 'local', 'token'] as const;
export type ChangesNeed = (typeof CHANGES_NEED)[number];

/** Who may read and who may change what, on the operators' side and of the official API. */
export interface Access {
  readonly changes: ChangesNeed;
  /** Whether reading the API, the page and the metrics needs a token. */
  readonly reads: 'open' | 'token';
  /**
   * Undefined when the caller may change the cluster now; otherwise what to answer, with nothing changed. A change counts
   * for as many as it names addresses, 1 by default.
   */
  refuseChange(request: IncomingMessage, key: ClusterKey, addresses?: number): Problem | undefined;
  /**
   * Undefined when the caller may read about the cluster; about all of them; or about any of them, where the answer is
   * cut to what is {@link readable}.
   */
  refuseRead(request: IncomingMessage, what: ClusterKey | 'all' | 'any'): Problem | undefined;
  /**
   * Whether the caller may know how a member of the cluster fails to answer this server, and have it asked now: that tells of
   * ports and hosts which the caller may not reach itself.
   */
  seesReasons(request: IncomingMessage, key: ClusterKey): boolean;
  /** Whether the caller may read about all clusters, known or not. */
  readsAll(request: IncomingMessage): boolean;
  /** Which clusters the caller may read about. */
  readable(request: IncomingMessage): (key: ClusterKey) => boolean;
  /** Whether a caller that could read something still can: its token may have been taken out since. */
  stillReads(request: IncomingMessage): boolean;
}

/** Everybody may do everything. */
export const OPEN_ACCESS: Access = {
  changes: 'open',
  reads: 'open',
  refuseChange: () => undefined,
  refuseRead: () => undefined,
  seesReasons: () => true,
  readsAll: () => true,
  readable: () => () => true,
  stillReads: () => true,
};
