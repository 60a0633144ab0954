import type { HealthFinding } from '../model/types.js';
import type { FindingWords } from '../text/health-en.js';
import { useWords } from '../text/words.js';
import { Icon } from './icons.js';

/** Most nodes named for one kind of finding; large clusters have many. */
const MOST = 6;

interface Kind {
  readonly code: HealthFinding['code'];
  readonly findings: readonly HealthFinding[];
  readonly tone: 'bad' | 'warn' | 'info';
}

/** The findings: each kind once in plain words, then the server's sentence about each node. */
export function Findings({ findings }: { findings: readonly HealthFinding[] }) {
  if (findings.length === 0) return null;
  return (
    <ul class="findings">
      {kindsOf(findings).map((kind) => (
        <KindOfFinding key={kind.code} {...kind} />
      ))}
    </ul>
  );
}

function KindOfFinding({ code, findings, tone }: Kind) {
  const { t, f } = useWords();
  // A newer server may send unknown codes.
  const words = (t.health.findings as Readonly<Record<string, FindingWords>>)[code];
  return (
    <li class={`finding ${tone}`} data-code={code}>
      <Icon name={tone === 'bad' ? 'stop' : tone === 'warn' ? 'warning' : 'hourglass'} />
      <div>
        <h3>{words?.name ?? code}</h3>
        {words && (
          <>
            <p>{words.means}</p>
            <p>{words.todo}</p>
          </>
        )}
        <ul class="sentences">
          {findings.slice(0, MOST).map(({ sentence, sinceMs, persistent }) => (
            <li key={sentence} class="detail">
              <span class="since">
                {persistent
                  ? t.health.since(f.duration(sinceMs))
                  : t.health.sinceMaybeNormal(f.duration(sinceMs))}
              </span>
              {' · '}
              <span class="dim" lang="en">
                {sentence}
              </span>
            </li>
          ))}
          {findings.length > MOST && (
            <li class="detail dim">{t.health.more(f.number(findings.length - MOST))}</li>
          )}
        </ul>
      </div>
    </li>
  );
}

/** The kinds of findings, the worst first: persistent and harmful, persistent, transient. */
function kindsOf(findings: readonly HealthFinding[]): readonly Kind[] {
  const byCode = new Map<HealthFinding['code'], HealthFinding[]>();
  for (const finding of findings) {
    const same = byCode.get(finding.code);
    if (same) same.push(finding);
    else byCode.set(finding.code, [finding]);
  }
  const rank = { bad: 0, warn: 1, info: 2 };
  return [...byCode]
    .map(([code, same]): Kind => {
      const persistent = same.filter((one) => one.persistent);
      const harms = persistent.some(({ severity }) => severity === 'harm');
      return { code, findings: same, tone: harms ? 'bad' : persistent.length > 0 ? 'warn' : 'info' };
    })
    .sort((a, b) => rank[a.tone] - rank[b.tone]);
}
