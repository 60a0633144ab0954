import { once } from 'node:events';
import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net';

export interface Target {
  readonly host?: string;
  readonly port: number;
}

/** The network between a client and a server, on a free port of 127.0.0.1; every kind of failure is made here. */
export class TcpProxy {
  readonly port: number;
  readonly #target: Target;
  readonly #sockets = new Set<Socket>();
  #server: Server;
  readonly #upstreams = new Set<Socket>();
  #isSilent = false;
  #isStalled = false;
  #awaited: { readonly pattern: RegExp; readonly act: () => void } | undefined;
  #delay = 0;
  #connections = 0;

  private constructor(target: Target, server: Server) {
    this.#target = target;
    this.#server = server;
    this.port = (server.address() as AddressInfo).port;
    server.on('connection', (socket) => this.#accept(socket));
  }

  static async open(target: Target): Promise<TcpProxy> {
    return new TcpProxy(target, await listen(0));
  }

  /** One before the server of a URL that names its port, and the URL through it. */
  static async before(url: string): Promise<{ readonly proxy: TcpProxy; readonly proxied: string }> {
    const proxied = new URL(url);
    const proxy = await TcpProxy.open({ host: proxied.hostname, port: Number(proxied.port) });
    proxied.host = `127.0.0.1:${proxy.port}`;
    return { proxy, proxied: proxied.href };
  }

  /** Connections accepted so far. */
  get connections(): number {
    return this.#connections;
  }

  /** Refuses new connections, as a machine does on which nobody listens; those that there are stay. */
  async refuse(): Promise<void> {
    // close() resolves when the last connection is gone; it stops to listen at once.
    this.#server.close();
    await new Promise((resolve) => setImmediate(resolve));
  }

  /** Resets all connections; new ones are forwarded. */
  cut(): void {
    for (const socket of this.#sockets) socket.resetAndDestroy();
  }

  /**
   * Swallows everything without a word, as a network does that is gone: connections stay open, also when the other
   * side has closed its own, and new ones are accepted, but no byte gets through.
   */
  silence(): void {
    this.#isSilent = true;
  }

  /**
   * Takes nothing more from the server for the clients that there are, as a process does that hangs: what it sends fills
   * the buffers in between, and then it waits.
   */
  stall(): void {
    // Nor does it close anything.
    this.#isStalled = this.#isSilent = true;
    for (const upstream of this.#upstreams) upstream.pause();
  }

  /** Calls this once when a client has sent a text of this form, which has been passed on. */
  once(pattern: RegExp, act: () => void): void {
    this.#awaited = { pattern, act };
  }

  /** Everything takes so many milliseconds more, in each direction. */
  delay(ms: number): void {
    this.#delay = ms;
  }

  /** Forwards again. Whatever was cut through the middle by a silence is closed. */
  async restore(): Promise<void> {
    if (this.#isSilent || this.#isStalled) for (const socket of this.#sockets) socket.destroy();
    this.#isSilent = this.#isStalled = false;
    this.#delay = 0;
    if (this.#server.listening) return;
    this.#server = await listen(this.port);
    this.#server.on('connection', (socket) => this.#accept(socket));
  }

  close(): void {
    this.#server.close();
    for (const socket of this.#sockets) socket.destroy();
  }

  #accept(socket: Socket): void {
    this.#connections++;
    this.#track(socket);
    if (this.#isSilent) return void socket.resume();
    const upstream = connect(this.#target.port, this.#target.host ?? '127.0.0.1');
    this.#track(upstream);
    this.#upstreams.add(upstream);
    upstream.once('close', () => this.#upstreams.delete(upstream));
    socket.on('data', (chunk: Buffer) => {
      if (this.#awaited?.pattern.test(chunk.toString('latin1')) !== true) return;
      const { act } = this.#awaited;
      this.#awaited = undefined;
      // When it has been passed on.
      setImmediate(act);
    });
    this.#forward(socket, upstream);
    this.#forward(upstream, socket);
  }

  #forward(from: Socket, to: Socket): void {
    // Whatever came earlier goes on earlier, also when the delay has changed since.
    let free = 0;
    const pass = (act: () => void): void => {
      free = Math.max(free, performance.now() + this.#delay);
      const go = (): void => {
        if (!this.#isSilent && !to.destroyed) act();
      };
      const wait = free - performance.now();
      if (wait > 0) setTimeout(go, wait).unref();
      else go();
    };
    from.on('data', (chunk) => pass(() => to.write(chunk)));
    from.once('close', () => pass(() => to.destroySoon()));
  }

  #track(socket: Socket): void {
    this.#sockets.add(socket);
    socket.on('error', () => socket.destroy());
    socket.once('close', () => this.#sockets.delete(socket));
  }
}

async function listen(port: number): Promise<Server> {
  const server = createServer({ noDelay: true }).listen(port, '127.0.0.1');
  await once(server, 'listening');
  return server;
}
