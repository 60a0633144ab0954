import { Command } from 'commander';
import { agentCommand } from './agent.js';
import { deleteCommand } from './delete.js';
import { doctorCommand } from './doctor.js';
import { eventsCommand } from './events.js';
import { importCommand } from './import.js';
import { leaveCommand } from './leave.js';
import { membersCommand } from './members.js';
import { migrateCommand } from './migrate.js';
import { recoverCommand } from './recover.js';
import { serveCommand } from './serve.js';
import { packageVersion } from '../package-info.js';

/** The whole command line. */
export const program = new Command('nacos-address-server')
  .description('An address server that never harms a Nacos cluster')
  .version(packageVersion(), '--version')
  .addCommand(serveCommand(), { isDefault: true })
  .addCommand(agentCommand())
  .addCommand(membersCommand())
  .addCommand(eventsCommand())
  .addCommand(doctorCommand())
  .addCommand(leaveCommand())
  .addCommand(recoverCommand())
  .addCommand(deleteCommand())
  .addCommand(importCommand())
  .addCommand(migrateCommand())
  .addHelpText('after', () => `\n${serveCommand().helpInformation()}`)
  .showHelpAfterError('(--help shows what there is)');
