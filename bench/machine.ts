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
