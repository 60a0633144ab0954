import { changeRoutes } from './changes.js';
import { clusterRoutes } from './clusters.js';
import { eventRoutes } from './events.js';
import type { Route } from './route.js';
import { serverRoutes } from './server-routes.js';
import { streamRoute } from './stream.js';

/**
 * The operators' side, whole: the router (router.ts) and the document (openapi.ts) are both made from this table.
 */
export const ROUTES: readonly Route[] = [
  ...clusterRoutes,
  ...changeRoutes,
  ...eventRoutes,
  streamRoute,
  ...serverRoutes,
];
