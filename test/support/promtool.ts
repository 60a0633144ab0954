import { spawnSync } from 'node:child_process';

/**
 * Prometheus's own checker, of Debian's package `prometheus`. Without it its tests are skipped, but with
 * PROMTOOL_TESTS=required they fail.
 */
const isThere = spawnSync('promtool', ['--version']).status === 0;

/** For node:test: why its tests are skipped, or false. */
export const skipWithoutPromtool =
  isThere || process.env.PROMTOOL_TESTS === 'required' ? false : 'promtool is not on PATH';

export interface Checked {
  /** 0 when all is well. */
  readonly status: number | null;
  readonly output: string;
}

export function promtool(args: readonly string[], input = ''): Checked {
  const { status, stdout, stderr, error } = spawnSync('promtool', args, { input, encoding: 'utf8' });
  if (error) throw new Error('promtool cannot be run; install the package prometheus', { cause: error });
  return { status, output: `${stdout}${stderr}` };
}
