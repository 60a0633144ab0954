import assert from 'node:assert/strict';
import { describe, it, type TestContext } from 'node:test';
import type { ClusterKey } from '../../src/registry/cluster.js';
import { keyOf } from '../../src/registry/cluster.js';
import type {
  ClusterListener,
  CommittedDecision,
  OpenResult,
  Store,
  Work,
} from '../../src/registry/interfaces.js';
import { KeyedQueue } from '../../src/util/keyed-queue.js';
import { eventually } from '../support/eventually.js';
import { FlakyStore } from '../support/flaky-store.js';
import { bootstrapCluster } from '../support/nodes.js';
import { ask, NACOS } from '../support/raw.js';
import { startServer, type TestServer } from '../support/server.js';

const A = '127.0.0.1:8848';
const B = '127.0.0.2:8848';
const C = '127.0.0.3:8848';

/** A real store on a disk that stalls in the midst of a write: what was decided then is stored when it goes on. */
class StalledStore extends FlakyStore {
  readonly #queue = new KeyedQueue();
  readonly #late: (() => void)[] = [];
  /** Whether writes stall from now on. */
  stalls = false;
  decided = 0;
  #goOn: (() => void) | undefined;
  #isOver: Promise<void> | undefined;

  override open(listener: ClusterListener): Promise<OpenResult> {
    return super.open({
      changed: (cluster, sent) => {
        const tell = (): void => listener.changed(cluster, sent);
        if (this.stalls) this.#late.push(tell);
        else tell();
      },
      catchUp: (now) => listener.catchUp(now),
      telling: () => listener.telling(),
      lost: () => listener.lost(),
    });
  }

  override transact(key: ClusterKey, work: Work): Promise<CommittedDecision> {
    return this.#queue.run(keyOf(key), async () => {
      const decided = await super.transact(key, work);
      if (this.stalls && decided.recorded.length > 0) {
        this.decided++;
        this.#isOver ??= new Promise((resolve) => (this.#goOn = resolve));
        await this.#isOver;
      }
      return decided;
    });
  }

  goOn(): void {
    this.stalls = false;
    for (const tell of this.#late.splice(0)) tell();
    this.#goOn?.();
  }
}

async function begin(t: TestContext): Promise<{ server: TestServer; store: StalledStore }> {
  let store: StalledStore | undefined;
  const server = await startServer(t, {
    wrap: (real: Store) => (store = new StalledStore(real)),
  });
  t.after(() => store?.goOn());
  await bootstrapCluster(t, server, [A, B, C]);
  await Promise.all([A, B, C].map((self) => poll(server, self)));
  return { server, store: store! };
}

const poll = (server: TestServer, self: string) =>
  ask(server, 'GET', `/nacos/serverlist?self=${self}&expect=3`, NACOS);

describe('a disk that stalls while an eviction is written', () => {
  it('keeps the list as it was from the one that comes back just then: it would start with what is over', async (t) => {
    const { server, store } = await begin(t);
    server.probe.answers.set(C, 'refused');
    for (let i = 0; i < 11; i++) {
      await Promise.all([A, B].map((self) => poll(server, self)));
      await server.pass(5_000);
    }
    store.stalls = true;
    for (let i = 0; i < 10 && store.decided === 0; i++) {
      await Promise.all([A, B].map((self) => poll(server, self)));
      server.time.pass(1_000);
      void server.service.tick();
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
    assert.equal(store.decided, 1, 'C is evicted, and that is being written');
    const others = await poll(server, A);
    assert.deepEqual(others.body.trim().split('\n').sort(), [A, B, C], 'nobody is sent what is not stored');
    server.probe.answers.set(C, 'open');
    const returns = await poll(server, C);
    assert.deepEqual([returns.status, returns.complete], [302, false], returns.body);
    store.goOn();
    await eventually('C joins anew', async () => {
      const answer = await poll(server, C);
      return answer.status === 200 && answer.body.includes(C);
    });
    const events = (await (await fetch(`${server.url}/api/v1/events?limit=1000&after=0`)).json()) as {
      events: { type: string; address?: string }[];
    };
    const ofC = events.events.filter(({ address }) => address === C).map(({ type }) => type);
    assert.deepEqual(ofC, ['waiting', 'down', 'evicted', 'waiting', 'admitted']);
  });
});
