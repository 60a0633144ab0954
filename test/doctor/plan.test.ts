import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { judgeGroups, type ListedMember } from '../../src/doctor/groups.js';
import type { GroupCopy, NodeView, Reading } from '../../src/doctor/node-view.js';
import { planRepair, type RepairInput, type RepairPlan } from '../../src/doctor/plan.js';
import type { LeaderProof } from '../../src/doctor/leader-proof.js';

const A = '10.0.0.1:8848';
const B = '10.0.0.2:8848';
const C = '10.0.0.3:8848';
const [a, b, c] = ['10.0.0.1:7848', '10.0.0.2:7848', '10.0.0.3:7848'] as const;
const [x, y] = ['10.0.0.9:7848', '10.0.0.8:7848'] as const;

const member = (address: string, more: Partial<ListedMember> = {}): ListedMember => ({
  address,
  source: 'poll',
  state: 'live',
  settled: true,
  ...more,
});

type Copies = Readonly<
  Record<string, readonly [leader: string | undefined, term: number, voters: readonly string[]]>
>;

const node = (address: string, copies: Copies, version = '2.5.1'): NodeView => ({
  address,
  version,
  members: [A, B, C],
  groups: new Map(
    Object.entries(copies).map(([name, [leader, term, voters]]): [string, GroupCopy] => [
      name,
      { leader, term, voters },
    ]),
  ),
});

function plan(
  members: readonly ListedMember[],
  readings: readonly Reading[],
  more: Partial<RepairInput> = {},
): RepairPlan {
  const led = new Set([...(more.proofs ?? [])].flatMap(([name, { isLed }]) => (isLed ? [name] : [])));
  const groups = judgeGroups(members, readings, 1_000, led);
  return planRepair({
    members,
    readings,
    groups,
    raftOffset: 1_000,
    hasMajority: true,
    dead: new Set([x, y]),
    proofs: new Map([...groups.map(({ name }) => name), '*'].map((name) => [name, proof(false)] as const)),
    leaderlessMs: persistent(30_000),
    noVoterMs: new Map([A, B, C].map((address) => [address, 60_000] as const)),
    ...more,
  });
}

/** For how long groups have had no leader. */
const persistent = (ms: number): ReadonlyMap<string, number> =>
  new Map(['one', 'two', '*'].map((name) => [name, ms] as const));

const proof = (isLed: boolean): LeaderProof => ({ at: 0, node: A, isLed, said: 'no leader' });

const said = ({ steps }: RepairPlan): string[] =>
  steps.map(({ command, node, group = '*', value }) => `${command} ${value} ${node} ${group}`);

describe('the plan of a repair', () => {
  const all = [member(A), member(B), member(C)];

  it('has no steps for a healthy cluster', () => {
    const copies: Copies = { one: [a, 3, [a, b, c]] };
    const { steps, dataLossRisks, manualSteps, refused } = plan(all, [
      node(A, copies),
      node(B, copies),
      node(C, copies),
    ]);
    assert.deepEqual([steps, dataLossRisks, manualSteps, refused], [[], [], [], undefined]);
  });

  it('brings a live member back by restRaftCluster at each group’s own leader (injury 2)', () => {
    const views = [
      node(A, { one: [a, 3, [a, c]], two: [c, 2, [a, b, c]] }),
      node(B, { one: [a, 2, [a, b, c]], two: [c, 2, [a, b, c]] }),
      node(C, { one: [a, 3, [a, c]], two: [c, 2, [a, c]] }),
    ];
    const { dataLossRisks, ...made } = plan(all, views);
    assert.deepEqual(said({ dataLossRisks, ...made }), [
      `restRaftCluster ${a},${b},${c} ${A} one`,
      `restRaftCluster ${a},${b},${c} ${C} two`,
    ]);
    assert.deepEqual(dataLossRisks, []);
  });

  it('makes nobody a voter who may lead a group of its own and not show it (injury 1)', () => {
    const views = [
      node(A, { one: [a, 3, [a]], two: [a, 2, [a]] }),
      node(B, { one: [b, 3, [b]] }), // and two, which a lone node does not always show
    ];
    const some = [member(A), member(B)];
    const split = plan(some, views);
    assert.deepEqual(split.steps, []);
    assert.match(split.manualSteps[0] ?? '', /^group one exist more than once/);
    assert.equal(split.manualSteps.length, 2, 'the restart of B mends two as well');
    const alone = plan(some, [views[0]!, node(B, {})]);
    assert.deepEqual(alone.steps, []);
    assert.match(alone.manualSteps[0] ?? '', new RegExp(`^${B} is not a voter of 2 groups .*Restart it`));
    assert.match(alone.manualSteps[0] ?? '', /not a voter of 2 groups \(one, two\)/);
    assert.equal(alone.manualSteps.length, 1, 'one sentence for each node');
    const early = plan(some, [views[0]!, node(B, {})], { noVoterMs: new Map([[B, 59_999]]) });
    assert.deepEqual(early.manualSteps, [], 'it may have started only just');
    const unread = plan(some, [views[0]!, { address: B, reason: 'it does not answer' }]);
    assert.deepEqual(unread.steps, []);
  });

  it('removes a phantom, but not one whose node answers (injury 4)', () => {
    const copies: Copies = { one: [a, 3, [a, b, c, x]] };
    const views = [node(A, copies), node(B, copies), node(C, copies)];
    assert.deepEqual(said(plan(all, views)), [`removePeer ${x} ${A} one`]);
    const alive = plan(all, views, { dead: new Set() });
    assert.deepEqual(alive.steps, []);
    assert.match(alive.manualSteps[0] ?? '', /is not on the list, and may live/);
  });

  describe('a lost majority', () => {
    const old: Copies = { one: [a, 4, [a, x, y]], two: [x, 2, [a, x, y]] };

    it('is reset at the survivor, once for all groups where that is the same', () => {
      const made = plan([member(A)], [node(A, old)]);
      assert.deepEqual(said(made), [`resetPeers ${a} ${A} *`]);
      assert.match(made.dataLossRisks[0] ?? '', /What 10\.0\.0\.1:8848 does not have of any group is lost/);
    });

    it('keeps the data of the highest term, group by group', () => {
      const made = plan(
        [member(A), member(B)],
        [
          node(A, { one: [x, 4, [a, b, c, x]], two: [x, 2, [a, b, c, x]] }),
          node(B, { one: [x, 3, [a, b, c, x]], two: [x, 5, [a, b, c, x]] }),
        ],
      );
      assert.deepEqual(said(made), [
        `resetPeers ${a} ${A} one`,
        `resetPeers ${b} ${B} two`,
        `restRaftCluster ${a},${b} ${A} one`,
        `restRaftCluster ${a},${b} ${B} two`,
      ]);
      assert.deepEqual(
        made.steps.map(({ isAwaited }) => isAwaited),
        [undefined, undefined, true, true],
      );
      assert.match(made.dataLossRisks[0] ?? '', /^What 10\.0\.0\.1:8848 does not have of group one is lost/);
      assert.match(made.dataLossRisks[0] ?? '', /It shows the highest term/);
    });

    it('never makes a voter of one that joined only just, nor takes it for the survivor', () => {
      const fresh = { settled: false };
      const made = plan(
        [member(A), member(B, fresh), member(C, fresh)],
        [node(A, old), node(B, { one: [undefined, 9, [a, b, c]] }), node(C, {})],
      );
      assert.deepEqual(said(made), [`resetPeers ${a} ${A} *`]);
      const blank = plan([member(A, fresh), member(B, fresh)], [node(A, old), node(B, old)]);
      assert.match(blank.refused ?? '', /use --survivor to name the one whose data counts/);
      const named = plan([member(A, fresh), member(B, fresh)], [node(A, old), node(B, old)], { survivor: B });
      assert.deepEqual([...new Set(named.steps.map(({ node }) => node))], [B]);
    });

    it('is reset only when it is proven that nobody leads, and that no stranger may', () => {
      const views = [node(A, old)];
      const refused = (more: Partial<RepairInput>): string => plan([member(A)], views, more).refused ?? '';
      assert.match(refused({ proofs: new Map() }), /is not proven yet: this waits for .* finds none/);
      assert.match(
        refused({ dead: new Set([x]) }),
        /10\.0\.0\.8:7848 is a voter, is not on the list, and may live/,
      );
      const nothing = plan(all, [node(A, {}), node(B, {}), node(C, {})], {
        proofs: new Map([['*', proof(true)]]),
      });
      assert.match(nothing.refused ?? '', /has a leader, but no member/);
      const three = (ms: number): RepairPlan =>
        plan([member(A)], [node(A, old, '3.0.3')], { proofs: new Map(), leaderlessMs: persistent(ms) });
      assert.match(three(29_999).refused ?? '', /waits for 30 s without/, '3.x proves nothing');
      assert.equal(three(29_999).isPassing, true);
      assert.deepEqual(said(three(30_000)), [`resetPeers ${a} ${A} *`]);
    });

    it('is no plan for some groups while a leader without its majority does not give up the others', () => {
      const led = new Map([
        ['one', proof(true)],
        ['two', proof(false)],
      ] as const);
      const some = plan([member(A)], [node(A, old)], { proofs: led });
      assert.deepEqual([some.steps, some.isPassing], [[], true]);
      assert.match(some.refused ?? '', /group one is led by 10\.0\.0\.1:8848, .* this waits for that/);
      const only: Copies = { one: old.one! };
      assert.equal(plan([member(A)], [node(A, only)], { proofs: led }).isPassing, true, 'nor nothing to do');
    });

    it('is none while most voters live, who may be electing a leader', () => {
      const members = [member(A), member(B, { state: 'down' }), member(C)];
      const copies: Copies = { one: [b, 2, [a, b, c]], two: [b, 2, [a, b, c]] };
      const views = [node(A, copies), node(C, copies)];
      const early = new Map([...persistent(60_000), ['two', 29_999] as const]);
      const waits = plan(members, views, { leaderlessMs: early });
      assert.deepEqual([waits.steps, waits.isPassing], [[], true]);
      assert.match(waits.refused ?? '', /group two may be about to elect .* waits for 30 s without one/);
      assert.deepEqual(said(plan(members, views)), [
        `resetPeers ${a} ${A} *`,
        `restRaftCluster ${a},${c} ${A} *`,
      ]);
      const blank = plan(all, [node(A, {}), node(B, {}), node(C, {})], { leaderlessMs: persistent(29_999) });
      assert.equal(blank.isPassing, true, 'a bootstrap');
      const gone = plan([member(A)], [node(A, old)], { leaderlessMs: new Map() });
      assert.deepEqual(said(gone), [`resetPeers ${a} ${A} *`], 'nobody can be elected');
    });

    it('needs a live majority of those whose data is kept, the named survivor among them', () => {
      const members = [
        member(A, { state: 'down' }),
        member(B, { settled: false }),
        member(C, { settled: false }),
      ];
      const views = [node(B, old), node(C, old)];
      assert.match(plan(members, views).refused ?? '', /only just joined.*--survivor/);
      const named = plan(members, views, { survivor: B });
      assert.match(named.refused ?? '', /no majority is live/, 'A has data, and is not there');
      const without = plan(members.slice(1), views, { survivor: B });
      assert.deepEqual(said(without), [`resetPeers ${b} ${B} *`]);
    });

    it('waits for a majority of the list, and for every live member to be readable', () => {
      const lost = plan([member(A), member(B, { state: 'down' })], [node(A, old)], { hasMajority: false });
      assert.match(lost.refused ?? '', /no majority of the list is live.*recover/);
      const unread = plan(
        [member(A), member(B), member(C)],
        [node(A, old), node(B, old), { address: C, reason: 'it answers 403' }],
      );
      assert.deepEqual(unread.steps, []);
    });
  });

  it('resets all groups of nodes of which none has ever had a leader (injury 3)', () => {
    const made = plan(all, [node(A, {}), node(B, {}), node(C, {})]);
    assert.deepEqual(said(made), [`resetPeers ${a} ${A} *`, `restRaftCluster ${a},${b},${c} ${A} *`]);
    const views = [node(A, {}, '1.4.2'), { ...node(B, {}), version: undefined }];
    const two = [member(A), member(B)];
    const old = plan(two, views, { proofs: new Map() });
    assert.deepEqual([old.steps, old.refused], [[], undefined], '1.4 shows no groups, so nothing is known');
    const proven = plan(two, views);
    assert.deepEqual(proven.steps, []);
    assert.match(
      proven.refused ?? '',
      /^10\.0\.0\.1:8848 \(1\.4\.2\), 10\.0\.0\.2:8848 \(1\.4\) does not know resetPeers.*at the addresses that they had/,
    );
    const lost: Copies = { one: [x, 4, [a, x, y]] };
    const cannot = plan([member(A)], [node(A, lost, '1.4.2')]);
    assert.match(cannot.refused ?? '', /1\.4\.2\) does not know resetPeers\. .*stop all nodes/);
  });

  describe('nodes that moved with their disks', () => {
    const blank = [node(A, {}), node(B, {}), node(C, {})];

    it('names one alone, whom the others join, and says that who has most cannot be told', () => {
      const { steps, dataLossRisks } = plan(all, blank);
      assert.deepEqual(
        steps.map(({ command, value, isAwaited }) => [command, value, isAwaited]),
        [
          ['resetPeers', a, undefined],
          ['restRaftCluster', [a, b, c].join(), true],
        ],
      );
      assert.match(dataLossRisks[0] ?? '', /even if 10\.0\.0\.2:8848 or 10\.0\.0\.3:8848 has it/);
      assert.match(
        dataLossRisks[0] ?? '',
        /cannot be told.*name the one that was stopped last with --survivor/,
      );
    });

    it('takes whom the operator names, and among others whoever shows most', () => {
      const named = plan(all, blank, { survivor: C });
      assert.deepEqual(said(named), [`resetPeers ${c} ${C} *`, `restRaftCluster ${a},${b},${c} ${C} *`]);
      // A node with a snapshot shows its configuration, and no term.
      const shows = node(B, { one: [undefined, 0, [x, y]] });
      assert.equal(plan(all, [blank[0]!, shows, blank[2]!]).steps[0]?.node, B);
      const terms = [node(A, { one: [x, 4, [a, b, x]] }), node(B, { one: [x, 4, [a, b, x]] }), blank[2]!];
      assert.match(
        plan(all, terms).dataLossRisks[0] ?? '',
        /Another shows the same term.*10\.0\.0\.1:8848 was first/,
      );
    });

    it('waits for nobody who stays away, and for nobody who joined only just', () => {
      const away = [member(A), member(B), member(C, { state: 'down' })];
      assert.equal(plan(away, blank.slice(0, 2)).steps[1]?.value, [a, b].join());
      const fresh = [member(A), member(B), member(C, { settled: false })];
      assert.equal(plan(fresh, blank).steps[1]?.value, [a, b].join());
      assert.deepEqual(said(plan([member(A)], [blank[0]!])), [`resetPeers ${a} ${A} *`]);
    });
  });

  it('never says that nothing is to be repaired where nothing could be read', () => {
    const login = plan([member(A)], [{ address: A, reason: 'it answers 403' }]);
    assert.equal(login.refused, 'no node can be read, so nothing is known of Raft: it answers 403');
    // Nodes of 1.4.1 that moved with their disks wait for a leader, and open no port (seen).
    const refused = { address: A, reason: 'it does not answer (connect ECONNREFUSED 10.0.0.1:8848)' };
    assert.match(
      plan([member(A)], [refused]).refused ?? '',
      /waiting for a Raft leader.*at the addresses that they had/,
    );
    assert.equal(
      plan([member(A, { state: 'down' })], [refused], { proofs: new Map() }).refused,
      undefined,
      'that is the list’s matter',
    );
  });

  it('leaves groups that do not know each other to people, and says in what order (injury 1)', () => {
    const alone = (address: string, voter: string): NodeView => node(address, { one: [voter, 1, [voter]] });
    const { steps, manualSteps } = plan(all, [alone(A, a), alone(B, b), alone(C, c)]);
    assert.deepEqual(steps, []);
    assert.match(manualSteps[0] ?? '', /here 10\.0\.0\.1:8848 \(the first on the list\)/);
    assert.deepEqual(
      manualSteps.slice(1).map((sentence) => /^stop (\S+), empty its data directory/.exec(sentence)?.[1]),
      [B, C],
    );
  });

  it('is named by what it says', () => {
    const views = (voters: readonly string[]): NodeView[] => [
      node(A, { one: [a, 3, voters] }),
      node(B, {}),
      node(C, {}),
    ];
    const first = plan(all, views([a, b, c, x]));
    assert.equal(plan(all, views([a, b, c, x])).id, first.id);
    assert.notEqual(plan(all, views([a, b, x])).id, first.id);
  });
});
