import { EXIT, exitStatusesOf, type CommandName } from '../exit-status.js';
import { wrap } from './table.js';

/** The end of a command's help: what its exit statuses mean. */
export function exitHelp(command: CommandName): string {
  const meanings = exitStatusesOf(command).map(([name, meaning]) => `${EXIT[name]} ${meaning}`);
  return wrap(`Exit status: ${meanings.join('; ')}.`, 80).join('\n');
}
