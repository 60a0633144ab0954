import type { Command } from 'commander';
import type { CommandName } from '../exit-status.js';
import { COMMANDS, GROUPS } from './commands.js';

/** The main help: the commands by topic, on one screen of 24 lines and 80 columns. */
export function rootHelp(program: Command): string {
  const lines = GROUPS.flatMap((group) => [
    `${group}:`,
    ...program.commands.flatMap((command) => {
      const name = command.name() as CommandName;
      return COMMANDS[name].group === group
        ? [`  ${termOf(command).padEnd(WIDTH)}${COMMANDS[name].summary}`]
        : [];
    }),
  ]);
  return [
    `Usage: ${program.name()} [command] [options]`,
    '',
    program.description(),
    '',
    ...lines,
    '',
    'COMMAND --help shows its options and exit statuses, --version the version.',
    '',
  ].join('\n');
}

/** The width of the longest term, `import [source] [cluster]`, plus two spaces. */
const WIDTH = 27;

/** A command with its arguments. */
function termOf(command: Command): string {
  const args = command.registeredArguments.map((one) => {
    const name = one.name() + (one.variadic ? '…' : '');
    return one.required ? `<${name}>` : `[${name}]`;
  });
  return [command.name(), ...args].join(' ');
}
