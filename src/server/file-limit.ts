import { readFileSync } from 'node:fs';

/** Files for the database, the log, probes (up to 200 at once) and the like; fewer if the limit is low. */
const OTHER_FILES = 300;

/**
 * How many files, and so connections, this process may open; Infinity where the system does not tell (only
 * Linux does).
 */
export function fileLimit(): number {
  let limits: string;
  try {
    limits = readFileSync('/proc/self/limits', 'utf8');
  } catch {
    return Infinity;
  }
  const soft = /^Max open files\s+(\d+)/m.exec(limits)?.[1];
  return soft === undefined ? Infinity : Number(soft);
}

/**
 * How many connections a server takes, and the reason for that number. It always leaves some files: without
 * any, node silently ends new connections, even those of members, and the database and probes have none
 * either.
 */
export function connectionLimit(
  maxConnections: number,
  files = fileLimit(),
): { connections: number; connectionsBecause: string } {
  const fit = files - Math.min(OTHER_FILES, Math.ceil(files / 4));
  return fit < maxConnections
    ? { connections: fit, connectionsBecause: `this process's limit of ${files} files (ulimit -n) allows` }
    : { connections: maxConnections, connectionsBecause: `MAX_CONNECTIONS=${maxConnections} allows` };
}
