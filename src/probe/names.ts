import { ADDRCONFIG } from 'node:dns';
import { lookup, Resolver } from 'node:dns/promises';
import { readFile } from 'node:fs/promises';
import { isIP, isIPv4, type LookupFunction } from 'node:net';
import { hostname, networkInterfaces } from 'node:os';
import { isLoopback, objectionToMeaning } from '../registry/newcomer.js';
import { readHosts, readSearch, wholeNames, type Search } from './name-files.js';

/** The addresses of a name, at least one, or the reason why there are none, as the end of a sentence. */
export type Named = { readonly addresses: readonly string[] } | { readonly problem: string };

/** How long a caller waits for a name's addresses. */
const TIMEOUT_MS = 2_000;

/** c-ares: time limit of one server at the first try, and number of tries; the second takes twice as long. */
const SERVER_TIMEOUT = 600;
const TRIES = 2;

/** Most names looked up at once. */
const MOST = 200;

/** Most addresses returned for one name. */
const MOST_ADDRESSES = 8;

/** How long addresses stay cached: no longer than Kubernetes' name server caches them (5 s). */
const FRESH_FOR_MS = 5_000;

/** How long the contents of the machine's files stay cached. */
const FILES_FRESH_FOR_MS = 10_000;

/**
 * After the system has looked up a name, it rests from that name for this many times the time it took. So a
 * name that hangs blocks the single system look-up for only one part in so many.
 */
const SYSTEM_REST = 50;

/** The system's own look-up, which blocks a thread for its whole duration. */
const askSystem = async (name: string): Promise<readonly string[]> =>
  (await lookup(name, { all: true, hints: ADDRCONFIG })).map(({ address }) => address);

export interface NamesOptions {
  /** Name servers as `address` or `address:port`; those of resolv.conf by default. */
  readonly servers?: readonly string[];
  readonly hostsFile?: string;
  readonly resolvFile?: string;
  /** This machine's own names, besides `localhost` and those in its hosts file; its host name by default. */
  readonly ownNames?: readonly string[];
  /** The system's look-up; getaddrinfo by default. */
  readonly askSystem?: (name: string) => Promise<readonly string[]>;
}

/** The machine's name configuration, as read from its files. */
interface Files {
  readonly at: number;
  readonly hosts: ReadonlyMap<string, readonly string[]>;
  readonly search: Search;
  readonly resolver: Resolver;
  /**
   * Whether this machine has an IPv6 address. Without one, IPv6 addresses of names are useless
   * (AI_ADDRCONFIG).
   */
  readonly hasIPv6: boolean;
}

/**
 * Resolves members' names without libuv's thread pool, in which two hanging `getaddrinfo` calls block all
 * others, the database's included. The order: /etc/hosts; the name servers and search domains of resolv.conf
 * (c-ares); and, only if these do not know the name, the system, which may know others (mDNS, NIS), one name
 * at a time so that it never takes more than one thread.
 *
 * A name without an address says nothing about its node, not even that the node does not exist: Kubernetes
 * removes a pod's name while the pod is not ready, and a broken name server may answer anything.
 *
 * Addresses where no member can be (registry/newcomer.ts) are left out, since the owner of a name decides
 * where it points. Loopback addresses are returned only for this machine's own names: those of its hosts
 * file, `localhost` and its host name, as for a node beside this server. The system's answers for other names
 * may come from anywhere.
 */
export class Names {
  readonly #options: NamesOptions;
  #files: Files | undefined;
  #reading: Promise<Files> | undefined;
  readonly #known = new Map<string, { readonly addresses: readonly string[]; readonly until: number }>();
  readonly #asking = new Map<string, Promise<Named>>();
  #isSystemBusy = false;
  /** When the system may be asked for a name again. */
  readonly #resting = new Map<string, number>();

  constructor(options: NamesOptions = {}) {
    this.#options = options;
  }

  /** Number of look-ups that are running. */
  get asking(): number {
    return this.#asking.size;
  }

  /** Resolves a host name within 2 s, and never rejects. An IP address resolves to itself. */
  async lookup(host: string): Promise<Named> {
    if (isIP(host) !== 0) return { addresses: [host] };
    const name = host.toLowerCase();
    const known = this.#known.get(name);
    if (known && performance.now() < known.until) return known;
    this.#known.delete(name);
    let asked = this.#asking.get(name);
    if (!asked) {
      if (this.#asking.size >= MOST) return { problem: `${MOST} other names are being looked up` };
      // A look-up that hangs keeps its place, so no name is looked up twice at once.
      asked = this.#ask(name).finally(() => this.#asking.delete(name));
      this.#asking.set(name, asked);
    }
    return within(TIMEOUT_MS, asked, { problem: `no name server answered within ${TIMEOUT_MS / 1_000} s` });
  }

  /** {@link lookup} in the form of the `lookup` option of net.connect and http.request. */
  readonly forSocket: LookupFunction = (host, options, callback) => {
    void this.lookup(host).then((named) => {
      if ('problem' in named) return callback(new NameProblem(host, named.problem), '');
      const all = named.addresses.map((address) => ({ address, family: isIPv4(address) ? 4 : 6 }));
      const wanted = all.filter(({ family }) => !options.family || options.family === family);
      const [first] = wanted;
      if (!first) return callback(new NameProblem(host, 'it has no address of that family'), '');
      return options.all ? callback(null, wanted) : callback(null, first.address, first.family);
    });
  };

  async #ask(name: string): Promise<Named> {
    const until = performance.now() + TIMEOUT_MS;
    try {
      const files = await this.#read();
      const plain = name.replace(/\.$/, '');
      const own = files.hosts.get(plain)?.filter((one) => isUsable(one, files));
      const found = own?.length ? { addresses: own } : await this.#askServers(name, files, until);
      const named = membersAlone(found, Boolean(own?.length) || isLoopback(plain) || this.#isOwn(plain));
      if ('addresses' in named) {
        this.#known.set(name, { addresses: named.addresses, until: performance.now() + FRESH_FOR_MS });
      }
      return named;
    } catch (error) {
      return { problem: (error as Error).message };
    } finally {
      this.#forget();
    }
  }

  #isOwn(name: string): boolean {
    const { ownNames = [hostname()] } = this.#options;
    return ownNames.some((one) => one.toLowerCase() === name);
  }

  async #askServers(name: string, files: Files, until: number): Promise<Named> {
    const failures: string[] = [];
    for (const whole of wholeNames(name, files.search)) {
      if (performance.now() >= until) return { problem: `no name server answered in time` };
      const asked = [
        files.resolver.resolve4(whole),
        ...(files.hasIPv6 ? [files.resolver.resolve6(whole)] : []),
      ];
      const answers = await Promise.allSettled(asked);
      const addresses = answers.flatMap((one) => (one.status === 'fulfilled' ? one.value : []));
      if (addresses.length > 0) return { addresses };
      failures.push(...answers.flatMap((one) => (one.status === 'rejected' ? [codeOf(one.reason)] : [])));
    }
    const [failure] = failures.filter((code) => !IS_ABSENT.has(code));
    // If no server answered, the system would not know more, and would block its thread for long.
    if (failure !== undefined && failure !== 'ECONNREFUSED')
      return { problem: `its look-up failed (${failure})` };
    return this.#askSystem(name, failure ?? failures[0] ?? 'ENOTFOUND');
  }

  async #askSystem(name: string, said: string): Promise<Named> {
    const problem = `its look-up failed (${said})`;
    const askedAt = performance.now();
    if (this.#isSystemBusy || askedAt < (this.#resting.get(name) ?? 0)) return { problem };
    this.#isSystemBusy = true;
    try {
      const addresses = await (this.#options.askSystem ?? askSystem)(name);
      return addresses.length > 0 ? { addresses } : { problem };
    } catch (error) {
      return { problem: `its look-up failed (${codeOf(error)})` };
    } finally {
      this.#isSystemBusy = false;
      const now = performance.now();
      this.#resting.set(name, now + (now - askedAt) * SYSTEM_REST);
    }
  }

  /**
   * Reads the machine's files. Returns the previous contents while a read is running, so a hanging disk stops
   * no look-up.
   */
  async #read(): Promise<Files> {
    const { hostsFile = '/etc/hosts', resolvFile = '/etc/resolv.conf', servers } = this.#options;
    const read = async (): Promise<Files> => {
      const text = (file: string): Promise<string> => readFile(file, 'utf8').catch(() => '');
      const [hosts, resolv] = await Promise.all([text(hostsFile), text(resolvFile)]);
      const resolver = new Resolver({ timeout: SERVER_TIMEOUT, tries: TRIES });
      if (servers) resolver.setServers(servers);
      return {
        at: performance.now(),
        hosts: readHosts(hosts),
        search: readSearch(resolv),
        resolver,
        hasIPv6: Object.values(networkInterfaces())
          .flatMap((addresses) => addresses ?? [])
          .some(({ family, internal, scopeid }) => family === 'IPv6' && !internal && !scopeid),
      };
    };
    if (this.#files && performance.now() - this.#files.at < FILES_FRESH_FOR_MS) return this.#files;
    this.#reading ??= read()
      .then((files) => (this.#files = files))
      .finally(() => (this.#reading = undefined));
    return this.#files ?? this.#reading;
  }

  /** Drops expired entries: names come and go with their pods. */
  #forget(): void {
    const now = performance.now();
    if (this.#known.size > MOST) {
      for (const [name, { until }] of this.#known) if (until < now) this.#known.delete(name);
    }
    for (const [name, until] of this.#resting) if (until < now) this.#resting.delete(name);
  }
}

/** Error codes of a name that does not exist or has no such address. */
const IS_ABSENT: ReadonlySet<string> = new Set(['ENOTFOUND', 'ENODATA']);

/** The error of a socket whose name has no address. */
class NameProblem extends Error {
  readonly code = 'ENOTFOUND';

  constructor(host: string, problem: string) {
    super(`${host}: ${problem}`);
  }
}

function codeOf(error: unknown): string {
  return (error as NodeJS.ErrnoException).code ?? (error as Error).message;
}

/** The addresses at which a member can be, or the reason why there is none. */
function membersAlone(named: Named, isOwn: boolean): Named {
  if ('problem' in named) return named;
  const { addresses } = named;
  const allowed = addresses.filter((one) => objectionToMeaning(one, isOwn) === undefined);
  if (allowed.length > 0) return { addresses: allowed.slice(0, MOST_ADDRESSES) };
  const [first = ''] = addresses;
  return { problem: `it leads to ${first}, ${objectionToMeaning(first, isOwn)}; it is not contacted` };
}

function isUsable(address: string, { hasIPv6 }: Files): boolean {
  return hasIPv6 || isIPv4(address) || address === '::1';
}

/** Resolves like `task`, which must not reject, or with `otherwise` after `ms` milliseconds. */
async function within<T>(ms: number, task: Promise<T>, otherwise: T): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<T>((resolve) => {
    timer = setTimeout(() => resolve(otherwise), ms);
  });
  try {
    return await Promise.race([task, late]);
  } finally {
    clearTimeout(timer);
  }
}
