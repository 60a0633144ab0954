import { Argument, Command } from 'commander';
import { print } from './output.js';

const SHELLS = ['bash', 'zsh', 'fish'] as const;
type Shell = (typeof SHELLS)[number];

/**
 * The command `completion`: prints a script that lets a shell complete this command line, generated from
 * `program`.
 */
export function completionCommand(program: () => Command): Command {
  return new Command('completion')
    .description('Prints a script that lets a shell complete the commands, their options and values.')
    .addArgument(new Argument('<shell>', 'which shell').choices(SHELLS))
    .addHelpText(
      'after',
      `
bash, in ~/.bashrc:                     source <(nacos-address-server completion bash)
zsh, in ~/.zshrc after compinit:        source <(nacos-address-server completion zsh)
fish, in ~/.config/fish/config.fish:    nacos-address-server completion fish | source`,
    )
    .action(async (shell: Shell) => {
      const { specOf } = await import('./completion/spec.js');
      await print((await scriptFor(shell))(specOf(program())).trimEnd());
    });
}

async function scriptFor(shell: Shell) {
  switch (shell) {
    case 'bash':
      return (await import('./completion/bash.js')).bashScript;
    case 'zsh':
      return (await import('./completion/zsh.js')).zshScript;
    case 'fish':
      return (await import('./completion/fish.js')).fishScript;
  }
}
