import { Command, Option } from 'commander';
import {
  AGENT_SETTINGS,
  AgentPassingError,
  AgentSettingError,
  agentVariableOf,
  type Given,
} from '../agent/settings.js';
import { EXIT } from '../exit-status.js';
import { helpOf } from '../config/settings.js';
import { ClientError } from './client-error.js';
import { complain } from './command.js';
import { parseServer } from './server-url.js';
import { parseToken } from './token.js';

/** The command `agent`: keeps a node's cluster.conf equal to the list, beside its Nacos or around it. */
export function agentCommand(): Command {
  const command = new Command('agent')
    .description(
      'keep the cluster.conf of one Nacos node (in file lookup mode) equal to the list, and renew the node while its Nacos is alive',
    )
    .usage('[options] [-- command args…]')
    .argument(
      '[command...]',
      'the command that starts Nacos, run once the node is listed; without it something else must start Nacos',
    );
  for (const { name, value, description, default: fallback, unset } of AGENT_SETTINGS) {
    const help = unset === undefined ? description : `${description}; without it ${unset}`;
    const option = new Option(`--${name} <${value}>`, helpOf(help)).env(agentVariableOf(name));
    command.addOption(fallback === undefined ? option : option.default(fallback));
  }
  return command.action(async (words: readonly string[]) => {
    try {
      process.exitCode = await start(command, words);
    } catch (error) {
      if (!(error instanceof AgentSettingError) && !(error instanceof ClientError)) throw error;
      complain(error.message);
      process.exitCode = error instanceof AgentPassingError ? EXIT.later : EXIT.config;
    }
  });
}

async function start(command: Command, words: readonly string[]): Promise<number> {
  const given = givenSettings(command);
  const { readAgentSettings } = await import('../agent/read-settings.js');
  const settings = readAgentSettings(given);
  const { text: list = '', source = 'AGENT_SERVER' } = given.get('server') ?? {};
  const servers = list
    .split(',')
    .filter((text) => text.trim() !== '')
    .map((text) => parseServer(text, source));
  if (servers.length === 0) throw new AgentSettingError(`${source}=${JSON.stringify(list)} names no server`);
  if (settings.token !== undefined && settings['token-file'] !== undefined) {
    throw new AgentSettingError('AGENT_TOKEN and AGENT_TOKEN_FILE are both given; give one of them');
  }
  const { createLog } = await import('../server/log.js');
  const log = await createLog(settings['log-level'], 'stderr');
  const check = (text: string, from: string): string | undefined => parseToken(text, from)?.text;
  const { tokenOf } = await import('../agent/token.js');
  const givenToken = check(settings.token ?? '', given.get('token')?.source ?? 'AGENT_TOKEN');
  const token = tokenOf(givenToken, settings['token-file'], check, log);
  const { runAgent } = await import('../agent/run.js');
  try {
    return await runAgent({ settings, servers, token, command: words, log });
  } catch (error) {
    throw explainListen(error, settings.listen);
  }
}

/** Reads the given settings. Empty variables count as unset, since manifests set them so. */
function givenSettings(command: Command): ReadonlyMap<string, Given> {
  const given = new Map<string, Given>();
  for (const setting of AGENT_SETTINGS) {
    const option = setting.name.replace(/-(\w)/g, (_, letter: string) => letter.toUpperCase());
    const value: unknown = command.getOptionValue(option);
    const isFlag = command.getOptionValueSource(option) === 'cli';
    const text = value === '' && !isFlag ? setting.default : (value as string | undefined);
    if (text !== undefined)
      given.set(setting.name, { text, source: isFlag ? `--${setting.name}` : agentVariableOf(setting.name) });
  }
  return given;
}

function explainListen(
  error: unknown,
  listen: { host: string | undefined; port: number } | undefined,
): unknown {
  const { code, syscall } = error as NodeJS.ErrnoException;
  if (listen === undefined || syscall !== 'listen') return error;
  const where = `${listen.host ?? 'all interfaces'}, port ${listen.port}`;
  // The previous agent may still be stopping, or a booting machine may not have its address yet.
  const mayPass = ['EADDRINUSE', 'EADDRNOTAVAIL', 'EAI_AGAIN', 'EMFILE', 'ENFILE'].includes(code ?? '');
  const Refusal = mayPass ? AgentPassingError : AgentSettingError;
  return new Refusal(`AGENT_LISTEN cannot be used (${where}): ${code ?? (error as Error).message}`);
}
