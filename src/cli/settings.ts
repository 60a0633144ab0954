import { Option, type Command } from 'commander';
import type { GivenSetting, Setting } from '../settings.js';

/** Exit status for a setting or a database that cannot be used (BSD sysexits EX_CONFIG). */
export const EX_CONFIG = 78;

/** Adds a setting's flag, with its variable. */
export function addSetting(command: Command, setting: Setting): void {
  const { name, value, default: fallback, description } = setting;
  command.addOption(new Option(`--${name} <${value}>`, description).env(variable(name)).default(fallback));
  if (setting.isSwitch) command.addOption(new Option(`--no-${name}`, `the same as --${name} off`));
}

/** What was given for a setting, and by what. */
export function givenSetting(command: Command, name: string): GivenSetting {
  const option = name.replace(/-(\w)/g, (_, letter: string) => letter.toUpperCase());
  const value: unknown = command.getOptionValue(option);
  if (value === false) return { text: 'off', source: `--no-${name}` };
  const from = command.getOptionValueSource(option);
  const source = from === 'cli' ? `--${name}` : variable(name);
  return { text: String(value), source, isGiven: from === 'cli' || from === 'env' };
}

function variable(name: string): string {
  return name.toUpperCase().replaceAll('-', '_');
}
