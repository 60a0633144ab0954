import { Command } from 'commander';
import type { CommandName } from '../exit-status.js';
import { packageVersion } from '../util/package-info.js';
import { agentCommand } from './agent.js';
import { COMMANDS, DEFAULT_COMMAND } from './commands.js';
import { completionCommand } from './completion.js';
import { deleteCommand } from './delete.js';
import { demoCommand } from './demo.js';
import { doctorCommand } from './doctor.js';
import { eventsCommand } from './events.js';
import { exitHelp } from './exit-help.js';
import { importCommand } from './import.js';
import { leaveCommand } from './leave.js';
import { membersCommand } from './members.js';
import { migrateCommand } from './migrate.js';
import { recoverCommand } from './recover.js';
import { rootHelp } from './root-help.js';
import { serveCommand } from './serve.js';

const MAKE: Readonly<Record<CommandName, () => Command>> = {
  serve: serveCommand,
  migrate: migrateCommand,
  demo: demoCommand,
  members: membersCommand,
  events: eventsCommand,
  doctor: doctorCommand,
  leave: leaveCommand,
  recover: recoverCommand,
  delete: deleteCommand,
  import: importCommand,
  agent: agentCommand,
  completion: () => completionCommand(() => program),
};

/** The whole command line. */
export const program = new Command('nacos-address-server')
  .description('An address server that never harms a Nacos cluster.')
  .version(packageVersion(), '--version', 'print the version')
  .configureHelp({ formatHelp: (command) => rootHelp(command) })
  .showHelpAfterError('(--help shows what there is)');

for (const name of Object.keys(COMMANDS) as CommandName[]) {
  const command = MAKE[name]().addHelpText('after', `\n${exitHelp(name)}`);
  program.addCommand(command, { isDefault: name === DEFAULT_COMMAND });
}
