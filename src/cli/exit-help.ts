import { EXIT, exitStatusesOf, type CommandName } from '../exit-status.js';
import { wrap } from './table.js';

/** The last part of a command's help: its exit statuses and their meaning. */
export function exitHelp(command: CommandName): string {
  const meanings = exitStatusesOf(command).map(([name, meaning]) => `${EXIT[name]} ${meaning}`);
  return wrap(`Exit status: ${meanings.join('; ')}.`, 80).join('\n');
}
