import { readFileSync } from 'node:fs';
import { cpuTime } from './machine.js';

/** CPU time a second, in parts of one core. */
export interface CpuUse {
  readonly server: number;
  readonly members: number;
  /** 0 while there is no attack. */
  readonly attack: number;
  /** What the machine did besides: other programs, and the kernel's own work for all. */
  readonly elsewhere: number;
  /** Of all cores. What another guest of the same host took counts as not idle. */
  readonly idle: number;
}

export interface Processes {
  readonly server: number;
  readonly members: number;
  readonly attack?: number;
}

/** Seconds, since the machine or the process started. */
interface Spent {
  readonly at: number;
  readonly server: number;
  readonly members: number;
  readonly attack: number;
  readonly busy: number;
  readonly idle: number;
}

/** Begins to count; what it returns says what was used since. */
export function countCpu(processes: Processes): () => CpuUse {
  const before = spent(processes);
  return () => {
    const after = spent(processes);
    const rate = (of: Exclude<keyof Spent, 'at'>): number =>
      (after[of] - before[of]) / (after.at - before.at);
    const [server, members, attack] = [rate('server'), rate('members'), rate('attack')];
    const elsewhere = Math.max(0, rate('busy') - server - members - attack);
    return { server, members, attack, elsewhere, idle: rate('idle') };
  };
}

function spent({ server, members, attack }: Processes): Spent {
  return {
    at: performance.now() / 1_000,
    server: cpuTime(server),
    members: cpuTime(members),
    attack: attack === undefined ? 0 : cpuTime(attack),
    ...machine(),
  };
}

/** The first line of /proc/stat, in ticks of 10 ms: user nice system idle iowait irq softirq steal, of all cores. */
function machine(): { busy: number; idle: number } {
  const [first = ''] = readFileSync('/proc/stat', 'utf8').split('\n', 1);
  const ticks = first.split(/ +/).slice(1, 9).map(Number);
  const idle = (ticks[3] ?? 0) + (ticks[4] ?? 0);
  const all = ticks.reduce((sum, one) => sum + one, 0);
  return { busy: (all - idle) / 100, idle: idle / 100 };
}
