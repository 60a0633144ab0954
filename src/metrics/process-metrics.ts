import { collectDefaultMetrics, Registry, type Metric } from 'prom-client';

/**
 * Left out: they copy all handles of the process at each scrape, of thousands of connections that takes long; and some
 * are gauges with a counter's name.
 */
const LEFT_OUT = /^nodejs_active_/;

let ofThisProcess: readonly Metric[] | undefined;

/**
 * prom-client's metrics of the process (`process_*`, `nodejs_*`). Made once, however many servers there are in it: they
 * observe garbage collection and the event loop, and cannot be ended.
 */
export function processMetrics(): readonly Metric[] {
  if (!ofThisProcess) {
    const register = new Registry();
    collectDefaultMetrics({ register });
    ofThisProcess = register
      .getMetricsAsArray()
      .filter(({ name }) => !LEFT_OUT.test(name))
      .flatMap(({ name }) => register.getSingleMetric(name) ?? []);
  }
  return ofThisProcess;
}
