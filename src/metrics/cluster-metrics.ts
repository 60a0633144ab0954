import { Gauge, type Registry } from 'prom-client';
import { isKnown, keyOf } from '../registry/cluster.js';
import { statsOf, type ClusterStats } from '../registry/stats.js';
import { MEMBER_STATES } from '../registry/lease.js';
import { CLUSTER_STATES } from '../registry/view.js';
import type { RegistryService } from '../runtime/registry-service.js';
import type { TimeSlicer } from './time-slicer.js';
import { ClusterChoice } from './cluster-choice.js';

/**
 * Product and cluster of the series that adds up all other clusters. No name may contain these characters.
 */
export const OTHERS = '(others)';

/** The values of one cluster, or of all others together. */
interface Shown {
  readonly product: string;
  readonly cluster: string;
  readonly stats: Omit<ClusterStats, 'state' | 'revision' | 'epoch'>;
  readonly quorumLost: number;
  readonly pending: number;
  readonly raftProblems: number;
  readonly awaitsRepair: number;
  /** Undefined for the others, where a sum would mean nothing. */
  readonly revision?: number;
  readonly epoch?: number;
}

/** Gauges with one value a cluster. Times are milliseconds here and seconds in the metrics. */
const GAUGES: readonly { name: string; help: string; value: (shown: Shown) => number | undefined }[] = [
  {
    name: 'unsettled_members',
    help: 'Listed members that have not settled yet.',
    value: ({ stats }) => stats.unsettled,
  },
  {
    name: 'longest_unsettled_seconds',
    help: 'Time since the oldest unsettled member joined; 0 without any.',
    value: ({ stats }) => stats.longestUnsettled / 1_000,
  },
  {
    name: 'waiting_addresses',
    help: 'New addresses that are held at the gate.',
    value: ({ stats }) => stats.waiting,
  },
  {
    name: 'longest_wait_seconds',
    help: 'How long the oldest waiting address has waited; 0 without any.',
    value: ({ stats }) => stats.longestWait / 1_000,
  },
  { name: 'revision', help: 'Number of changes of the list.', value: ({ revision }) => revision },
  { name: 'epoch', help: 'Number of bootstraps of the cluster.', value: ({ epoch }) => epoch },
  {
    name: 'size',
    help: 'How many members the cluster is meant to have; 0 without a list.',
    value: ({ stats }) => stats.size,
  },
  {
    name: 'quorum_lost',
    help: 'Whether no majority of the members is live; for aggregated clusters, how many.',
    value: ({ quorumLost }) => quorumLost,
  },
  {
    name: 'members_out_of_date',
    help: 'Live members that have not been sent the current revision.',
    value: ({ stats }) => stats.lacking,
  },
  {
    name: 'change_pending',
    help: 'Whether another server may lack the newest list; for aggregated clusters, how many.',
    value: ({ pending }) => pending,
  },
  {
    name: 'raft_problems',
    help: 'Findings about the nodes and their Raft groups that persist and harm the cluster.',
    value: ({ raftProblems }) => raftProblems,
  },
  {
    name: 'awaits_repair',
    help: 'Whether the list was recovered and Raft has not been repaired since; for aggregated clusters, how many.',
    value: ({ awaitsRepair }) => awaitsRepair,
  },
];

/** Metrics of the clusters' state, computed for each scrape. */
export class ClusterMetrics {
  readonly #choice = new ClusterChoice();
  readonly #states: Gauge<'state'>;
  readonly #aggregated: Gauge;
  #shown: readonly Shown[] = [];

  constructor(registry: Registry) {
    const registers = [registry];
    this.#states = new Gauge({
      name: 'address_server_clusters',
      help: 'Clusters by their state.',
      labelNames: ['state'],
      registers,
    });
    this.#aggregated = new Gauge({
      name: 'address_server_clusters_aggregated',
      help: `Clusters without series of their own; their sums are under product and cluster "${OTHERS}".`,
      registers,
    });
    const shown = (): readonly Shown[] => this.#shown;
    new Gauge({
      name: 'address_server_cluster_members',
      help: 'Members of a cluster by their state.',
      labelNames: ['product', 'cluster', 'state'],
      registers,
      collect() {
        this.reset();
        for (const { product, cluster, stats } of shown()) {
          for (const state of MEMBER_STATES) this.set({ product, cluster, state }, stats.members[state]);
        }
      },
    });
    for (const { name, help, value } of GAUGES) {
      new Gauge({
        name: `address_server_cluster_${name}`,
        help,
        labelNames: ['product', 'cluster'],
        registers,
        collect() {
          this.reset();
          for (const one of shown()) {
            const { product, cluster } = one;
            const found = value(one);
            if (found !== undefined) this.set({ product, cluster }, found);
          }
        },
      });
    }
  }

  /** Computes the values of all clusters, in slices, since there may be thousands. */
  async look(service: RegistryService, slicer: TimeSlicer): Promise<void> {
    const all: Looked[] = [];
    for (const entry of service.entries) {
      const { cluster, isPending } = entry;
      if (!isKnown(cluster)) continue;
      const { product, name } = cluster;
      all.push({
        name: keyOf(cluster),
        product,
        cluster: name,
        stats: statsOf(cluster, service.contextOf(entry)),
        isPending,
        raftProblems: entry.raftProblems,
        awaitsRepair: cluster.awaitsRepair,
      });
      if (slicer.isDue) await slicer.breathe();
    }
    const { own, others } = this.#choice.choose(all, service.monotonic);
    for (const state of CLUSTER_STATES) {
      this.#states.set({ state }, all.filter(({ stats }) => stats.state === state).length);
    }
    this.#aggregated.set(others.length);
    this.#shown = [...own.map(shownAlone), ...(others.length > 0 ? [aggregated(others)] : [])];
  }
}

interface Looked {
  readonly name: string;
  readonly product: string;
  readonly cluster: string;
  readonly stats: ClusterStats;
  readonly isPending: boolean;
  readonly raftProblems: number;
  readonly awaitsRepair: boolean;
}

function shownAlone({ product, cluster, stats, isPending, raftProblems, awaitsRepair }: Looked): Shown {
  const { revision, epoch, state } = stats;
  return {
    product,
    cluster,
    stats,
    quorumLost: Number(state === 'quorum-lost'),
    pending: Number(isPending),
    raftProblems,
    awaitsRepair: Number(awaitsRepair),
    revision,
    epoch,
  };
}

/** Adds up the numbers of several clusters, and takes the longest of their times. */
function aggregated(all: readonly Looked[]): Shown {
  const sum = (value: (stats: ClusterStats) => number): number =>
    all.reduce((total, { stats }) => total + value(stats), 0);
  const most = (value: (stats: ClusterStats) => number): number =>
    all.reduce((longest, { stats }) => Math.max(longest, value(stats)), 0);
  return {
    product: OTHERS,
    cluster: OTHERS,
    stats: {
      members: {
        live: sum(({ members }) => members.live),
        silent: sum(({ members }) => members.silent),
        down: sum(({ members }) => members.down),
        static: sum(({ members }) => members.static),
      },
      unsettled: sum(({ unsettled }) => unsettled),
      longestUnsettled: most(({ longestUnsettled }) => longestUnsettled),
      waiting: sum(({ waiting }) => waiting),
      longestWait: most(({ longestWait }) => longestWait),
      lacking: sum(({ lacking }) => lacking),
      size: sum(({ size }) => size),
    },
    quorumLost: sum(({ state }) => Number(state === 'quorum-lost')),
    pending: all.filter(({ isPending }) => isPending).length,
    raftProblems: all.reduce((total, { raftProblems }) => total + raftProblems, 0),
    awaitsRepair: all.filter(({ awaitsRepair }) => awaitsRepair).length,
  };
}
