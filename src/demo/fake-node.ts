import { once } from 'node:events';
import {
  Agent,
  createServer,
  request,
  type IncomingMessage,
  type Server,
  type ServerResponse,
} from 'node:http';
import type { AddressInfo } from 'node:net';
import { boundedText } from '../util/bounded-text.js';
import type { RaftCommand } from '../doctor/nacos-api.js';
import { pause } from '../util/pause.js';
import type { Address } from '../registry/address.js';
import type { FakeRaft } from './fake-raft.js';

/** Pause of a node between two polls (2.5.1 AddressServerMemberLookup). */
const POLL_INTERVAL_MS = 5_000;

/** Read timeout of a node (2.5.1). */
const READ_TIMEOUT_MS = 2_500;

/** Pause between two tries of a node that has no list yet. */
const TRY_AGAIN = 200;

const LARGEST = 65_536;

/** The Nacos version that the fake nodes report. */
const VERSION = '2.5.1';

export interface FakeNodeOptions {
  /** The address server's port, on 127.0.0.1. */
  readonly serverPort: number;
  /** Its `id`, which outlives its address, as a pod's name does. */
  readonly id: string;
  /** How many nodes the cluster is meant to have. */
  readonly expect: number;
  readonly raft: FakeRaft;
}

/**
 * A Nacos node as an address server sees it: a port that answers the doctor, and a poll every 5 s on a kept
 * connection, repeated at once until the first list comes.
 */
export class FakeNode {
  readonly id: string;
  #address: Address = '';
  readonly #options: FakeNodeOptions;
  readonly #server: Server;
  /** Keeps one connection, as a node does. */
  readonly #connection = new Agent({ keepAlive: true, maxSockets: 1 });
  readonly #ended = new AbortController();
  #list: readonly Address[] = [];

  private constructor(options: FakeNodeOptions) {
    this.id = options.id;
    this.#options = options;
    this.#server = createServer((asked, answer) => {
      this.#answer(asked, answer).catch(() => answer.destroy());
    });
  }

  /** Starts a node on a free port of 127.0.0.1; it polls from now on. */
  static async start(options: FakeNodeOptions): Promise<FakeNode> {
    const node = new FakeNode(options);
    await once(node.#server.listen(0, '127.0.0.1'), 'listening');
    node.#address = `127.0.0.1:${(node.#server.address() as AddressInfo).port}`;
    void node.#live();
    return node;
  }

  get address(): Address {
    return this.#address;
  }

  /** Ends the node like the end of its process: its port and its connections close. */
  die(): void {
    if (this.#ended.signal.aborted) return;
    this.#options.raft.die(this.address);
    this.#ended.abort();
    this.#connection.destroy();
    this.#server.close().closeAllConnections();
  }

  async #live(): Promise<void> {
    const { signal } = this.#ended;
    for (;;) {
      const list = await this.#poll().catch(() => undefined);
      if (signal.aborted) return;
      if (list !== undefined) {
        this.#list = list;
        this.#options.raft.follow(this.address, list);
      }
      // A poll without a list was held; a starting node asks again at once.
      const isStarting = this.#list.length === 0;
      await pause(isStarting ? TRY_AGAIN : POLL_INTERVAL_MS, signal);
    }
  }

  /**
   * Polls once for the list. Rejects without a complete list: the node must wait, or cannot reach the server.
   */
  async #poll(): Promise<readonly Address[]> {
    const { serverPort, id, expect } = this.#options;
    const path = `/nacos/serverlist?self=${this.address}&expect=${expect}&id=${id}`;
    const sent = request({
      host: '127.0.0.1',
      port: serverPort,
      path,
      agent: this.#connection,
      timeout: READ_TIMEOUT_MS,
      headers: { 'user-agent': 'nacos-address-server demo' },
    });
    // `once` rejects with the first error; later ones need no handling.
    sent.on('error', () => undefined);
    sent.on('timeout', () => sent.destroy(new Error('no answer')));
    sent.end();
    const [answer] = (await once(sent, 'response')) as [IncomingMessage];
    const text = await boundedText({ body: answer }, LARGEST);
    if (answer.statusCode !== 200) throw new Error(text);
    return text.split('\n').filter((line) => line !== '');
  }

  async #answer(asked: IncomingMessage, answer: ServerResponse): Promise<void> {
    const path = (asked.url ?? '').replace(/^\/nacos/, '').replace(/\?.*/, '');
    const say = (status: number, body: object): void =>
      void answer.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
    if (path === '/v1/core/cluster/self')
      return say(200, { code: 200, data: { address: this.address, state: 'UP' } });
    if (path === '/v1/core/cluster/nodes') return say(200, { code: 200, data: this.#view() });
    if (path !== '/v1/core/ops/raft' || asked.method !== 'POST') return say(404, { code: 404 });
    const { command, value } = JSON.parse(await boundedText({ body: asked }, LARGEST)) as RaftCommand;
    const isDone = command === 'removePeer' && this.#options.raft.remove(value);
    say(200, isDone ? { code: 200 } : { code: 500, message: `${command} is not done: there is no leader` });
  }

  #view(): object[] {
    const metaDataMap = this.#options.raft.groupsOf(this.address);
    return this.#list.map((address) => ({
      address,
      state: 'UP',
      extendInfo: {
        version: VERSION,
        ...(address === this.address ? { raftMetaData: { metaDataMap } } : {}),
      },
    }));
  }
}
