import type { Heard } from '../model/page.js';
import type { RefusedCaller } from '../model/types.js';
import { useWords } from '../text/words.js';
import { useNow } from './clock.js';
import { useIsOld, usePageState } from './context.js';

/** Most callers shown; there may be a hundred. */
const MOST = 8;

/** Refused callers that named the chosen cluster. */
export function RefusedCallers() {
  const { t } = useWords();
  const callers = usePageState(({ callers }) => callers);
  return callers && <Callers id="refused" title={t.callers.title} help={t.callers.help} callers={callers} />;
}

/** Refused callers that named no known cluster, and so appear on no cluster's page. */
export function Strays() {
  const { t } = useWords();
  const strays = usePageState(({ strays }) => strays);
  return (
    strays && <Callers id="strays" title={t.callers.strays} help={t.callers.straysHelp} callers={strays} />
  );
}

interface CallersProps {
  readonly id: string;
  readonly title: string;
  readonly help: string;
  readonly callers: Heard<readonly RefusedCaller[]>;
}

function Callers({ id, title, help, callers: { value, at } }: CallersProps) {
  const { t, f } = useWords();
  const isOld = useIsOld();
  const now = useNow(!isOld);
  if (value.length === 0) return null;
  const passed = isOld ? 0 : Math.max(0, now - at);
  return (
    <section class="card" aria-labelledby={`${id}-title`}>
      <div class="card-head">
        <h2 id={`${id}-title`}>
          {title} <span class="dim">{f.number(value.length)}</span>
        </h2>
      </div>
      <p class="callers-help dim">{help}</p>
      <ul class="callers" id={id}>
        {value.slice(0, MOST).map((caller) => (
          <Caller
            key={`${caller.from} ${caller.self} ${caller.path} ${caller.code}`}
            caller={caller}
            passed={passed}
          />
        ))}
      </ul>
      {value.length > MOST && <p class="callers-more dim">{t.callers.more(f.number(value.length - MOST))}</p>}
    </section>
  );
}

function Caller({ caller, passed }: { caller: RefusedCaller; passed: number }) {
  const { t, f } = useWords();
  const { from, self, path, code, reason, times, sinceMs, lastMs } = caller;
  // A newer server may send unknown codes.
  const says = (t.callers.refusedCode as Readonly<Record<string, string>>)[code];
  return (
    <li class="waiting-row" data-code={code}>
      <span class="waiting-who">
        <code title={self}>{self ?? t.callers.noSelf}</code>
        <span class="dim">
          {t.callers.from} {from ?? t.callers.fromUnknown}
        </span>
        <code class="caller-path dim" title={path}>
          {path}
        </code>
      </span>
      <span class="waiting-time dim">
        {t.callers.last(f.duration(lastMs + passed))}
        {' · '}
        {t.callers.times(times, f.number(times), f.duration(sinceMs - lastMs))}
      </span>
      <span class="waiting-why">
        {says ?? code}
        <span class="detail dim" lang="en">
          {reason}
        </span>
      </span>
    </li>
  );
}
