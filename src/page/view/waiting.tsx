import type { ClusterView, WaitingView } from '../model/types.js';
import { useWords } from '../text/words.js';
import { useNow } from './clock.js';
import { useIsOld } from './context.js';
import { NARROW, useMedia } from './use-media.js';
import { Windowed } from './windowed.js';

const wideRow = (): number => 64;
const narrowRow = (): number => 104;

/** The addresses held at the gate, and why. */
export function WaitingCard({ view, at }: { view: ClusterView; at: number }) {
  const { t, f } = useWords();
  const isNarrow = useMedia(NARROW);
  const isOld = useIsOld();
  const now = useNow(!isOld);
  const since = isOld ? 0 : Math.max(0, now - at);
  return (
    <section class="card" aria-labelledby="waiting-title">
      <div class="card-head">
        <h2 id="waiting-title">
          {t.waiting} <span class="dim">{f.number(view.waiting.length)}</span>
        </h2>
      </div>
      <Windowed
        class="waiting"
        role="list"
        label={t.waiting}
        items={view.waiting}
        itemKey={({ address }) => address}
        rowHeight={isNarrow ? narrowRow : wideRow}
        row={(one, index) => (
          <WaitingRow waiting={one} since={since} index={index} count={view.waiting.length} />
        )}
      />
    </section>
  );
}

interface WaitingRowProps {
  readonly waiting: WaitingView;
  /** Milliseconds since the server reported it. */
  readonly since: number;
  readonly index: number;
  readonly count: number;
}

function WaitingRow({ waiting, since, index, count }: WaitingRowProps) {
  const { t, f } = useWords();
  const { address, id, expect, waitingMs, reason, code } = waiting;
  const says = t.waitingCode?.[code];
  return (
    <div
      class="waiting-row"
      role="listitem"
      aria-posinset={index + 1}
      aria-setsize={count}
      data-address={address}
    >
      <span class="waiting-who">
        <code>{address}</code>
        {id !== undefined && <span class="dim">{id}</span>}
      </span>
      <span class="waiting-time dim">
        {t.waitingFor(f.duration(waitingMs + since))}
        {expect !== undefined && ` · ${t.expects(f.number(expect))}`}
      </span>
      <span class="waiting-why" title={reason}>
        {says ?? reason}
        {says !== undefined && (
          <span class="detail dim" lang="en">
            {reason}
          </span>
        )}
      </span>
    </div>
  );
}
