/** Nacos's context path (`server.servlet.contextPath`) unless it is set. */
export const CONTEXT_PATH = '/nacos';

/** Where nodes take Raft commands, 2.x and 3.x (JRaftMaintainService). */
const COMMAND_PATHS = { v1: '/v1/core/ops/raft', v3: '/v3/admin/core/ops/raft' };

/** Where a node of this version takes Raft commands, below its context path. */
export function commandPath(version: string | undefined): string {
  return COMMAND_PATHS[version?.startsWith('3.') ? 'v3' : 'v1'];
}
