import { once } from 'node:events';
import { readlinkSync, rmSync, symlinkSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { atProcessEnd } from '../support/processes.js';

/** What a node of any version takes beside its main port: gRPC, Raft, and a console. */
const OFFSETS = [0, 10, 1_000, 1_001, -1_000];

/** Between two nodes, so that none of their ports meet. */
const STEP = 20;

/** Main ports of a block lie in its middle thousand: Raft's are in the one before, gRPC's in the one after. */
const THOUSAND = 1_000;
const BLOCK = 3 * THOUSAND;

/** Blocks lie from here on, and end below the ports that the system gives to outgoing connections (32768 and up). */
const FIRST = 12_000;
const BLOCKS = 6;

/** The main ports that this process has not given out yet. */
let mine: { next: number; readonly end: number } | undefined;

/**
 * Gives out main ports of which all are free, each but once; for at most THOUSAND / STEP nodes of a process. A node
 * takes its ports long after they were found free, so a block is this process's alone: several files of tests run at once.
 */
export class Ports {
  async take(): Promise<number> {
    mine ??= claimBlock();
    while (mine.next < mine.end) {
      const port = mine.next;
      mine.next += STEP;
      if ((await busyPort(port, OFFSETS)) === undefined) return port;
    }
    throw new Error(`no port is free below ${mine.end}`);
  }
}

/** The first port at one of these distances from a main port on which nobody can listen; undefined when all are free. */
export async function busyPort(port: number, offsets: readonly number[]): Promise<number | undefined> {
  for (const offset of offsets) {
    if (!(await isFree(port + offset))) return port + offset;
  }
  return undefined;
}

function claimBlock(): { next: number; readonly end: number } {
  const from = Math.floor(Math.random() * BLOCKS);
  // Twice, since a claim of a process that is gone is only removed the first time.
  for (let i = 0; i < 2 * BLOCKS; i++) {
    const block = (from + i) % BLOCKS;
    if (!isClaimed(join(tmpdir(), `address-server-ports-${block}`))) continue;
    const next = FIRST + block * BLOCK + THOUSAND;
    return { next, end: next + THOUSAND };
  }
  throw new Error(`all ${BLOCKS} blocks of ports are taken by other processes that test with Nacos`);
}

/** Whether this process has the claim now; that of a process that is gone is removed, for the next try. */
function isClaimed(claim: string): boolean {
  try {
    // A link is made with what it says in one step.
    symlinkSync(String(process.pid), claim);
    atProcessEnd(() => rmSync(claim, { force: true }));
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
  }
  try {
    process.kill(Number(readlinkSync(claim)), 0);
  } catch {
    rmSync(claim, { force: true });
  }
  return false;
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
