import type { JSX } from 'preact';
import type { ClusterState, EventType, HealthState } from '../model/types.js';
import type { MemberState } from '../model/order.js';

/* Shapes, so that colour is never the only sign: 16 × 16, in the text's colour. */

const SHAPES = {
  check: (
    <>
      <circle cx="8" cy="8" r="6.25" />
      <path d="m5.2 8.2 2 2 3.6-4.2" />
    </>
  ),
  dashed: <circle cx="8" cy="8" r="6.25" stroke-dasharray="2.6 2.3" />,
  forming: (
    <>
      <circle cx="8" cy="8" r="6.25" stroke-dasharray="2.6 2.3" />
      <circle cx="8" cy="8" r="2.4" fill="currentColor" stroke="none" />
    </>
  ),
  warning: (
    <>
      <path d="M8 2.2 14.3 13.3H1.7Z" />
      <path d="M8 6.6v3M8 11.4v.2" />
    </>
  ),
  stop: (
    <>
      <path d="M5.3 1.75h5.4l3.55 3.55v5.4l-3.55 3.55H5.3L1.75 10.7V5.3Z" />
      <path d="m5.7 5.7 4.6 4.6M10.3 5.7l-4.6 4.6" />
    </>
  ),
  dot: <circle cx="8" cy="8" r="4.5" fill="currentColor" stroke="none" />,
  cross: <path d="m3.8 3.8 8.4 8.4M12.2 3.8l-8.4 8.4" />,
  pin: <rect x="3.5" y="3.5" width="9" height="9" rx="1.5" fill="currentColor" stroke="none" />,
  hourglass: (
    <path d="M4 2h8M4 14h8M5 2c0 3.2 2.2 4.4 3 6-.8 1.6-3 2.8-3 6m6-12c0 3.2-2.2 4.4-3 6 .8 1.6 3 2.8 3 6" />
  ),
  enter: <path d="M9.5 2.5h3.3v11H9.5M2 8h7.5M6.7 5.2 9.5 8l-2.8 2.8" />,
  leave: <path d="M6.5 2.5H3.2v11h3.3M6.5 8H14M11.2 5.2 14 8l-2.8 2.8" />,
  back: <path d="M3 8a5 5 0 1 1 1.6 3.7M3 12.6V9.2h3.4" />,
  swap: <path d="M2 5.5h11M10.3 2.8 13 5.5l-2.7 2.7M14 10.5H3M5.7 7.8 3 10.5l2.7 2.7" />,
  spark: (
    <path d="M8 1.8v3.4M8 10.8v3.4M1.8 8h3.4M10.8 8h3.4M4 4l1.8 1.8M10.2 10.2 12 12M12 4l-1.8 1.8M5.8 10.2 4 12" />
  ),
  wrench: (
    <path
      d="M9.8 6.2a3.4 3.4 0 0 1 4-4.1L11.7 4.2l.5 1.6 1.6.5 2-2.1a3.4 3.4 0 0 1-4.6 3.9L5.6 13.7a1.6 1.6 0 0 1-2.3-2.3Z"
      transform="translate(-1 0)"
    />
  ),
  out: (
    <>
      <circle cx="8" cy="8" r="6.25" />
      <path d="M4.8 8h6.4" />
    </>
  ),
  sun: (
    <path d="M8 5a3 3 0 1 0 0 6 3 3 0 0 0 0-6ZM8 1v1.4M8 13.6V15M1 8h1.4M13.6 8H15M3.05 3.05l1 1M11.95 11.95l1 1M12.95 3.05l-1 1M4.05 11.95l-1 1" />
  ),
  moon: <path d="M13.6 9.8A6 6 0 0 1 6.2 2.4a6 6 0 1 0 7.4 7.4Z" />,
  auto: (
    <>
      <circle cx="8" cy="8" r="6.25" />
      <path d="M8 1.75v12.5a6.25 6.25 0 0 0 0-12.5Z" fill="currentColor" stroke="none" />
    </>
  ),
  search: <path d="M7 2.2a4.8 4.8 0 1 0 0 9.6 4.8 4.8 0 0 0 0-9.6ZM10.6 10.6 14 14" />,
  copy: <path d="M5.5 5.5h8v8.3h-8zM10.5 5.2V2.2h-8v8.3h2.7" />,
  left: <path d="M10 3 5 8l5 5" />,
  open: (
    <>
      <rect x="3" y="7" width="10" height="7" rx="1.5" />
      <path d="M5.2 7V4.8a2.8 2.8 0 0 1 5.3-1.2" />
    </>
  ),
  plug: (
    <path d="M2 14 4.5 11.500M6 5l5 5-1.6 1.6a3 3 0 0 1-4.2 0l-.8-.8a3 3 0 0 1 0-4.2ZM7.6 3.4l2-2M12.6 8.4l2-2" />
  ),
} satisfies Record<string, JSX.Element>;

export type IconName = keyof typeof SHAPES;

/** An icon, hidden from screen readers: its word stands beside it. */
export function Icon({ name }: { name: IconName }) {
  return (
    <svg class="icon" viewBox="0 0 16 16" aria-hidden="true" focusable="false">
      {SHAPES[name]}
    </svg>
  );
}

export const STATE_ICONS: Record<ClusterState, IconName> = {
  'quorum-lost': 'stop',
  damaged: 'stop',
  impaired: 'warning',
  bootstrapping: 'forming',
  whole: 'check',
  empty: 'dashed',
};

export const HEALTH_ICONS: Record<HealthState, IconName> = {
  healthy: 'check',
  transient: 'hourglass',
  attention: 'warning',
  unhealthy: 'stop',
  unknown: 'dashed',
};

export const MEMBER_ICONS: Record<MemberState, IconName> = {
  live: 'dot',
  silent: 'dashed',
  down: 'cross',
  static: 'pin',
};

export const EVENT_ICONS: Record<EventType, IconName> = {
  bootstrapped: 'spark',
  waiting: 'hourglass',
  admitted: 'enter',
  left: 'leave',
  unhealthy: 'warning',
  down: 'cross',
  silent: 'dashed',
  returned: 'back',
  adopted: 'open',
  evicted: 'out',
  replaced: 'swap',
  'quorum-lost': 'stop',
  'quorum-regained': 'back',
  rebootstrapped: 'spark',
  'set-back': 'warning',
  recovered: 'wrench',
  deleted: 'out',
  repairing: 'wrench',
  'repair-step': 'dot',
  repaired: 'check',
  'repair-stopped': 'stop',
  refused: 'stop',
};
