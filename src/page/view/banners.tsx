import type { ComponentChildren } from 'preact';
import { useWords } from '../text/words.js';
import { useNow } from './clock.js';
import { usePage, usePageState } from './context.js';
import { Icon, type IconName } from './icons.js';

/** Notices that affect the whole page, the worst first. */
export function Banners() {
  const { t } = useWords();
  return (
    <section class="banners" aria-label={t.notices}>
      <Lost />
      <ServerTrouble />
      <Grace />
      <OpenChanges />
    </section>
  );
}

function Banner({
  kind,
  icon,
  children,
}: {
  kind: 'bad' | 'warn' | 'note';
  icon: IconName;
  children: ComponentChildren;
}) {
  return (
    <div class={`banner ${kind}`}>
      <Icon name={icon} />
      <div>{children}</div>
    </div>
  );
}

function Lost() {
  const { t, f } = useWords();
  const page = usePage();
  const link = usePageState(({ link }) => link);
  const now = useNow(link.status === 'lost');
  if (link.status !== 'lost') return null;
  const { lastNews, retryAt = now, reason } = link;
  const left = retryAt - now;
  return (
    <Banner kind="bad" icon="plug">
      <strong>{lastNews === undefined ? t.lostNever : t.lost(f.duration(now - lastNews))}</strong>{' '}
      {reason !== undefined && <q lang="en">{reason}</q>}{' '}
      <span class="dim">{left > 0 ? t.retryIn(f.duration(left + 999)) : t.retrying}</span>{' '}
      <button type="button" class="button small" onClick={() => page.retry()}>
        {t.retryNow}
      </button>
    </Banner>
  );
}

function ServerTrouble() {
  const { t, f } = useWords();
  const server = usePageState(({ server }) => server);
  const isTroubled = server !== undefined && server.value.status !== 'up';
  const now = useNow(isTroubled);
  if (!isTroubled) return null;
  const { status, reason, sinceMs } = server.value;
  return (
    <Banner
      kind={status === 'unavailable' ? 'bad' : 'warn'}
      icon={status === 'unavailable' ? 'stop' : 'warning'}
    >
      <strong>{t.serverStatus[status]}</strong> {reason !== undefined && <q lang="en">{reason}</q>}{' '}
      {sinceMs !== undefined && <span class="dim">{t.since(f.duration(sinceMs + now - server.at))}</span>}
    </Banner>
  );
}

function Grace() {
  const { t, f } = useWords();
  const server = usePageState(({ server }) => server);
  const ends = server === undefined ? 0 : server.at + server.value.graceMs;
  const isGrace = server !== undefined && server.value.graceMs > 0;
  const now = useNow(isGrace);
  if (!isGrace || ends <= now) return null;
  return (
    <Banner kind="note" icon="hourglass">
      {t.grace(f.duration(ends - now + 999))}
    </Banner>
  );
}

function OpenChanges() {
  const { t } = useWords();
  const isOpen = usePageState(({ server }) => server?.value.changes === 'open');
  if (!isOpen) return null;
  return (
    <Banner kind="note" icon="open">
      <strong>{t.openChanges}</strong> <span class="dim">{t.openChangesDo}</span>
    </Banner>
  );
}
