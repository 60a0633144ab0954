import { AGENT_SETTINGS } from '../../src/agent/settings.js';

/** The variables that the agent knows. */
export const AGENT_VARIABLES: ReadonlySet<string> = new Set(
  AGENT_SETTINGS.map(({ name }) => `AGENT_${name.toUpperCase().replaceAll('-', '_')}`),
);

/** What the agent answers at AGENT_LISTEN (src/agent/status-server.ts). */
export const AGENT_PATHS: ReadonlySet<string> = new Set(['/healthz', '/readyz', '/settled']);
