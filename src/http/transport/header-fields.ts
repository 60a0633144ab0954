import type { NextFunction, Request, Response } from 'express';

/**
 * Refuses requests with more than `most` header fields. Node's own limit silently drops the rest, and with
 * them who sent the request, or that it needs a token.
 */
export function refuseManyHeaders(most: number) {
  return (request: Request, _response: Response, next: NextFunction): void => {
    const count = request.rawHeaders.length / 2;
    next(count > most ? new TooManyHeaders(count, most) : undefined);
  };
}

class TooManyHeaders extends Error {
  readonly status = 431;

  constructor(count: number, most: number) {
    super(`it has ${count} header fields, and ${most} are the most`);
  }
}
