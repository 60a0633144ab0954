import { Command } from 'commander';
import { readConfig, type Config } from '../config.js';
import { createLog } from '../log.js';
import { SETTINGS, type GivenSetting, type SettingName } from '../settings.js';
import { endProcess, runUntilSignal } from '../shutdown.js';
import { addSetting, givenSetting, refusalStatus } from './settings.js';

/** `serve`: runs the address server until it is told to stop. */
export function serveCommand(): Command {
  const command = new Command('serve').description('run the address server (the default command)');
  for (const setting of SETTINGS) addSetting(command, setting);
  return command.action(async () => {
    try {
      const config = configOf(command);
      const log = await createLog(config.logLevel);
      // Only loaded here: the other commands start in half the time without a server's libraries.
      const { start } = await import('../main.js');
      await endProcess(await runUntilSignal(start(config, log), log), log);
    } catch (error) {
      const status = refusalStatus(error);
      if (status === undefined) throw error;
      console.error(`nacos-address-server: ${(error as Error).message}`);
      process.exitCode = status;
    }
  });
}

function configOf(command: Command): Config {
  const given = SETTINGS.map(({ name }): [SettingName, GivenSetting] => [name, givenSetting(command, name)]);
  return readConfig(Object.fromEntries(given) as Record<SettingName, GivenSetting>);
}
