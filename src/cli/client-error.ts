/** A server that cannot be asked, or says no; or something wrong on the command line: a sentence. */
export class ClientError extends Error {
  override readonly name = 'ClientError';
  /** The HTTP status of an answer that says no. */
  readonly status: number | undefined;

  constructor(message: string, status?: number) {
    super(message);
    this.status = status;
  }
}
