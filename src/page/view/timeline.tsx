import { linkTo } from '../model/route.js';
import { keyOf, type EventType, type EventView } from '../model/types.js';
import { dayKey } from '../text/format.js';
import { useWords, type Words } from '../text/words.js';
import { EVENT_ICONS, Icon } from './icons.js';

const TONES: Record<EventType, 'good' | 'bad' | 'warn' | 'plain'> = {
  bootstrapped: 'good',
  waiting: 'plain',
  admitted: 'good',
  left: 'plain',
  unhealthy: 'warn',
  down: 'warn',
  silent: 'warn',
  returned: 'good',
  adopted: 'plain',
  evicted: 'warn',
  replaced: 'plain',
  'quorum-lost': 'bad',
  'quorum-regained': 'good',
  rebootstrapped: 'bad',
  'set-back': 'bad',
  recovered: 'bad',
  deleted: 'warn',
  repairing: 'warn',
  'repair-step': 'plain',
  repaired: 'good',
  'repair-stopped': 'bad',
  refused: 'warn',
};

/** Events grouped by day. */
export function Timeline({ events, isGlobal }: { events: readonly EventView[]; isGlobal: boolean }) {
  const words = useWords();
  return (
    <>
      {byDay(events).map(({ day, events }) => (
        <section key={day} class="day">
          <h3>{dayName(events[0]?.time ?? '', words)}</h3>
          <ol>
            {events.map((event) => (
              <Entry key={event.seq} event={event} isGlobal={isGlobal} />
            ))}
          </ol>
        </section>
      ))}
    </>
  );
}

function Entry({ event, isGlobal }: { event: EventView; isGlobal: boolean }) {
  const { t, f } = useWords();
  const { time, type, address, revision, reason } = event;
  const says = t.eventSays?.[type];
  return (
    <li class={`event ${TONES[type]}`} data-type={type}>
      <time dateTime={time} title={f.moment(time)}>
        {f.time(time)}
      </time>
      <span class="event-icon">
        <Icon name={EVENT_ICONS[type]} />
      </span>
      <div class="event-body">
        <p class="event-what">
          <strong>{t.event[type]}</strong> {address !== undefined && <code>{address}</code>}{' '}
          <span class="dim">{t.revisionShort(f.number(revision))}</span>
        </p>
        {isGlobal && (
          <p>
            <a href={linkTo(keyOf(event))}>{keyOf(event)}</a>
          </p>
        )}
        {says !== undefined && <p>{says}</p>}
        <p class={says === undefined ? '' : 'dim'} {...(says === undefined ? {} : { lang: 'en' })}>
          {reason}
        </p>
      </div>
    </li>
  );
}

function byDay(events: readonly EventView[]): { day: string; events: EventView[] }[] {
  const days: { day: string; events: EventView[] }[] = [];
  for (const event of events) {
    const day = dayKey(event.time);
    const last = days.at(-1);
    if (last?.day === day) last.events.push(event);
    else days.push({ day, events: [event] });
  }
  return days;
}

function dayName(time: string, { t, f }: Words): string {
  const now = Date.now();
  const day = dayKey(time);
  if (day === dayKey(now)) return t.today;
  return day === dayKey(now - 86_400_000) ? t.yesterday : f.day(time);
}
