import type { ClusterSummary } from '../model/types.js';
import { useWords } from '../text/words.js';
import { Icon, type IconName } from './icons.js';

/** The state of one seat in a cluster. */
export type Seat = 'live' | 'unsettled' | 'lost' | 'waiting' | 'free';

/** Abnormal seats have a shape as well as a colour. */
const SHAPES: Partial<Record<Seat, IconName>> = { lost: 'cross', waiting: 'hourglass' };

/** Most seats with room for shapes. */
const FEW = 12;

/** More seats than this become one bar. */
const MOST = 40;

interface QuorumBarProps {
  readonly seats: readonly Seat[];
  /** The size of a majority; a notch marks it. */
  readonly majority?: number;
  readonly label: string;
  readonly size: 'small' | 'large';
}

/** A cluster's members at a glance: live, lost and waiting. */
export function QuorumBar({ seats, majority, label, size }: QuorumBarProps) {
  if (seats.length > MOST) return <Shares seats={seats} majority={majority} label={label} size={size} />;
  return (
    <span class={`seats ${size}`} role="img" aria-label={label} title={label}>
      {seats.map((seat, i) => (
        <span key={i} class={`seat ${seat}${i + 1 === majority ? ' majority' : ''}`}>
          {size === 'large' && seats.length <= FEW && SHAPES[seat] && <Icon name={SHAPES[seat]} />}
        </span>
      ))}
    </span>
  );
}

function Shares({
  seats,
  majority,
  label,
  size,
}: Omit<QuorumBarProps, 'majority'> & { majority: number | undefined }) {
  const { f } = useWords();
  const kinds = (['live', 'unsettled', 'lost', 'waiting', 'free'] as const)
    .map((seat) => ({ seat, count: seats.filter((one) => one === seat).length }))
    .filter(({ count }) => count > 0);
  return (
    <span class={`seats shares ${size}`} role="img" aria-label={label} title={label}>
      {kinds.map(({ seat, count }) => (
        <span key={seat} class={`seat ${seat}`} style={{ flexGrow: count }}>
          {size === 'large' && count / seats.length > 0.12 ? f.number(count) : ''}
        </span>
      ))}
      {majority !== undefined && (
        <span class="notch" style={{ left: `${(100 * majority) / seats.length}%` }} />
      )}
    </span>
  );
}

/** The seats of a summary, which has only numbers. */
export function seatsOf({ members, live, waiting, requiredMembers = 0 }: ClusterSummary): Seat[] {
  return [
    ...Array<Seat>(live).fill('live'),
    ...Array<Seat>(Math.max(0, members - live)).fill('lost'),
    ...Array<Seat>(waiting).fill('waiting'),
    ...Array<Seat>(Math.max(0, requiredMembers - waiting)).fill('free'),
  ];
}
