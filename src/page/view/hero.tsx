import type { ClusterView, ClusterSummary } from '../model/types.js';
import { keyOf } from '../model/types.js';
import { useWords } from '../text/words.js';
import { usePage } from './context.js';
import { GiveUp } from './give-up.js';
import { Icon } from './icons.js';
import { QuorumBar, type Seat } from './quorum-bar.js';
import { Recovered } from './recovered.js';
import { explain, StateMark, toneOf } from './state-mark.js';

/** A cluster's state at a glance, and what to do about it. */
export function Hero({ view }: { view: ClusterView }) {
  const words = useWords();
  const { t, f } = words;
  const { product, cluster, state, members, waiting, revision, epoch, size, live, servedRevision } = view;
  const summary: ClusterSummary = { ...view, members: members.length, waiting: waiting.length };
  const { says, detail } = explain(summary, words);
  const majority = Math.floor(members.length / 2) + 1;
  const settled = members.filter((member) => member.settled).length;
  const newest = members.filter((member) => member.upToDate).length;
  const of = (count: number): string => t.ofAll(f.number(count), f.number(members.length));
  const facts: readonly (readonly [name: keyof typeof t.facts, value: string])[] = [
    ['live', of(live)],
    ['settled', of(settled)],
    ['newest', of(newest)],
    ['size', f.number(size)],
    ['revision', f.number(revision)],
    ['epoch', f.number(epoch)],
  ];
  return (
    <section class={`card hero ${toneOf(state)}`} aria-labelledby="cluster-title">
      <div class="hero-head">
        <h1 id="cluster-title">
          <span class="dim">{product}/</span>
          {cluster}
        </h1>
        <StateMark cluster={summary} />
      </div>
      {state === 'quorum-lost' ? (
        <QuorumLost view={view} />
      ) : (
        <p class="says" title={detail}>
          {says}
        </p>
      )}
      <div class="hero-bar">
        <QuorumBar
          size="large"
          seats={seatsOf(view)}
          {...(members.length > 0 ? { majority } : {})}
          label={members.length > 0 ? t.liveOf(f.number(live), f.number(members.length)) : says}
        />
        {members.length > 1 && <span class="dim">{t.majority(f.number(majority))}</span>}
      </div>
      {members.length > 0 && (
        <dl class="facts">
          {facts.map(([name, value]) => (
            <div key={name} title={t.factsHelp[name]}>
              <dt>{t.facts[name]}</dt>
              <dd>{value}</dd>
            </div>
          ))}
        </dl>
      )}
      {servedRevision !== undefined && (
        <p class="notice">
          <Icon name="hourglass" /> {t.pending(f.number(revision), f.number(servedRevision))}
        </p>
      )}
      <Recovered view={view} />
      {detail !== undefined && (
        <p class="detail dim" lang="en">
          {detail}
        </p>
      )}
      <GiveUp view={view} />
    </section>
  );
}

/** The server's advice, and the same in steps. */
function QuorumLost({ view }: { view: ClusterView }) {
  const { t, f } = useWords();
  const page = usePage();
  const missing = view.members.filter(({ state }) => state === 'down' || state === 'silent');
  const steps = t.lostSteps(f.list(missing.map(({ address }) => address)), f.number(view.waiting.length));
  const words = useWords();
  const { says } = explain({ ...view, members: view.members.length, waiting: view.waiting.length }, words);
  return (
    <div class="advice">
      <p class="says">{says}</p>
      <ol>
        {steps.map((step, i) => (
          <li key={i}>{step}</li>
        ))}
      </ol>
      <button
        type="button"
        class="button danger"
        onClick={() => page.ask({ type: 'recover', cluster: keyOf(view) })}
      >
        {t.recover}
      </button>
    </div>
  );
}

function seatsOf({ members, waiting, requiredMembers = 0 }: ClusterView): Seat[] {
  const seats = members.map((member): Seat => {
    if (member.state === 'silent' || member.state === 'down') return 'lost';
    return member.settled ? 'live' : 'unsettled';
  });
  const rank = (seat: Seat): number => ['live', 'unsettled', 'lost'].indexOf(seat);
  seats.sort((a, b) => rank(a) - rank(b));
  const free = Math.max(0, requiredMembers - waiting.length);
  return [...seats, ...waiting.map((): Seat => 'waiting'), ...Array<Seat>(free).fill('free')];
}
