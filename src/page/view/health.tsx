import type { Heard } from '../model/page.js';
import { keyOf, type ClusterHealth, type ClusterView, type HealthFinding } from '../model/types.js';
import { useWords } from '../text/words.js';
import { useNow } from './clock.js';
import { usePageState } from './context.js';
import { Findings } from './findings.js';
import { HEALTH_ICONS, Icon } from './icons.js';
import { RepairCommand } from './repair-command.js';

/** Age in milliseconds from which the page warns that things may have changed. A server reads every 30 s. */
const OLD_AFTER_MS = 60_000;

/** Most sentences about what could not be judged; large clusters have many. */
const MOST = 6;

/** The nodes' own views of a cluster, and what to do about them. */
export function HealthCard({ view }: { view: ClusterView }) {
  const { t, f } = useWords();
  const health = usePageState(({ health }) => health);
  if (!health) return null;
  const { state, findings, unknown, repair } = health.value;
  return (
    <section class={`card health tone-${state}`} aria-labelledby="health-title">
      <div class="card-head">
        <h2 id="health-title">{t.health.title}</h2>
        <span class="mark" role="status">
          <Icon name={HEALTH_ICONS[state]} />
          {t.health.state[state]}
        </span>
        <ReadAge health={health} />
      </div>
      <div class="health-body">
        <p>{t.health.says[state]}</p>
        {repair && (
          <p class="notice warn">
            <Icon name="wrench" /> {t.health.repairing}{' '}
            <span class="dim" lang="en">
              {repair.holder}
            </span>
          </p>
        )}
        <Findings findings={findings} />
        {unknown.length > 0 && (
          <div class="detail dim">
            {state !== 'unknown' && t.health.unjudged}
            <ul class="sentences">
              {unknown.slice(0, MOST).map((sentence) => (
                <li key={sentence} lang="en">
                  {sentence}
                </li>
              ))}
              {unknown.length > MOST && <li>{t.health.more(f.number(unknown.length - MOST))}</li>}
            </ul>
          </div>
        )}
        {!repair && <WhatRepairs findings={findings} view={view} />}
      </div>
    </section>
  );
}

/** How long ago the nodes were read. It grows until the next update. */
function ReadAge({ health }: { health: Heard<ClusterHealth> }) {
  const { t, f } = useWords();
  const now = useNow();
  const { readMs } = health.value;
  if (readMs === undefined) return null;
  const age = readMs + now - health.at;
  return age > OLD_AFTER_MS ? (
    <p class="notice warn health-old">
      <Icon name="hourglass" /> {t.health.old(f.duration(age))}
    </p>
  ) : (
    <span class="dim">{t.health.read(f.duration(age))}</span>
  );
}

/** The repair command, if a persistent finding can be repaired by it or it tells how to. */
function WhatRepairs({ findings, view }: { findings: readonly HealthFinding[]; view: ClusterView }) {
  const { t } = useWords();
  const lasts = (...codes: readonly HealthFinding['code'][]): boolean =>
    findings.some(({ persistent, code }) => persistent && codes.includes(code));
  // Without a majority of the list no group can get a leader; the top of the page says what to do first.
  const isMended = lasts(
    'no-voter',
    'phantom-voter',
    ...(view.state === 'quorum-lost' ? [] : ['no-leader' as const]),
  );
  const isSplit = lasts('split');
  if (!isMended && !isSplit) return null;
  const label = isMended ? t.health.command : t.health.commandSplit;
  return (
    <div class="health-repair">
      <p>
        <strong>{label}</strong>
      </p>
      <RepairCommand cluster={keyOf(view)} label={label} />
      {isMended && isSplit && <p>{t.health.commandBoth}</p>}
    </div>
  );
}
