import { Command } from 'commander';
import { SETTINGS, type GivenSetting, type SettingName } from '../config/settings.js';
import {
  addRenamedSettings,
  addSetting,
  givenSetting,
  refusalStatus,
  refuseRenamedSettings,
} from './settings.js';

/** The command `serve`: runs the address server until a signal stops it. */
export function serveCommand(): Command {
  const command = new Command('serve').description('run the address server (the default command)');
  for (const setting of SETTINGS) addSetting(command, setting);
  addRenamedSettings(command);
  return command.action(async () => {
    try {
      refuseRenamedSettings(command);
      // Loaded only here, as in all commands, so that each command and the help start without what only
      // others need.
      const { readConfig } = await import('../config/config.js');
      const config = readConfig(givenTo(command));
      const { createLog } = await import('../server/log.js');
      const log = await createLog(config.logLevel);
      const { start } = await import('../server/start.js');
      const { endProcess, runUntilSignal } = await import('../server/shutdown.js');
      await endProcess(await runUntilSignal(start(config, log), log), log);
    } catch (error) {
      const status = refusalStatus(error);
      if (status === undefined) throw error;
      console.error(`nacos-address-server: ${(error as Error).message}`);
      process.exitCode = status;
    }
  });
}

function givenTo(command: Command): Record<SettingName, GivenSetting> {
  const given = SETTINGS.map(({ name }): [SettingName, GivenSetting] => [name, givenSetting(command, name)]);
  return Object.fromEntries(given) as Record<SettingName, GivenSetting>;
}
