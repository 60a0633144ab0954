import { fileURLToPath } from 'node:url';
import { fileLimit } from '../src/server/file-limit.js';
import { printed, type Child, type Children } from './children.js';
import { cpuTime, residentMemory } from './machine.js';
import { CLUSTERS, SIZE, type Fleet } from './members.js';
import type { Server } from './servers.js';

/** Files that a process needs besides its connections. */
const OTHER_FILES = 200;

/** What the load generator is told. */
export interface SteadyOptions {
  readonly port: number;
  readonly seconds: number;
  /** How often each member polls, in milliseconds, as Nacos does. */
  readonly pollEvery: number;
  /** Connections that the members poll on; one each if the machine allows. */
  readonly memberConnections: number;
  /** Plain GETs a second, and their connections. */
  readonly plainRate: number;
  readonly plainConnections: number;
  /** What the members poll with, where the server asks for one. */
  readonly token?: string;
  /** Who polls; 1,000 clusters of ten by default. */
  readonly fleet?: Fleet;
  /** Seconds of polling that are not measured; one period by default. */
  readonly settle?: number;
}

/** Milliseconds from the planned time of a request to the end of its answer. */
export interface Latency {
  readonly count: number;
  readonly p50: number;
  readonly p99: number;
  readonly p999: number;
  readonly max: number;
}

/** What the load generator prints. */
export interface SteadyMeasured {
  readonly all: Latency;
  readonly polls: Latency;
  readonly plain: Latency;
  /** How late the generator itself was in sending; a part of the latencies that is not the server's. */
  readonly sending: Latency;
  /** The part of one core that the generator used. */
  readonly ownCpu: number;
  readonly errors: number;
  readonly firstErrors: readonly string[];
}

export interface SteadyResult extends SteadyMeasured {
  readonly options: SteadyOptions;
  /** The server's resident memory, in megabytes: the highest seen, once a second. */
  readonly memory: number;
  /** The part of one core that the server used. */
  readonly cpu: number;
}

/** Later at p99, in milliseconds, or with more of a core, the generator is what is measured. */
const LATE = 10;
const BUSY = 0.8;

/** Why a run says nothing of the server, if the load generator was its limit. */
export function whyUnjudged({ sending, ownCpu }: Pick<SteadyMeasured, 'sending' | 'ownCpu'>): string[] {
  return [
    ...(sending.p99 > LATE
      ? [`the load generator sent ${sending.p99.toFixed(1)} ms late at p99 (${LATE} ms at most)`]
      : []),
    ...(ownCpu > BUSY
      ? [`the load generator used ${(ownCpu * 100).toFixed(0)} % of a core (${BUSY * 100} % at most)`]
      : []),
  ];
}

export function steadyOptions(port: number, seconds: number): SteadyOptions {
  const plainConnections = 200;
  const room = fileLimit() - plainConnections - OTHER_FILES;
  return {
    port,
    seconds,
    pollEvery: 5_000,
    memberConnections: Math.max(1, Math.min(CLUSTERS * SIZE, room)),
    plainRate: 3_500,
    plainConnections,
  };
}

/**
 * Runs the load from a process of its own. `onConnected` is called when all members are connected and the load begins;
 * its first period is not measured.
 */
export async function runSteady(
  children: Children,
  server: Server,
  options: SteadyOptions,
  onConnected: (load: Child) => Promise<unknown> = () => Promise.resolve(),
): Promise<SteadyResult> {
  const script = fileURLToPath(new URL('./steady-load.js', import.meta.url));
  const child = children.start(process.execPath, [script, JSON.stringify(options)]);
  let memory = 0;
  let cpu = 0;
  let from: { cpu: number; at: number } | undefined;
  const { settle = options.pollEvery / 1_000 } = options;
  let steadyAt = Infinity;
  const sampling = setInterval(() => {
    if (child.process.exitCode !== null || server.child.process.exitCode !== null) return;
    memory = Math.max(memory, residentMemory(server.pid));
    const now = { cpu: cpuTime(server.pid), at: performance.now() };
    if (from) cpu = (now.cpu - from.cpu) / ((now.at - from.at) / 1_000);
    else if (now.at >= steadyAt + settle * 1_000) from = now;
  }, 1_000);
  try {
    await Promise.race([printed(child, 'STEADY'), child.ended]);
    steadyAt = performance.now();
    await onConnected(child);
  } catch (error) {
    clearInterval(sampling);
    throw error;
  }
  const status = await child.ended.finally(() => clearInterval(sampling));
  const line = /^RESULT (.*)$/m.exec(child.stdout())?.[1];
  if (status !== 0 || line === undefined) {
    throw new Error(`the load generator ended with ${status}: ${child.stderr()}${child.stdout()}`);
  }
  return { ...(JSON.parse(line) as SteadyMeasured), options, memory, cpu };
}
