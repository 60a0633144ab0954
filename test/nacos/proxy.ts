import { once } from 'node:events';
import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net';

/**
 * The network between a node and the address server. Blocked, it swallows everything without a word, as a
 * network does that is gone: connections stay open and new ones are accepted, but no byte gets through.
 */
export class Proxy {
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();
  #blocked = false;
  #connections = 0;

  private constructor(target: number) {
    this.#server = createServer((socket) => this.#accept(socket, target));
  }

  static async open(target: number): Promise<Proxy> {
    const proxy = new Proxy(target);
    proxy.#server.listen(0, '127.0.0.1');
    await once(proxy.#server, 'listening');
    return proxy;
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  /** Connections accepted so far. */
  get connections(): number {
    return this.#connections;
  }

  block(): void {
    this.#blocked = true;
  }

  /** Whatever was cut through the middle is closed; what comes next gets through. */
  unblock(): void {
    this.#blocked = false;
    this.#destroyAll();
  }

  close(): void {
    this.#server.close();
    this.#destroyAll();
  }

  #accept(socket: Socket, target: number): void {
    this.#connections++;
    this.#track(socket);
    if (this.#blocked) return void socket.resume();
    const upstream = connect(target, '127.0.0.1');
    this.#track(upstream);
    this.#forward(socket, upstream);
    this.#forward(upstream, socket);
  }

  #forward(from: Socket, to: Socket): void {
    from.on('data', (chunk) => {
      if (!this.#blocked) to.write(chunk);
    });
    from.once('close', () => {
      if (!this.#blocked) to.destroySoon();
    });
  }

  #track(socket: Socket): void {
    this.#sockets.add(socket);
    socket.on('error', () => socket.destroy());
    socket.once('close', () => this.#sockets.delete(socket));
  }

  #destroyAll(): void {
    for (const socket of this.#sockets) socket.destroy();
  }
}
