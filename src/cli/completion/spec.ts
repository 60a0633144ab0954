import type { Argument, Command, Option } from 'commander';
import { helpOf, LOG_LEVELS } from '../../config/settings.js';
import { COMMANDS, DEFAULT_COMMAND } from '../commands.js';
import type { CommandName } from '../../exit-status.js';

/** A value that completion can offer. */
export interface ValueSpec {
  /** Its name in the help. */
  readonly name: string;
  /** All allowed values; empty if they cannot be listed. */
  readonly choices: readonly string[];
  readonly isFile: boolean;
}

export interface OptionSpec {
  /** The long flag, such as `--json`. */
  readonly long: string;
  /** The short flag, such as `-h`. */
  readonly short?: string | undefined;
  /** A description of one line. */
  readonly description: string;
  /** Undefined for an option without a value. */
  readonly value?: ValueSpec | undefined;
}

export interface CommandSpec {
  readonly name: string;
  readonly summary: string;
  readonly options: readonly OptionSpec[];
  readonly args: readonly ValueSpec[];
}

/** A whole command line, for the generators of completion scripts. */
export interface ProgramSpec {
  readonly name: string;
  readonly commands: readonly CommandSpec[];
  /** The options that need no command: the program's own and those of the default command. */
  readonly options: readonly OptionSpec[];
}

/** Reads a program, so that completions need no second list. */
export function specOf(program: Command): ProgramSpec {
  const commands = program.commands.map((command): CommandSpec => ({
    name: command.name(),
    summary: COMMANDS[command.name() as CommandName].summary,
    options: optionsOf(command),
    args: command.registeredArguments.map((argument) => valueOf(argument.name(), argument)),
  }));
  const fallback = commands.find(({ name }) => name === DEFAULT_COMMAND);
  const options = [
    ...optionsOf(program).filter(({ long }) => long !== '--help'),
    ...(fallback?.options ?? []),
  ];
  return { name: program.name(), commands, options };
}

function optionsOf(command: Command): OptionSpec[] {
  return command
    .createHelp()
    .visibleOptions(command)
    .map((option) => ({
      long: option.long ?? '',
      short: option.short,
      description: firstClause(option.description),
      value: option.required || option.optional ? valueOf(placeholderOf(option), option) : undefined,
    }));
}

function placeholderOf({ flags }: Option): string {
  return /[<[](.+)[>\]]$/.exec(flags)?.[1] ?? 'value';
}

function valueOf(name: string, { argChoices }: Option | Argument): ValueSpec {
  const told = name.includes('|') ? name.split('|') : name === 'level' ? LOG_LEVELS : [];
  return { name, choices: argChoices ?? told, isFile: /^(path|file|source|command)$/.test(name) };
}

/** The part of a description that fits beside an option in a list. */
function firstClause(description: string): string {
  return (
    helpOf(description)
      .split(/[;(]|: |, such as|\. /)[0]
      ?.trim() ?? ''
  );
}
