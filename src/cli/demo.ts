import { Command } from 'commander';
import type { Scene } from '../demo/story.js';
import { ClientError } from './client-error.js';
import { complain, run } from './command.js';
import { describeCluster } from './members-view.js';
import { print } from './output.js';
import { refusalStatus } from './settings.js';
import { wrap } from './table.js';

interface Options {
  readonly exit?: true;
  readonly json?: true;
}

const CLUSTER = 'nacos/serverlist';

/**
 * The command `demo`: runs a server with three fake nodes, of which one dies and is replaced, and narrates
 * it.
 */
export function demoCommand(): Command {
  return new Command('demo')
    .description(
      'Starts a real server in a temporary folder, and three fake Nacos nodes that bootstrap a cluster, lose a member and get another. It explains what happens and why, within a minute; no Nacos is needed. Ctrl-C ends it at any time and removes everything.',
    )
    .option('--exit', 'end when the story is over; without it the server keeps running')
    .option('--json', 'print each scene as a line of JSON')
    .action((options: Options) => run(() => play(options)));
}

async function play({ exit, json }: Options): Promise<void> {
  // Loaded only here, since it brings the whole server.
  const { Demo, demoFolder, demoLog } = await import('../demo/demo.js');
  const { StoryStuck, tellStory } = await import('../demo/story.js');
  const { endProcess, runUntilSignal } = await import('../server/shutdown.js');
  const { seenBy } = await import('./demo-seen.js');
  const folder = demoFolder();
  const { log, file } = demoLog(folder);
  const starting = Demo.start(folder, log);
  // The terminal was closed.
  process.once('SIGHUP', () => process.kill(process.pid, 'SIGTERM'));
  const ended = runUntilSignal(starting, log);
  const teller = new Teller(json ?? false);
  const told = starting.then(async (demo) => {
    await teller.begin(demo.url, file);
    await tellStory(demo, seenBy(demo.url, CLUSTER), (scene) => teller.tell(scene));
    if (!exit) {
      await teller.end(demo.url);
      return ended;
    }
    await demo.stop();
    return 0;
  });
  try {
    await endProcess(await Promise.race([told, ended]), log);
  } catch (error) {
    if (
      !(error instanceof StoryStuck) &&
      !(error instanceof ClientError) &&
      refusalStatus(error) === undefined
    )
      throw error;
    complain((error as Error).message);
    process.exit(refusalStatus(error) ?? 1);
  }
}

/** Prints the scenes with the seconds since the start. */
class Teller {
  readonly #asJson: boolean;
  readonly #began = performance.now();

  constructor(asJson: boolean) {
    this.#asJson = asJson;
  }

  begin(url: string, log: string): Promise<void> {
    return this.tell({
      what: `A server runs. Its page shows all that follows: ${url}`,
      why: `It keeps its lists in a temporary folder, in SQLite, and has its default settings. Its log is ${log}.`,
    });
  }

  tell(scene: Scene): Promise<void> {
    const seconds = Math.round((performance.now() - this.#began) / 1_000);
    if (this.#asJson) return print(JSON.stringify({ seconds, ...scene }));
    const width = process.stdout.isTTY ? Math.min(process.stdout.columns || 80, 100) : 100;
    const indented = (lines: readonly string[]): string[] => lines.map((line) => `        ${line}`);
    const [first = '', ...more] = wrap(scene.what, width - 8);
    return print(
      `${`${seconds} s`.padStart(6)}  ${first}`,
      ...indented(more),
      ...indented(wrap(scene.why, width - 8)),
      ...(scene.cluster === undefined ? [] : ['', ...indented(describeCluster(scene.cluster, width - 8))]),
      '',
    );
  }

  /** Ends the story; the server keeps running. */
  end(url: string): Promise<void> {
    if (this.#asJson) return Promise.resolve();
    return print(
      `The server and its nodes stay until Ctrl-C, which removes all of it. Look around:`,
      `  ${url}`,
      `  nacos-address-server events --server ${url}`,
      `  nacos-address-server doctor --server ${url}`,
    );
  }
}
