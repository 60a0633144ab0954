import type { CommandSpec, OptionSpec, ProgramSpec, ValueSpec } from './spec.js';

/** Writes a script for fish, to be sourced or saved in its folder of completions. */
export function fishScript({ name, commands, options }: ProgramSpec): string {
  const complete = `complete -c ${name}`;
  const without = `${complete} -n __fish_use_subcommand`;
  const lines = [
    `# Completion of ${name} for fish: ${name} completion fish | source`,
    `${complete} -f`,
    ...commands.map(({ name: command, summary }) => `${without} -a ${command} -d ${quoted(summary)}`),
    ...options.map((option) => `${without} ${optionOf(option)}`),
    ...commands.flatMap((command) => {
      const within = `${complete} -n '__fish_seen_subcommand_from ${command.name}'`;
      return [...command.options.map(optionOf), ...argumentsOf(command)].map((rest) => `${within} ${rest}`);
    }),
  ];
  return `${lines.join('\n')}\n`;
}

function optionOf({ long, short, description, value }: OptionSpec): string {
  const words = [`-l ${long.slice(2)}`];
  if (short !== undefined) words.push(`-s ${short.slice(1)}`);
  if (value !== undefined) words.push(valueOf(value));
  return `${words.join(' ')} -d ${quoted(description)}`;
}

function argumentsOf({ args }: CommandSpec): string[] {
  const known = args.find(({ choices, isFile }) => choices.length > 0 || isFile);
  if (known === undefined) return [];
  return [known.isFile ? '-F' : `-a ${quoted(known.choices.join(' '))}`];
}

function valueOf({ choices, isFile }: ValueSpec): string {
  if (choices.length > 0) return `-x -a ${quoted(choices.join(' '))}`;
  return isFile ? '-r -F' : '-x';
}

function quoted(text: string): string {
  return `'${text.replaceAll(/['\\]/g, '\\$&')}'`;
}
