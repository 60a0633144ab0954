import { LOG_LEVELS, variableOf } from '../config/settings.js';
import type { AgentTexts } from './read-settings.js';

/**
 * The settings of the command `agent`, in the order of its help. `npm run docs` generates the tables of
 * docs/agent.md and its translation from here; the Chinese is in tools/docs/settings-zh.ts.
 */
export interface AgentSetting {
  /** The flag's name; the variable is `AGENT_` and the same in capitals. */
  readonly name: keyof AgentTexts;
  readonly value: string;
  readonly default?: string;
  /** What leaving it out means, if it means something, in Markdown. */
  readonly unset?: string;
  /** In Markdown, for the table; {@link helpOf} derives the help from it. */
  readonly description: string;
}

export type AgentSettingName = AgentSetting['name'];

/** The environment variable of an agent's setting. */
export function agentVariableOf(name: AgentSettingName): string {
  return `AGENT_${variableOf(name)}`;
}

export const AGENT_SETTINGS: readonly AgentSetting[] = [
  {
    name: 'server',
    value: 'url,…',
    default: 'http://127.0.0.1:8080',
    description: 'the address servers of one registry, separated by commas, tried in turn',
  },
  { name: 'self', value: 'host:port', description: 'this node, exactly as its Nacos knows itself; needed' },
  { name: 'cluster', value: 'product/cluster', default: 'nacos/serverlist', description: 'which list' },
  {
    name: 'cluster-conf',
    value: 'file',
    default: '/home/nacos/conf/cluster.conf',
    description: 'the file that Nacos reads; it is replaced as a whole, so its folder must be writable',
  },
  {
    name: 'last-list',
    value: 'file',
    unset: '`address-server.list` beside `cluster.conf`',
    description: 'the last list that was received, for a start without any server',
  },
  {
    name: 'expect',
    value: 'n',
    description: 'how many members must wait before the cluster is bootstrapped',
  },
  {
    name: 'id',
    value: 'name',
    description: "a stable identity that outlives the address, such as the pod's name",
  },
  {
    name: 'token',
    value: 'token',
    description:
      'a token of the server, where it needs one; better in the variable or a file, since all users see flags',
  },
  { name: 'token-file', value: 'file', description: 'a file with the token, read again at every heartbeat' },
  {
    name: 'nacos',
    value: 'host:port',
    unset: '`AGENT_SELF`',
    description: "where the agent checks whether this node's Nacos is alive",
  },
  {
    name: 'listen',
    value: '[host:]port',
    unset: 'nowhere',
    description: '`[HOST:]PORT` where `/healthz`, `/readyz` and `/settled` are served, for probes',
  },
  {
    name: 'ready-file',
    value: 'file',
    description: 'a file to make when cluster.conf has a list, for scripts that wait',
  },
  {
    name: 'gate-timeout',
    value: 'time',
    default: '10m',
    description: 'with a command: give up when the node is not listed by then',
  },
  {
    name: 'start-timeout',
    value: 'time',
    default: '5m',
    description: 'how long a Nacos that has not answered yet counts as starting, and is renewed',
  },
  {
    name: 'leave',
    value: 'on|off',
    default: 'on',
    description: 'with a command: leave before it is stopped',
  },
  {
    name: 'leave-wait',
    value: 'time',
    default: '15s',
    description: 'how long a leave waits until the others have taken it up, up to `60s`',
  },
  {
    name: 'hold-back',
    value: 'on|off',
    default: 'on',
    description:
      'hold back a list that drops a majority of the last one, or is older, while those that it drops still answer',
  },
  {
    name: 'log-level',
    value: 'level',
    default: 'info',
    description: `what is logged, on standard error: ${LOG_LEVELS.join(', ')}`,
  },
];

/** A given value and its source: `--self` or `AGENT_SELF`. */
export interface Given {
  readonly text: string;
  readonly source: string;
}

/** An unusable setting: a sentence that names it and its value. */
export class AgentSettingError extends Error {
  override readonly name = 'AgentSettingError';
}

/** A setting that may become usable by itself at a later start. */
export class AgentPassingError extends AgentSettingError {}
