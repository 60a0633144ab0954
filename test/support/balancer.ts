import { once } from 'node:events';
import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net';

/**
 * A TCP balancer as Kubernetes has it for a Service: each new connection goes to any backend that accepts it, and stays
 * there until either side ends it.
 */
export class Balancer {
  readonly port: number;
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();
  #backends: readonly number[] = [];

  private constructor(server: Server) {
    this.#server = server;
    this.port = (server.address() as AddressInfo).port;
    server.on('connection', (socket) => this.#accept(socket, shuffled(this.#backends)));
  }

  static async open(): Promise<Balancer> {
    const server = createServer({ noDelay: true }).listen(0, '127.0.0.1');
    await once(server, 'listening');
    return new Balancer(server);
  }

  /** The ports that new connections go to from now on. */
  use(...ports: readonly number[]): void {
    this.#backends = ports;
  }

  close(): void {
    this.#server.close();
    for (const socket of this.#sockets) socket.destroy();
  }

  #accept(socket: Socket, [port, ...others]: readonly number[]): void {
    this.#track(socket);
    if (port === undefined) return void socket.resetAndDestroy();
    const upstream = connect({ port, host: '127.0.0.1', noDelay: true });
    upstream.once('error', () => {
      if (upstream.connecting || upstream.bytesRead + upstream.bytesWritten > 0) socket.destroy();
      else this.#accept(socket, others);
    });
    upstream.once('connect', () => {
      this.#track(upstream);
      socket.pipe(upstream).pipe(socket);
      socket.once('close', () => upstream.destroySoon());
      upstream.once('close', () => socket.destroySoon());
    });
  }

  #track(socket: Socket): void {
    if (this.#sockets.has(socket)) return;
    this.#sockets.add(socket);
    socket.on('error', () => socket.destroy());
    socket.once('close', () => this.#sockets.delete(socket));
  }
}

function shuffled(ports: readonly number[]): number[] {
  return ports
    .map((port) => ({ port, key: Math.random() }))
    .sort((a, b) => a.key - b.key)
    .map(({ port }) => port);
}
