import { readdir } from 'node:fs/promises';
import { collectDefaultMetrics, Gauge, Registry, type Metric } from 'prom-client';

/**
 * Metrics of prom-client that are replaced or left out. The first copy all handles of the process at each
 * scrape, and some are gauges with a counter's name; the other blocks the process for 9 ms with 10,000
 * connections.
 */
const LEFT_OUT = /^nodejs_active_|^process_open_fds$/;

let ofThisProcess: readonly Metric[] | undefined;

/**
 * prom-client's process metrics (`process_*`, `nodejs_*`). Created once, however many servers the process
 * has: they observe garbage collection and the event loop, and cannot be stopped.
 */
export function processMetrics(): readonly Metric[] {
  if (!ofThisProcess) {
    const register = new Registry();
    collectDefaultMetrics({ register });
    for (const { name } of register.getMetricsAsArray()) {
      if (LEFT_OUT.test(name)) register.removeSingleMetric(name);
    }
    if (process.platform === 'linux') openFiles(register);
    ofThisProcess = register.getMetricsAsArray().flatMap(({ name }) => register.getSingleMetric(name) ?? []);
  }
  return ofThisProcess;
}

function openFiles(register: Registry): void {
  new Gauge({
    name: 'process_open_fds',
    help: 'Number of open file descriptors.',
    registers: [register],
    async collect() {
      // If no more file can be opened, the last number stands.
      const files = await readdir('/proc/self/fd').catch(() => undefined);
      // Minus the descriptor that reads the folder.
      if (files) this.set(files.length - 1);
    },
  });
}
