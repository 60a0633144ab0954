import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pino, type Logger } from 'pino';
import { readConfig, type Config } from '../config/config.js';
import { start, type Running } from '../server/start.js';
import { SETTINGS, type GivenSetting, type SettingName } from '../config/settings.js';
import { FakeNode } from './fake-node.js';
import { FakeRaft } from './fake-raft.js';

/** How many nodes the demo's cluster is meant to have. */
export const SIZE = 3;

/** A temporary folder for the demo. It is deleted when this process ends, except by SIGKILL. */
export function demoFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'nacos-address-server-demo-'));
  process.on('exit', () => rmSync(folder, { recursive: true, force: true, maxRetries: 3 }));
  return folder;
}

/** A log in the demo's folder, so that the story stays readable. */
export function demoLog(folder: string): { log: Logger; file: string } {
  const file = join(folder, 'server.log');
  const options = { base: null, timestamp: pino.stdTimeFunctions.isoTime };
  return { log: pino(options, pino.destination({ dest: file, sync: true })), file };
}

/** A real server with its default settings, on a free port of 127.0.0.1, and the fake nodes that poll it. */
export class Demo implements Running {
  readonly port: number;
  readonly raft = new FakeRaft();
  readonly #server: Running;
  readonly #nodes: FakeNode[] = [];

  private constructor(server: Running) {
    this.#server = server;
    this.port = server.port;
  }

  /** Rejects with StoreRefused or ConfigError. */
  static async start(folder: string, log: Logger): Promise<Demo> {
    return new Demo(await start(demoConfig(folder), log));
  }

  get url(): string {
    return `http://127.0.0.1:${this.port}/`;
  }

  async startNode(id: string): Promise<FakeNode> {
    const node = await FakeNode.start({ serverPort: this.port, id, expect: SIZE, raft: this.raft });
    this.#nodes.push(node);
    return node;
  }

  /** The node that leads the fake Raft groups; undefined while there is none. */
  get leader(): FakeNode | undefined {
    return this.#nodes.find(({ address }) => address === this.raft.leader);
  }

  async stop(): Promise<void> {
    for (const node of this.#nodes) node.die();
    this.raft.stop();
    await this.#server.stop();
  }
}

/** The default settings, ignoring the environment. */
function demoConfig(folder: string): Config {
  const own: Partial<Record<SettingName, string>> = {
    host: '127.0.0.1',
    port: '0',
    'database-url': `sqlite:${join(folder, 'registry.db')}`,
  };
  const given = SETTINGS.map(({ name, default: fallback }): [SettingName, GivenSetting] => [
    name,
    { text: own[name] ?? fallback, source: `the demo's ${name}` },
  ]);
  return readConfig(Object.fromEntries(given) as Record<SettingName, GivenSetting>);
}
