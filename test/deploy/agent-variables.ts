/**
 * The agent's variables, as its description has them.
 * TODO(the lead, with the agent): take them from src/agent's own settings.
 */
export const AGENT_VARIABLES: ReadonlySet<string> = new Set(
  [
    'SERVER',
    'SELF',
    'CLUSTER',
    'CLUSTER_CONF',
    'LAST_LIST',
    'EXPECT',
    'ID',
    'TOKEN',
    'TOKEN_FILE',
    'LISTEN',
    'READY_FILE',
    'GATE_TIMEOUT',
    'START_TIMEOUT',
    'LEAVE',
    'LEAVE_WAIT',
    'LOG_LEVEL',
  ].map((name) => `AGENT_${name}`),
);

/** What the agent answers at AGENT_LISTEN. */
export const AGENT_PATHS: ReadonlySet<string> = new Set(['/healthz', '/readyz', '/settled']);
