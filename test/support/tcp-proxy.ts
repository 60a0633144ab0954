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
  #isSilent = false;
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

  /** Everything takes so many milliseconds more, in each direction. */
  delay(ms: number): void {
    this.#delay = ms;
  }

  /** Forwards again. Whatever was cut through the middle by a silence is closed. */
  async restore(): Promise<void> {
    if (this.#isSilent) for (const socket of this.#sockets) socket.destroy();
    this.#isSilent = false;
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
