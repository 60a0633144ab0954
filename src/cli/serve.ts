import { Command, Option } from 'commander';
import {
  ConfigError,
  readConfig,
  SETTINGS,
  type Config,
  type GivenSetting,
  type SettingName,
} from '../config.js';
import { createLog } from '../log.js';
import { start } from '../main.js';
import { StoreRefused } from '../registry/ports.js';
import { runUntilSignal } from '../shutdown.js';

/** Exit status for a setting or a database that cannot be used (BSD sysexits EX_CONFIG). */
const EX_CONFIG = 78;

/** `serve`: runs the address server until it is told to stop. */
export function serveCommand(): Command {
  const command = new Command('serve').description('run the address server (the default command)');
  for (const { name, value, default: fallback, description } of SETTINGS) {
    command.addOption(new Option(`--${name} <${value}>`, description).env(variable(name)).default(fallback));
  }
  return command.action(async () => {
    try {
      const config = configOf(command);
      const log = await createLog(config.logLevel);
      process.exitCode = await runUntilSignal(start(config, log), log);
    } catch (error) {
      if (!(error instanceof ConfigError) && !(error instanceof StoreRefused)) throw error;
      console.error(`nacos-address-server: ${error.message}`);
      process.exitCode = EX_CONFIG;
    }
  });
}

function configOf(command: Command): Config {
  const given = SETTINGS.map(({ name }): [SettingName, GivenSetting] => {
    const option = name.replace(/-(\w)/g, (_, letter: string) => letter.toUpperCase());
    const isFlag = command.getOptionValueSource(option) === 'cli';
    return [
      name,
      { text: String(command.getOptionValue(option)), source: isFlag ? `--${name}` : variable(name) },
    ];
  });
  return readConfig(Object.fromEntries(given) as Record<SettingName, GivenSetting>);
}

function variable(name: string): string {
  return name.toUpperCase().replaceAll('-', '_');
}
