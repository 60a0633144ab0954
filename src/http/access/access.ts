import type { IncomingMessage } from 'node:http';
import type { ClusterKey } from '../../registry/cluster.js';
import type { Problem } from '../reply.js';

/** What a change needs: nothing; a token; or, while there is none, the right source (authority.ts). */
export const CHANGES_NEED = ['open', 'local', 'token'] as const;
export type ChangesNeed = (typeof CHANGES_NEED)[number];

/** Decides which callers may read or change what, on the operators' side and in the official API. */
export interface Access {
  readonly changes: ChangesNeed;
  /** Whether reading the API, the page and the metrics needs a token. */
  readonly reads: 'open' | 'token';
  /**
   * Undefined if the caller may change the cluster now; otherwise the answer, and nothing was changed. A
   * change counts once for each address that it names, 1 by default.
   */
  refuseChange(request: IncomingMessage, key: ClusterKey, addresses?: number): Problem | undefined;
  /**
   * Undefined if the caller may read about the cluster, about `all` clusters, or about `any`, where the
   * answer is cut to what is {@link readable}.
   */
  refuseRead(request: IncomingMessage, what: ClusterKey | 'all' | 'any'): Problem | undefined;
  /**
   * Whether the caller may see how a member of the cluster fails to answer this server, and have it probed
   * now. That reveals ports and hosts that the caller may not be able to reach.
   */
  seesReasons(request: IncomingMessage, key: ClusterKey): boolean;
  /** Whether the caller may read about all clusters, known or not. */
  readsAll(request: IncomingMessage): boolean;
  /** Returns a test for the clusters that the caller may read about. */
  readable(request: IncomingMessage): (key: ClusterKey) => boolean;
  /** Whether a caller that could read something still can: its token may have been removed. */
  stillReads(request: IncomingMessage): boolean;
}

/** Lets every caller do everything. */
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
