import { Counter, Gauge, Registry } from 'prom-client';
import type { Metrics, Readable } from '../http/metrics-route.js';
import type { TrafficObserver } from '../http/http-observer.js';
import { logLoss } from '../server/log-stream.js';
import type { RuntimeObserver } from '../runtime/observer.js';
import { TimeSlicer } from './time-slicer.js';
import { ClusterMetrics } from './cluster-metrics.js';
import { processMetrics } from './process-metrics.js';
import { RuntimeMetrics } from './runtime-metrics.js';
import { TrafficMetrics } from './traffic-metrics.js';

/**
 * All metrics of one server, in a registry of their own. Events are counted as they happen ({@link traffic},
 * {@link runtime}); states are read at each scrape.
 */
export class ServerMetrics implements Metrics {
  readonly traffic: TrafficObserver;
  readonly runtime: RuntimeObserver;
  readonly #registry = new Registry();
  readonly #clusters: ClusterMetrics;
  readonly #gauges: Readonly<Record<keyof typeof GAUGES, Gauge>>;
  #rendering: Promise<Buffer> | undefined;

  constructor(version: string) {
    const registers = [this.#registry];
    new Gauge({
      name: 'address_server_build_info',
      help: 'The version of this server; always 1.',
      labelNames: ['version'],
      registers,
    }).set({ version }, 1);
    this.#clusters = new ClusterMetrics(this.#registry);
    this.runtime = new RuntimeMetrics(this.#registry);
    this.traffic = new TrafficMetrics(this.#registry);
    this.#gauges = Object.fromEntries(
      Object.entries(GAUGES).map(([name, help]) => [
        name,
        new Gauge({ name: `address_server_${name}`, help, registers }),
      ]),
    ) as Record<keyof typeof GAUGES, Gauge>;
    new Counter({
      name: 'address_server_log_lines_dropped_total',
      help: 'Log lines dropped because the log was not read or could not be written.',
      registers,
      collect() {
        this.reset();
        this.inc(logLoss.dropped);
      },
    });
    for (const metric of processMetrics()) this.#registry.registerMetric(metric);
  }

  get contentType(): string {
    return this.#registry.contentType;
  }

  render(server: Readable): Promise<Buffer> {
    this.#rendering ??= this.#render(server).finally(() => (this.#rendering = undefined));
    return this.#rendering;
  }

  async #render(server: Readable): Promise<Buffer> {
    const slicer = new TimeSlicer();
    this.#look(server);
    await this.#clusters.look(server.service, slicer);
    const texts: string[] = [];
    for (const { name } of this.#registry.getMetricsAsArray()) {
      texts.push(await this.#registry.getSingleMetricAsString(name));
      if (slicer.isDue) await slicer.breathe();
    }
    return Buffer.from(`${texts.join('\n\n')}\n`);
  }

  #look({ service, connections, heldRequests: patience }: Readable): void {
    const { outage, isCurrent, servers = 1, grace } = service.health();
    const { open, members } = connections.count();
    this.#gauges.store_up.set(Number(outage === undefined));
    this.#gauges.lists_current.set(Number(isCurrent));
    this.#gauges.servers.set(servers);
    this.#gauges.grace_seconds.set(grace / 1_000);
    this.#gauges.connections.set(open);
    this.#gauges.member_connections.set(members);
    this.#gauges.held_requests.set(patience.held);
  }
}

const GAUGES = {
  store_up:
    'Whether the store answers; 0 in an outage, when lists are served from memory and nothing changes (R9).',
  lists_current:
    'Whether the lists may be sent to new callers; 0 when other servers may have changed them since the store was lost.',
  servers: 'Servers that keep these lists, this one included, at the last contact with the store.',
  grace_seconds: 'Time for which no member will be evicted, after a restart, a pause or an outage (R8).',
  connections: 'Open connections.',
  member_connections: 'Open connections on which a member polls.',
  held_requests:
    'Held requests: polls at the gate, leaves that wait for the other members, long polls, streams.',
} as const;
