import { Option, type Command } from 'commander';
import { ConfigError, PassingProblem } from '../config/config-error.js';
import { EXIT } from '../exit-status.js';
import { StoreRefused } from '../registry/interfaces.js';
import { helpOf, RENAMED_SETTINGS, variableOf, type GivenSetting, type Setting } from '../config/settings.js';

/** The exit status for a start that was refused with a sentence; undefined for any other error. */
export function refusalStatus(error: unknown): number | undefined {
  if (error instanceof PassingProblem || (error instanceof StoreRefused && error.mayPass)) return EXIT.later;
  return error instanceof ConfigError || error instanceof StoreRefused ? EXIT.config : undefined;
}

/** Adds a setting's flag, with its variable. */
export function addSetting(command: Command, setting: Setting): void {
  const { name, value, default: fallback, description, unset } = setting;
  const option = new Option(`--${name} <${value}>`, helpOf(description)).env(variableOf(name));
  command.addOption(option.default(fallback, fallback === '' ? (unset ?? 'none') : undefined));
  if (setting.isSwitch) command.addOption(new Option(`--no-${name}`, `the same as --${name} off`));
}

/** A setting's given value and its source. */
export function givenSetting(command: Command, name: string): GivenSetting {
  const option = name.replace(/-(\w)/g, (_, letter: string) => letter.toUpperCase());
  const value: unknown = command.getOptionValue(option);
  if (value === false) return { text: 'off', source: `--no-${name}` };
  const from = command.getOptionValueSource(option);
  const source = from === 'cli' ? `--${name}` : variableOf(name);
  return { text: String(value), source, isGiven: from === 'cli' || from === 'env' };
}

/** Makes a command accept the {@link RENAMED_SETTINGS}, hidden from its help. */
export function addRenamedSettings(command: Command): void {
  for (const { name, ...setting } of RENAMED_SETTINGS) {
    command.addOption(new Option(`--${name} <value>`).env(variableOf(name)).hideHelp());
    if ('isSwitch' in setting) command.addOption(new Option(`--no-${name}`).default(undefined).hideHelp());
  }
}

/** Throws {@link ConfigError} if a setting was given by a former name. An empty variable counts as unset. */
export function refuseRenamedSettings(command: Command): void {
  const sentences = RENAMED_SETTINGS.flatMap(({ name, now }) => {
    const { source, text, isGiven } = givenSetting(command, name);
    return (isGiven ?? true) && text !== '' ? [`${source} was renamed: set ${now}`] : [];
  });
  if (sentences.length > 0) throw new ConfigError(sentences.join('; '));
}
