import type { NextFunction, Request, Response } from 'express';

/**
 * Refuses requests with more header fields than `most`. Node's own bound passes over those beyond it without a word, and
 * with them over what they say: who sent it, or that it needs a token.
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
