import type { IncomingMessage } from 'node:http';
import type { ClusterKey } from '../../registry/cluster.js';
import type { Problem } from '../reply.js';

/** Who may read and who may change what, on the operators' side and of the official API. */
export interface Access {
  /** Undefined when the caller may change the cluster; otherwise what to answer, with nothing changed. */
  refuseChange(request: IncomingMessage, key: ClusterKey): Problem | undefined;
  /** Undefined when the caller may read about the cluster, or about all of them when none is named. */
  refuseRead(request: IncomingMessage, key?: ClusterKey): Problem | undefined;
  /** Which clusters the caller may read about, for lists that are cut to them. */
  readable(request: IncomingMessage): (key: ClusterKey) => boolean;
}

/** Everybody may do everything. */
export const OPEN_ACCESS: Access = {
  refuseChange: () => undefined,
  refuseRead: () => undefined,
  readable: () => () => true,
};
