#!/usr/bin/env node
import { Command } from 'commander';
import { agentCommand } from './cli/agent.js';
import { deleteCommand } from './cli/delete.js';
import { doctorCommand } from './cli/doctor.js';
import { eventsCommand } from './cli/events.js';
import { importCommand } from './cli/import.js';
import { leaveCommand } from './cli/leave.js';
import { membersCommand } from './cli/members.js';
import { migrateCommand } from './cli/migrate.js';
import { recoverCommand } from './cli/recover.js';
import { serveCommand } from './cli/serve.js';
import { packageVersion } from './package-info.js';

const program = new Command('nacos-address-server')
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

await program.parseAsync();
