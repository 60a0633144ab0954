import type { Request, Response } from 'express';
import type { RegistryService } from '../runtime/service.js';
import { sendJson } from './reply.js';

/** Alive: the process answers. Nothing a restart would not mend may fail it. */
export function healthz(_request: Request, response: Response): void {
  sendJson(response, { status: 'up' });
}

/**
 * Ready while there is a list to serve, with or without the store (R9); without the store and without a list there is
 * nothing that this server could answer, nor when it has been cut off for so long that other servers may have changed
 * the lists. Complete for everybody: probes of platforms read the status.
 */
export function readyz(service: RegistryService) {
  return (_request: Request, response: Response): void => {
    const { outage, hasList, isCurrent, servers, grace } = service.health();
    const status = outage ? (hasList && isCurrent ? 'degraded' : 'unavailable') : 'up';
    sendJson(
      response,
      {
        status,
        ...(outage ? { reason: outage.reason, sinceMs: service.now - outage.since } : {}),
        ...(servers === undefined ? {} : { servers }),
        graceMs: grace,
      },
      status === 'unavailable' ? 503 : 200,
    );
  };
}
