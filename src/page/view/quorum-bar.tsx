import type { ClusterSummary } from '../model/types.js';
import { useWords } from '../text/words.js';
import { Icon, type IconName } from './icons.js';

/** What one place in a cluster is. */
export type Seat = 'live' | 'unsettled' | 'lost' | 'waiting' | 'free';

/** What is not as it should be has a shape, too. */
const SHAPES: Partial<Record<Seat, IconName>> = { lost: 'cross', waiting: 'hourglass' };

/** Up to so many there is room for shapes. */
const FEW = 12;

/** More seats than this become one bar. */
const MOST = 40;

interface QuorumBarProps {
  readonly seats: readonly Seat[];
  /** How many of the members are a majority; a notch stands there. */
  readonly majority?: number;
  readonly label: string;
  readonly size: 'small' | 'large';
}

/** The members of a cluster at a glance: who is there, who is lost, who waits. */
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

/** Of a summary, which has only the numbers. */
export function seatsOf({ members, live, waiting, requiredMembers = 0 }: ClusterSummary): Seat[] {
  return [
    ...Array<Seat>(live).fill('live'),
    ...Array<Seat>(Math.max(0, members - live)).fill('lost'),
    ...Array<Seat>(waiting).fill('waiting'),
    ...Array<Seat>(Math.max(0, requiredMembers - waiting)).fill('free'),
  ];
}
