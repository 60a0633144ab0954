import { connect, type Socket } from 'node:net';
import { STATEMENT_LIMIT_MS, type Statement } from './database.js';

/** What a connection is for: ordinary work with the server's own time limits set, or changes of the schema without. */
export type Purpose = 'work' | 'schema';

/**
 * One connection to a database server. It owns the TCP socket that the driver speaks through, since closing that is
 * the one thing that ends every wait of a driver, whatever state it is in.
 */
export abstract class Connection {
  /** Resolves when statements can be run; rejects with the driver's error. */
  abstract readonly ready: Promise<void>;
  /** Resolves when the socket is closed, by whomever. */
  readonly closed: Promise<void>;
  protected readonly socket: Socket;
  #isOpen = true;

  /** Starts to connect. */
  constructor(host: string, port: number) {
    // Keep-alive also finds a server that is gone without a word while nothing is asked of it.
    this.socket = connect({ host, port, noDelay: true, keepAlive: true, keepAliveInitialDelay: 5_000 });
    // Without a listener an error would end the process; whoever waits is told by the driver.
    this.socket.on('error', () => this.destroy());
    this.closed = new Promise((resolve) => {
      this.socket.once('close', () => {
        this.#isOpen = false;
        resolve();
      });
    });
  }

  /** Whether it may still be used. */
  get isOpen(): boolean {
    return this.#isOpen;
  }

  /** Runs one statement, unbounded; none must be under way. Rejects with the driver's error. */
  abstract query(statement: Statement): Promise<readonly unknown[]>;

  /** Tells the server that the session ends, which then closes the socket. */
  protected abstract sayGoodbye(): void;

  /** Ends the session in good order; nothing may be under way. A server that does not close is not waited for. */
  end(): void {
    if (!this.#isOpen) return;
    this.#isOpen = false;
    const timer = setTimeout(() => this.socket.destroy(), STATEMENT_LIMIT_MS);
    void this.closed.then(() => clearTimeout(timer));
    this.sayGoodbye();
  }

  /** Closes the socket at once; what is under way rejects. */
  destroy(): void {
    this.#isOpen = false;
    this.socket.destroy();
  }
}
