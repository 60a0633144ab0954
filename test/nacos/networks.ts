import { spawnSync } from 'node:child_process';
import { atProcessEnd } from '../support/processes.js';

/** The router itself, whichever network asks: the place of the registry. */
const ROUTER_ADDRESS = '10.77.0.1';

/** How long killed processes may take to be gone, in milliseconds. */
const PATIENCE = 10_000;

let count = 0;

/**
 * Network namespaces that reach each other only through a router, a namespace of its own: network i is 10.77.i.0/24, its
 * host is `.2`, and no host knows more than the way to the router. Nothing of it can be reached from outside, so any
 * number of these can be on one machine.
 */
export class Networks {
  readonly routerAddress = ROUTER_ADDRESS;
  readonly #prefix = `address-server-${process.pid}-${++count}`;
  readonly #names: string[] = [];
  readonly #forget = atProcessEnd(() => this.remove());

  /** Why they cannot be made here; undefined when they can. */
  static lacking(): string | undefined {
    const tried = new Networks();
    try {
      tried.#makeRouter();
      tried.#add(1);
      return undefined;
    } catch (error) {
      return `network namespaces cannot be made: ${(error as Error).message}`;
    } finally {
      tried.remove();
    }
  }

  /** Makes a router and `size` networks; removes what it made if that fails. */
  static make(size: number): Networks {
    const networks = new Networks();
    try {
      networks.#makeRouter();
      for (let i = 1; i <= size; i++) networks.#add(i);
      return networks;
    } catch (error) {
      networks.remove();
      throw error;
    }
  }

  /** The address of network i's host. */
  hostAddress(i: number): string {
    return `10.77.${i}.2`;
  }

  /** What makes a command run in network i (0: on the router). */
  in(i: number): string[] {
    return ['ip', 'netns', 'exec', this.#name(i)];
  }

  /** Takes network i off the router, or puts it back: its own host sees the carrier go, and keeps its address. */
  setLink(i: number, state: 'up' | 'down'): void {
    ip('-n', this.#name(0), 'link', 'set', `to${i}`, state);
  }

  /** Ends whatever runs in the networks, and removes them. */
  remove(): void {
    this.#forget();
    const deadline = performance.now() + PATIENCE;
    for (const name of this.#names.splice(0).reverse()) {
      for (;;) {
        const running = processesIn(name);
        if (running.length === 0 || performance.now() > deadline) break;
        running.forEach(kill);
        // At the process's end nothing can be waited for but like this.
        Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 50);
      }
      spawnSync('ip', ['netns', 'delete', name]);
    }
  }

  #makeRouter(): void {
    this.#addNamespace(0);
    ip('-n', this.#name(0), 'address', 'add', `${ROUTER_ADDRESS}/32`, 'dev', 'lo');
    const [command = '', ...rest] = this.in(0);
    run(command, [...rest, 'sh', '-c', 'echo 1 >/proc/sys/net/ipv4/ip_forward']);
  }

  #add(i: number): void {
    const [router, name, link] = [this.#name(0), this.#name(i), `to${i}`];
    this.#addNamespace(i);
    ip('-n', router, 'link', 'add', link, 'type', 'veth', 'peer', 'name', 'eth0', 'netns', name);
    ip('-n', router, 'address', 'add', `10.77.${i}.1/24`, 'dev', link);
    ip('-n', router, 'link', 'set', link, 'up');
    ip('-n', name, 'address', 'add', `${this.hostAddress(i)}/24`, 'dev', 'eth0');
    ip('-n', name, 'link', 'set', 'eth0', 'up');
    ip('-n', name, 'route', 'add', 'default', 'via', `10.77.${i}.1`);
  }

  #addNamespace(i: number): void {
    // Known before it is there: it is removed whatever happens in between.
    this.#names.push(this.#name(i));
    ip('netns', 'add', this.#name(i));
    ip('-n', this.#name(i), 'link', 'set', 'lo', 'up');
  }

  #name(i: number): string {
    return `${this.#prefix}-${i === 0 ? 'router' : i}`;
  }
}

/** None where there is no `ip`. */
function processesIn(name: string): number[] {
  const { status, stdout } = spawnSync('ip', ['netns', 'pids', name], { encoding: 'utf8' });
  return status === 0 ? stdout.split('\n').filter(Boolean).map(Number) : [];
}

function ip(...args: string[]): void {
  run('ip', args);
}

function run(command: string, args: readonly string[]): void {
  const { status, error, stderr } = spawnSync(command, args, { encoding: 'utf8' });
  if (status !== 0) throw new Error(`${command} ${args.join(' ')}: ${error?.message ?? stderr.trim()}`);
}

function kill(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch {
    // It has ended.
  }
}
