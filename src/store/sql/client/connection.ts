import { connect, type Socket } from 'node:net';
import { STATEMENT_LIMIT_MS, type Statement } from './database.js';

/**
 * Purpose of a connection: ordinary work with the server's time limits set, or schema changes without them.
 */
export type Purpose = 'work' | 'schema';

/**
 * One connection to a database server. It owns the driver's TCP socket, since closing it is the only way to
 * end every wait of a driver, whatever its state.
 */
export abstract class Connection {
  /** Resolves when statements can be run; rejects with the driver's error. */
  abstract readonly ready: Promise<void>;
  /** Resolves when the socket is closed, by either side. */
  readonly closed: Promise<void>;
  protected readonly socket: Socket;
  #isOpen = true;

  /** Starts connecting. */
  constructor(host: string, port: number) {
    // Keep-alive also detects a server that vanished while no statement is running.
    this.socket = connect({ host, port, noDelay: true, keepAlive: true, keepAliveInitialDelay: 5_000 });
    // Without a listener an error would end the process. The driver reports it to the caller.
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

  /** Runs one statement without a time limit; no other may be running. Rejects with the driver's error. */
  abstract query(statement: Statement): Promise<readonly unknown[]>;

  /** Asks the server to end the session and close the socket. */
  protected abstract sayGoodbye(): void;

  /**
   * Ends the session cleanly; no statement may be running. Destroys the socket if the server does not close
   * it in time.
   */
  end(): void {
    if (!this.#isOpen) return;
    this.#isOpen = false;
    const timer = setTimeout(() => this.socket.destroy(), STATEMENT_LIMIT_MS);
    void this.closed.then(() => clearTimeout(timer));
    this.sayGoodbye();
  }

  /** Closes the socket at once; a running statement rejects. */
  destroy(): void {
    this.#isOpen = false;
    this.socket.destroy();
  }
}
