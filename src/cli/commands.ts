import type { CommandName } from '../exit-status.js';

/** The group of a command, and its line in the main help. */
export interface CommandLine {
  readonly group: (typeof GROUPS)[number];
  /** At most 51 characters, to fit into 80 columns with the command. */
  readonly summary: string;
}

/** The groups of commands, in the order of the help. */
export const GROUPS = ['Server', 'Cluster', 'Node', 'Shell'] as const;

/** The command that runs when none is named. */
export const DEFAULT_COMMAND: CommandName = 'serve';

/** Every command, in the order of the help. */
export const COMMANDS: Readonly<Record<CommandName, CommandLine>> = {
  serve: { group: 'Server', summary: 'run the address server (the default command)' },
  migrate: { group: 'Server', summary: 'bring the database’s schema up to date' },
  demo: { group: 'Server', summary: 'watch fake nodes form a cluster, lose a node' },
  members: { group: 'Cluster', summary: 'print the clusters of a running server' },
  events: { group: 'Cluster', summary: 'print the history of a running server' },
  doctor: { group: 'Cluster', summary: 'compare Nacos’s Raft with the list, and repair it' },
  leave: { group: 'Cluster', summary: 'take a member off its list' },
  recover: { group: 'Cluster', summary: 'decide the list after a majority is lost' },
  delete: { group: 'Cluster', summary: 'delete a cluster that has no live member' },
  import: { group: 'Cluster', summary: 'import the list of a running Nacos cluster' },
  agent: { group: 'Node', summary: 'keep a node’s cluster.conf equal to the list' },
  completion: { group: 'Shell', summary: 'print a completion script for bash, zsh or fish' },
};
