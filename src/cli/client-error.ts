/** A server that does not answer, a refusal, or a wrong command line, as a sentence. */
export class ClientError extends Error {
  override readonly name = 'ClientError';
  /** The HTTP status of a refusal. */
  readonly status: number | undefined;

  constructor(message: string, status?: number) {
    super(message);
    this.status = status;
  }
}
