import { readFileSync } from 'node:fs';
import { cpus, loadavg, release, totalmem } from 'node:os';

/** Ticks of the kernel's CPU accounting in a second (USER_HZ, 100 on every Linux). */
const TICKS = 100;

/** Resident memory of a process, in megabytes (10^6 bytes). */
export function residentMemory(pid: number): number {
  const kibibytes = /^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1];
  return (Number(kibibytes ?? NaN) * 1_024) / 1e6;
}

/** CPU time that a process has used, all its threads included, in seconds. */
export function cpuTime(pid: number): number {
  const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return (Number(fields[11]) + Number(fields[12])) / TICKS;
}

export function childrenOf(pid: number): number[] {
  try {
    const text = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8');
    return text.split(' ').filter(Boolean).map(Number);
  } catch {
    return [];
  }
}

/** How busy the machine is with other things, before anything is started here. */
export function loadAverage(): number {
  return loadavg()[0] ?? NaN;
}

export function describeMachine(): string {
  const cores = cpus();
  const model = cores[0]?.model ?? 'unknown CPU';
  const memory = Math.round(totalmem() / 1e9);
  return `${cores.length} cores (${model}), ${memory} GB, Linux ${release()}, Node ${process.version}`;
}

/** CPU time that the whole machine has spent, waiting apart, in seconds. */
export function machineTime(): number {
  const fields = readFileSync('/proc/stat', 'utf8').split('\n', 1)[0]?.split(/ +/).slice(1).map(Number) ?? [];
  const [user = 0, nice = 0, system = 0, , , irq = 0, soft = 0, steal = 0] = fields;
  return (user + nice + system + irq + soft + steal) / TICKS;
}

/** What others than these processes compute, in cores, since the call; its answer when it is called. */
export function watchOthers(pids: readonly number[]): () => number {
  const own = (): number => {
    const { user, system } = process.cpuUsage();
    return (user + system) / 1e6 + pids.reduce((sum, pid) => sum + cpuTime(pid), 0);
  };
  const before = machineTime() - own();
  const since = performance.now();
  return () => Math.max(0, machineTime() - own() - before) / ((performance.now() - since) / 1_000);
}
