import { healthView, type HealthView } from '../../runtime/health-view.js';
import { packageVersion } from '../../util/package-info.js';
import type { Access } from '../access/access.js';
import { route } from './route.js';
import { aliveAnswer, healthAnswer, serverView, type ServerView } from './schemas.js';

const VERSION = packageVersion();

/** The server's state as operators see it. */
export function serverViewOf(health: HealthView, { changes, reads }: Access): ServerView {
  return { ...health, version: VERSION, changes, reads };
}

export const serverRoutes = [
  route({
    method: 'get',
    path: '/api/v1/server',
    name: 'getServer',
    tag: 'Server',
    summary: 'The server that answers',
    description: 'Its health, as in `/readyz`, its version, and whether it demands tokens.',
    access: 'any',
    responses: { 200: { description: 'The server, whatever its status.', schema: serverView } },
    examples: [{ name: 'server', summary: 'The server', status: 200 }],
    handle: ({ service, access }) => ({ status: 200, body: serverViewOf(healthView(service), access) }),
  }),

  route({
    method: 'get',
    path: '/healthz',
    name: 'getLiveness',
    tag: 'Server',
    summary: 'Whether the process answers',
    description: 'For liveness probes: it fails only for what a restart would mend.',
    access: 'none',
    isForAll: true,
    responses: { 200: { description: 'It does.', schema: aliveAnswer } },
    examples: [{ name: 'healthz', summary: 'Is it alive?', status: 200 }],
    handle: () => ({ status: 200, body: { status: 'up' as const } }),
  }),

  route({
    method: 'get',
    path: '/readyz',
    name: 'getReadiness',
    tag: 'Server',
    summary: 'Whether the server can answer Nacos nodes',
    description:
      'For readiness probes. It is ready while it has a list to serve, with or without the store (R9).',
    access: 'none',
    isForAll: true,
    responses: {
      200: { description: 'Ready: up or degraded.', schema: healthAnswer },
      503: { description: 'Not ready: unavailable.', schema: healthAnswer },
    },
    examples: [{ name: 'readyz', summary: 'Is it ready?', status: 200 }],
    handle({ service }) {
      const body = healthView(service);
      return { status: body.status === 'unavailable' ? 503 : 200, body };
    },
  }),
];
