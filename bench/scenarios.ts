import { cpuTime, residentMemory } from './machine.js';
import { ask, clusterPath, expectedList, pollPath, sortedList } from './members.js';
import type { Server } from './servers.js';
import type { Measured, Wrk } from './wrk.js';

export type ScenarioName = 'nginx' | 'node' | 'get' | 'self' | 'heartbeat' | 'mysql' | 'postgres';

/** One server asked in one way. */
export interface Scenario {
  readonly name: ScenarioName;
  readonly title: string;
  readonly server: Server;
  readonly asks: 'same' | 'members-GET' | 'members-POST';
}

export interface ScenarioResult {
  readonly scenario: Scenario;
  readonly turns: readonly Turn[];
  /** Resident memory after its last turn, in megabytes. */
  readonly memory: number;
}

export interface Turn extends Measured {
  /** CPU time that the server spent on a request, in microseconds: less moved by noise than the rate. */
  readonly cpu: number;
}

export function scenariosOf(nginx: Server, node: Server, ours: Server): Scenario[] {
  return [
    { name: 'nginx', title: 'nginx, one worker, a file', server: nginx, asks: 'same' },
    { name: 'node', title: 'bare node:http, a constant', server: node, asks: 'same' },
    { name: 'get', title: 'this server, GET', server: ours, asks: 'same' },
    { name: 'self', title: 'this server, GET with self', server: ours, asks: 'members-GET' },
    { name: 'heartbeat', title: 'this server, POST heartbeat', server: ours, asks: 'members-POST' },
  ];
}

/** All scenarios give the right list, or nothing that is measured means anything. */
export async function check({ title, server, asks }: Scenario): Promise<void> {
  const path = asks === 'same' ? clusterPath(0) : pollPath(0, 3);
  const { status, body } = await ask(server.port, path, undefined, asks === 'members-POST' ? 'POST' : 'GET');
  if (status !== 200 || sortedList(body) !== sortedList(expectedList(0))) {
    throw new Error(`${title}: ${path} was answered ${status} ${JSON.stringify(body)}`);
  }
}

/** One turn each, then the next round, so that a noisy minute hits all alike. A first short round only warms up. */
export async function runRounds(
  scenarios: readonly Scenario[],
  wrk: Wrk,
  { rounds, seconds, connections }: { rounds: number; seconds: number; connections: number },
  say: (text: string) => void,
): Promise<ScenarioResult[]> {
  const url = ({ server }: Scenario): string => `http://127.0.0.1:${server.port}${clusterPath(0)}`;
  for (const scenario of scenarios) await wrk.run(url(scenario), scenario.asks, connections, 2);
  const turns = new Map<Scenario, Turn[]>(scenarios.map((scenario) => [scenario, []]));
  const memory = new Map<Scenario, number>();
  for (let round = 1; round <= rounds; round++) {
    for (const scenario of scenarios) {
      const { pid } = scenario.server;
      const before = cpuTime(pid);
      const measured = await wrk.run(url(scenario), scenario.asks, connections, seconds);
      const cpu = ((cpuTime(pid) - before) / measured.requests) * 1e6;
      turns.get(scenario)?.push({ ...measured, cpu });
      memory.set(scenario, residentMemory(pid));
      say(
        `round ${round}/${rounds}  ${scenario.title}: ${Math.round(measured.requestsPerSecond)}/s, ` +
          `p50 ${measured.p50.toFixed(2)} ms, p99 ${measured.p99.toFixed(2)} ms, ${cpu.toFixed(1)} µs CPU a request`,
      );
    }
  }
  return scenarios.map((scenario) => ({
    scenario,
    turns: turns.get(scenario) ?? [],
    memory: memory.get(scenario) ?? NaN,
  }));
}
