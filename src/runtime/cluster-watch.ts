import { isKnown } from '../registry/cluster.js';
import type { ServedCluster } from './served-cluster.js';
import type { RegistryService } from './registry-service.js';
import { viewOf } from './views.js';

/**
 * After how long a cluster is told anew for its leases' sake; a large one less often. Less than a
 * whole second, or a turn that comes a little early would make it one and a quarter.
 */
const INTERVAL_MS = 900;
const EVERY_LARGE = 4_900;

/** Members from which on a cluster counts as large. */
const LARGE = 201;

/** One cluster that somebody looks at: its whole view, made once for all who do. */
export class ClusterWatch {
  readonly #service: RegistryService;
  readonly #name: string;
  #entry: ServedCluster | undefined;
  #stamp = NaN;
  #madeAt = -Infinity;
  #json: string | undefined;

  /** `name`: as {@link keyOf} writes it. */
  constructor(service: RegistryService, name: string) {
    this.#service = service;
    this.#name = name;
  }

  /** The view's JSON when it is time to tell it, `null` for an unknown cluster; otherwise undefined. */
  due(): string | undefined {
    const entry = this.#service.find(this.#name);
    if (!entry || !isKnown(entry.cluster)) {
      this.#entry = undefined;
      if (this.#json === 'null') return undefined;
      return (this.#json = 'null');
    }
    const now = performance.now();
    const every = entry.cluster.members.size >= LARGE ? EVERY_LARGE : INTERVAL_MS;
    const isSame = entry === this.#entry && entry.stamp === this.#stamp;
    if (isSame && now - this.#madeAt < every) return undefined;
    this.#entry = entry;
    this.#stamp = entry.stamp;
    this.#madeAt = now;
    return (this.#json = JSON.stringify(viewOf(entry, this.#service)));
  }

  /** What was told last. */
  get json(): string | undefined {
    return this.#json;
  }
}
