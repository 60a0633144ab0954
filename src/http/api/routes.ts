import { changeRoutes } from './changes.js';
import { clusterRoutes } from './clusters.js';
import { METRICS, NACOS_SIDE, OFFICIAL_API } from './external-routes.js';
import { deleteClusterRoute } from './delete-cluster.js';
import { descriptionRoutes } from './docs-routes.js';
import { eventRoutes } from './events.js';
import { healthRoutes } from './health.js';
import { memberRoutes } from './members.js';
import { refusedRoutes } from './refused.js';
import type { Described, Route } from './route.js';
import { serverRoutes } from './server-routes.js';
import { streamRoute } from './stream.js';

/** All routes of the operators' side, which the router (router.ts) answers. */
export const ROUTES: readonly Route[] = [
  ...clusterRoutes,
  deleteClusterRoute,
  ...memberRoutes,
  ...refusedRoutes,
  ...changeRoutes,
  ...healthRoutes,
  ...eventRoutes,
  streamRoute,
  ...serverRoutes,
  ...descriptionRoutes(() => DESCRIBED),
];

/** All that the OpenAPI document (openapi.ts) describes: these routes, and those answered elsewhere. */
export const DESCRIBED: readonly Described[] = [...ROUTES, METRICS, ...NACOS_SIDE, ...OFFICIAL_API];
