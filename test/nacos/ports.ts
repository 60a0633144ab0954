import { once } from 'node:events';
import { createServer } from 'node:net';

/** What a node takes beside its main port: gRPC and Raft. */
const OFFSETS = [0, 1_000, 1_001, -1_000];

/** Between two nodes, so that neither their gRPC nor their Raft ports meet. */
const STEP = 20;

/** Main ports lie from here … */
const FIRST = 12_000;

/** … so far up that no port of a node is one that the system gives to outgoing connections (32768 and up). */
const SPAN = 18_000;

/** Gives out main ports of which all four are free, each but once; for less than 1000 / STEP nodes. */
export class Ports {
  #next = FIRST + Math.floor((Math.random() * SPAN) / STEP) * STEP;

  async take(): Promise<number> {
    for (;;) {
      const port = this.#next;
      this.#next += STEP;
      const free = await Promise.all(OFFSETS.map((offset) => isFree(port + offset)));
      if (free.every(Boolean)) return port;
    }
  }
}

async function isFree(port: number): Promise<boolean> {
  const server = createServer();
  try {
    server.listen(port);
    await once(server, 'listening');
    return true;
  } catch {
    return false;
  } finally {
    server.close();
  }
}
