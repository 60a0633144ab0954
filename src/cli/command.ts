import { Command, Option } from 'commander';
import { ClientError } from './client-error.js';
import { Client } from './client.js';
import { toPrintable } from './plain.js';
import { parseServer } from './server-url.js';
import { parseToken } from './token.js';

const DEFAULT_SERVER = 'http://127.0.0.1:8080';

/**
 * This program's own variables: `TOKEN` and `SERVER` may belong to other programs, whose values must not be
 * sent.
 */
const SERVER = 'ADDRESS_SERVER_URL';
const TOKEN = 'ADDRESS_SERVER_TOKEN';

/** Creates a command for operators, with the options that all such commands have. */
export function clientCommand(name: string, description: string): Command {
  return new Command(name)
    .description(description)
    .addOption(
      new Option('--server <url>', 'the running server, a URL or HOST:PORT')
        .env(SERVER)
        .default(DEFAULT_SERVER),
    )
    .addOption(
      new Option(
        '--token <token>',
        'a token of the server, where it needs one (a server without any takes changes from its own machine only); better in the variable, since all users of a machine see flags',
      ).env(TOKEN),
    )
    .option('--json', 'print JSON in place of text')
    .configureOutput({
      // Do not repeat a misspelt --token=… with its value.
      outputError: (text, write) => write(plainLines(text.replace(/('--?[^'=]*)=[^']*'/g, "$1'"))),
    });
}

/** Adds the optional argument for one cluster instead of all. */
export function aboutClusters(command: Command): Command {
  return command.argument('[cluster]', 'only this one, as product/cluster; all if left out');
}

/** Creates the client for the server that a command was given. Throws {@link ClientError}. */
export function clientOf(command: Command): Client {
  const { server, token } = command.opts<{ server: string; token?: string }>();
  const source = (name: 'server' | 'token'): string =>
    command.getOptionValueSource(name) === 'env' ? { server: SERVER, token: TOKEN }[name] : `--${name}`;
  // An empty variable counts as unset.
  return new Client(
    parseServer(server === '' ? DEFAULT_SERVER : server, source('server')),
    parseToken(token, source('token')),
    {
      server: server === DEFAULT_SERVER ? unread('SERVER', SERVER) : '',
      token: unread('TOKEN', TOKEN),
    },
  );
}

/**
 * A hint for users of the old variable names: until 0.1 these commands read variables that other programs may
 * use.
 */
function unread(old: string, name: string): string {
  const given = process.env[old] ?? '';
  return given === '' ? '' : `; the variable ${old} is no longer read, use ${name}`;
}

/**
 * Runs an action. A {@link ClientError} becomes a sentence and status 1. If the output's reader is gone (`|
 * head`), the process ends quietly.
 */
export async function run(action: () => Promise<void>): Promise<void> {
  process.stdout.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code === 'EPIPE') process.exit(0);
    complain(`the output cannot be written (${error.message})`);
    process.exit(1);
  });
  // Without a reader there is nothing to do about it.
  process.stderr.on('error', () => undefined);
  try {
    await action();
  } catch (error) {
    if (!(error instanceof ClientError)) throw error;
    complain(error.message);
    // A stream may still be open.
    process.exit(1);
  }
}

/** Prints a sentence to standard error. */
export function complain(sentence: string): void {
  console.error(`nacos-address-server: ${toPrintable(sentence)}`);
}

function plainLines(text: string): string {
  return text.split('\n').map(toPrintable).join('\n');
}
