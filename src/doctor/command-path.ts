/** Nacos's default context path (`server.servlet.contextPath`). */
export const CONTEXT_PATH = '/nacos';

/** Paths of the Raft commands, 2.x and 3.x (JRaftMaintainService). */
const COMMAND_PATHS = { v1: '/v1/core/ops/raft', v3: '/v3/admin/core/ops/raft' };

/**
 * The path of the Raft commands below the context path, for a Nacos version; that of 2.x if it is unknown.
 */
export function commandPath(version: string | undefined): string {
  return COMMAND_PATHS[version?.startsWith('3.') ? 'v3' : 'v1'];
}
