import { execFile } from 'node:child_process';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { startCli, type CliProcess } from '../support/process.js';
import { clusterConfOf, groupsIn, VIEW_PATH, type GroupCopy, type MemberCopy } from './node.js';
import { endWithThisProcess } from '../support/processes.js';
import { START_NODE } from './servers.js';

export interface RoutedSettings {
  /** An address of its network namespace. */
  readonly host: string;
  readonly port: number;
  readonly home: string;
  /** What makes a command run in its namespace. */
  readonly through: readonly string[];
  /** The address server, as the namespace reaches it. */
  readonly server: string;
}

/** A real Nacos 2.5.1 in file lookup, in a network namespace, started by an agent around it. */
export class RoutedNode {
  readonly address: string;
  readonly voter: string;
  readonly agent: CliProcess;
  readonly clusterConf: string;
  readonly #through: readonly string[];

  constructor(t: Pick<TestContext, 'after'>, { host, port, home, through, server }: RoutedSettings) {
    this.address = `${host}:${port}`;
    this.voter = `${host}:${port - 1_000}`;
    this.clusterConf = clusterConfOf(home);
    this.#through = through;
    mkdirSync(join(home, 'conf'), { recursive: true });
    const agent = ['agent', '--server', server, '--self', this.address, '--expect', '3'];
    // The last of two equal properties is the one that Java takes: not start-node's 127.0.0.1.
    const start = [START_NODE, '2.5.1', String(port), home, `-Dnacos.server.ip=${host}`];
    this.agent = startCli(t, [...agent, '--cluster-conf', this.clusterConf, '--', ...start], {
      through,
      env: {
        NACOS_CORE_MEMBER_LOOKUP_TYPE: 'file',
        ...(process.env.JAVA_HOME === undefined ? {} : { JAVA_HOME: process.env.JAVA_HOME }),
      },
    });
    endWithThisProcess(this.agent.child);
  }

  get isRunning(): boolean {
    return this.agent.child.exitCode === null && this.agent.child.signalCode === null;
  }

  /** Its own view of the members; rejects while it does not answer. Asked in its namespace: nobody else need reach it. */
  async view(): Promise<readonly MemberCopy[]> {
    const text = await get(this.#through, `http://${this.address}${VIEW_PATH}`);
    return (JSON.parse(text) as { data: MemberCopy[] }).data;
  }

  /** Its own copy of every Raft group. */
  async groups(): Promise<Readonly<Record<string, GroupCopy>>> {
    return groupsIn(await this.view(), this.address);
  }
}

/** What a URL answers in a network namespace. */
export function get(through: readonly string[], url: string): Promise<string> {
  const [command = '', ...rest] = through;
  const args = [...rest, 'curl', '-sSf', '--max-time', '5', url];
  return new Promise((resolve, reject) => {
    execFile(command, args, { maxBuffer: 1 << 24 }, (error, stdout, stderr) =>
      error ? reject(new Error(stderr.trim() || error.message)) : resolve(stdout),
    );
  });
}
