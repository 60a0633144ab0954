import { isKnown } from '../registry/cluster.js';
import type { ServedCluster } from './served-cluster.js';
import type { RegistryService } from './registry-service.js';
import { viewOf } from './views.js';

/**
 * How long after its last view a cluster is sent again for its leases' sake, in milliseconds; a large one is
 * sent less often. Less than a whole second, since a turn that comes slightly early would make it one and a
 * quarter.
 */
const INTERVAL_MS = 900;
const EVERY_LARGE = 4_900;

/** From this many members on, a cluster counts as large. */
const LARGE = 201;

/** One cluster that listeners watch: its whole view, made once for all of them. */
export class ClusterWatch {
  readonly #service: RegistryService;
  readonly #name: string;
  #entry: ServedCluster | undefined;
  #stamp = NaN;
  #madeAt = -Infinity;
  #json: string | undefined;

  /** `name` has the form that {@link keyOf} writes. */
  constructor(service: RegistryService, name: string) {
    this.#service = service;
    this.#name = name;
  }

  /** The view's JSON when it is due, `null` for an unknown cluster; undefined when nothing is due. */
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

  /** The JSON that was last sent. */
  get json(): string | undefined {
    return this.#json;
  }
}
