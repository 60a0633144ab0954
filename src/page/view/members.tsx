import { useMemo, useState } from 'preact/hooks';
import { matcher, MEMBER_STATES, membersInOrder, type MemberState } from '../model/order.js';
import { raftParts, type RaftPart } from '../model/raft.js';
import { keyOf, type ClusterView, type MemberView } from '../model/types.js';
import { useWords } from '../text/words.js';
import { Age } from './age.js';
import { Chips } from './chips.js';
import { useIsOld, usePage, usePageState } from './context.js';
import { Icon, MEMBER_ICONS } from './icons.js';
import { RaftMark } from './raft-mark.js';
import { Search } from './search.js';
import { NARROW, useMedia } from './use-media.js';
import { Windowed } from './windowed.js';

const LIST = 'members';

const wideRow = (): number => 56;
const narrowRow = (): number => 116;
/** Height with the Raft line. */
const narrowRaftRow = (): number => 134;

/** From this many members on, the list has a search. */
const MANY = 8;

/** A cluster's members: their states, and the lists they have. */
export function Members({ view, at }: { view: ClusterView; at: number }) {
  const { t, f } = useWords();
  const [search, setSearch] = useState('');
  const [state, setState] = useState<MemberState>();
  const isNarrow = useMedia(NARROW);
  const { members } = view;
  const health = usePageState(({ health }) => health?.value);
  const parts = useMemo(() => raftParts(health), [health]);
  const ordered = useMemo(() => membersInOrder(members), [members]);
  const matches = matcher(search);
  const shown = ordered.filter(
    (one) =>
      (state === undefined || one.state === state) &&
      (search === '' || matches(`${one.address} ${one.id ?? ''} ${one.source} ${one.state}`)),
  );
  const noted = ordered.flatMap(({ address, refused, problem, unprobed }) => [
    ...(problem === undefined ? [] : [{ address, what: t.unhealthy, sentence: problem }]),
    ...(refused === undefined ? [] : [{ address, what: t.refused, sentence: refused }]),
    ...(unprobed === undefined ? [] : [{ address, what: t.unprobed, sentence: unprobed }]),
  ]);
  return (
    <section class="card" aria-labelledby="members-title">
      <div class="card-head">
        <h2 id="members-title">
          {t.members} <span class="dim">{f.number(members.length)}</span>
        </h2>
        {members.length > MANY && (
          <>
            <Search
              label={t.searchMembers}
              hint={t.memberHint}
              value={search}
              onChange={setSearch}
              controls={LIST}
            />
            <Chips
              label={t.memberStates}
              total={members.length}
              chosen={state}
              onChoose={setState}
              chips={MEMBER_STATES.map((value) => ({
                value,
                text: t.memberState[value],
                count: members.filter((one) => one.state === value).length,
                icon: MEMBER_ICONS[value],
                tone: `tone-${value}`,
              }))}
            />
          </>
        )}
      </div>
      {noted.length > 0 && (
        <ul class="notices">
          {noted.slice(0, MANY).map(({ address, what, sentence }) => (
            <li key={`${address} ${what}`} class="notice">
              <Icon name="warning" /> <code>{address}</code> {what} <span lang="en">{sentence}</span>
            </li>
          ))}
        </ul>
      )}
      <div id={LIST} role="table" aria-label={t.members} aria-rowcount={members.length + 1} class="members">
        <div role="rowgroup" class="members-head">
          <div role="row" class="member-row" aria-rowindex={1}>
            {(['state', 'member', 'heard', 'delivered', 'settled'] as const).map((column) => (
              <span key={column} role="columnheader">
                {t.memberColumns[column]}
              </span>
            ))}
            <span role="columnheader">
              <span class="for-ears">{t.memberColumns.action}</span>
            </span>
          </div>
        </div>
        {shown.length === 0 ? (
          <div role="rowgroup">
            <div role="row">
              <p role="cell" class="nothing">
                {t.noneMatch}
              </p>
            </div>
          </div>
        ) : (
          <Windowed
            role="rowgroup"
            label={t.members}
            items={shown}
            itemKey={({ address }) => address}
            rowHeight={!isNarrow ? wideRow : parts.size > 0 ? narrowRaftRow : narrowRow}
            row={(member, index) => (
              <MemberRow view={view} member={member} part={parts.get(member.address)} at={at} index={index} />
            )}
          />
        )}
      </div>
    </section>
  );
}

interface MemberRowProps {
  readonly view: ClusterView;
  readonly member: MemberView;
  readonly part: RaftPart | undefined;
  readonly at: number;
  readonly index: number;
}

function MemberRow({ view, member, part, at, index }: MemberRowProps) {
  const { t } = useWords();
  const page = usePage();
  const isOld = useIsOld();
  const { address, id, source, state, settled, silentMs, refused, problem, unprobed } = member;
  const warning = problem ?? refused ?? unprobed;
  const what = problem === undefined ? (refused === undefined ? t.unprobed : t.refused) : t.unhealthy;
  return (
    <div role="row" class={`member-row tone-${state}`} aria-rowindex={index + 2} data-address={address}>
      <span role="cell" class="member-state" title={t.memberStateHelp[state]}>
        <span class="mark">
          <Icon name={MEMBER_ICONS[state]} />
          {t.memberState[state]}
        </span>
      </span>
      <span role="cell" class="member-address">
        <code>{address}</code>
        {warning !== undefined && (
          <span class="warn" title={warning}>
            <Icon name="warning" />
            <span class="for-ears">{what}</span>
          </span>
        )}
        <span class="member-more dim">
          {id !== undefined && `${id} · `}
          <span title={t.sourceHelp[source]}>{t.source[source]}</span>
          {part?.version !== undefined && ` · ${t.health.raft.version(part.version)}`}
        </span>
      </span>
      <span role="cell" class="member-heard">
        {silentMs === undefined ? (
          <span class="dim">{t.neverHeard}</span>
        ) : (
          <Age silentMs={silentMs} ttlMs={view.ttlMs} at={at} isStale={isOld} />
        )}
      </span>
      <Delivered view={view} member={member} />
      <span role="cell" class="member-standing">
        <span class={settled ? 'member-settled dim' : 'member-settled unsettled'}>
          <Icon name={settled ? 'check' : 'hourglass'} />
          {settled ? t.settled : t.notSettled}
        </span>
        {part && <RaftMark part={part} />}
      </span>
      <span role="cell" class="member-action">
        {/* With the quorum lost the server refuses this (R6), and the top of the page says what to do instead. */}
        {(state === 'silent' || state === 'down') && view.state !== 'quorum-lost' && (
          <button
            type="button"
            class="button small"
            aria-label={t.takeOffLabel(address)}
            onClick={() => page.ask({ type: 'take-off', cluster: keyOf(view), address })}
          >
            {t.takeOff}
          </button>
        )}
      </span>
    </div>
  );
}

/** The list that a member has: the newest, or how far behind. */
function Delivered({ view, member }: { view: ClusterView; member: MemberView }) {
  const { t, f } = useWords();
  const { deliveredRevision: delivered, upToDate: current } = member;
  const behind = view.revision - delivered;
  return (
    <span
      role="cell"
      class={`member-delivered ${current ? 'current' : behind > 0 ? 'behind' : ''}`}
      title={current ? t.current : t.delivered(f.number(delivered))}
    >
      <span class="rev">{delivered === 0 ? t.notSent : t.revisionShort(f.number(delivered))}</span>
      {current ? (
        <span class="rev-note">
          <Icon name="check" />
          <span class="for-ears">{t.current}</span>
        </span>
      ) : (
        delivered > 0 && behind > 0 && <span class="rev-note">{t.behind(f.number(behind))}</span>
      )}
    </span>
  );
}
