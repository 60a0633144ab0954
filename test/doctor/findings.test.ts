import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { diagnose as diagnosed, type Diagnosis } from '../../src/doctor/findings.js';
import type { GroupCopy, NodeView, Reading, Unreadable } from '../../src/doctor/node-view.js';
import type { MemberView } from '../../src/registry/view.js';

const A = '10.0.0.1:8848';
const B = '10.0.0.2:8848';
const C = '10.0.0.3:8848';
const [a, b, c] = ['10.0.0.1:7848', '10.0.0.2:7848', '10.0.0.3:7848'] as const;

function listed(...addresses: readonly string[]): { members: MemberView[] } {
  return { members: addresses.map((address) => member(address)) };
}

function member(address: string, state: MemberView['state'] = 'live'): MemberView {
  return { address, source: 'poll', state, settled: true, deliveredRevision: 1, upToDate: true };
}

const copy = (leader: string | undefined, term = 3, voters: readonly string[] = [a, b, c]): GroupCopy => ({
  leader,
  term,
  voters,
});

/** A node that believes in all three, and that A leads the group `naming`. */
function node(address: string, more: Partial<NodeView> = {}): NodeView {
  const groups = new Map([['naming', copy(a)]]);
  return { address, version: '2.5.1', members: [A, B, C], groups, ...more };
}

const group = (one: GroupCopy): Pick<NodeView, 'groups'> => ({ groups: new Map([['naming', one]]) });

const diagnose = (
  { members }: { readonly members: readonly MemberView[] },
  readings: readonly Reading[],
  raftOffset = 1_000,
): Diagnosis => diagnosed(members, readings, { raftOffset });

const codes = ({ findings }: Diagnosis): string[] => findings.map(({ code }) => code);

describe('the doctor', () => {
  it('finds nothing in a healthy cluster', () => {
    const found = diagnose(listed(A, B, C), [node(A), node(B), node(C)]);
    assert.deepEqual([found.findings, found.unknown], [[], []]);
  });

  it('finds a node whose members are others than the list', () => {
    const found = diagnose(listed(A, B, C), [
      node(A),
      node(B, { members: [A, B, '10.0.0.9:8848'] }),
      node(C),
    ]);
    assert.deepEqual(codes(found), ['list-differs']);
    assert.equal(
      found.findings[0]?.sentence,
      `${B} has other members than the registry lists: it lacks ${C} and has 10.0.0.9:8848, which the registry does not list`,
    );
  });

  it('finds a node that is not on its own list, or under another spelling', () => {
    const host = 'NODE-a.example.org:8848';
    const lower = 'node-a.example.org:8848';
    const voter = 'node-a.example.org:7848';
    const found = diagnose(listed(lower), [
      node(lower, { members: [host, lower], ...group(copy(voter, 1, [voter])) }),
    ]);
    assert.deepEqual(codes(found), ['self-missing']);
    assert.match(
      found.findings[0]?.sentence ?? '',
      /also has itself as NODE-a\.example\.org:8848 on its list/,
    );
    const missing = diagnose(listed(A, B), [node(A, { members: [B] })]);
    assert.equal(codes(missing)[0], 'self-missing');
  });

  it('finds a live member that is no voter (injury 2), by the leader’s copy alone', () => {
    const stale = group(copy(a, 2, [a, b, c]));
    const found = diagnose(listed(A, B, C), [
      node(A, group(copy(a, 3, [a, c]))),
      node(B, stale),
      node(C, stale),
    ]);
    assert.deepEqual(codes(found), ['no-voter']);
    assert.equal(found.findings[0]?.node, B);
    assert.match(
      found.findings[0]?.advice ?? '',
      /restRaftCluster with all voters \(10\.0\.0\.1:7848,10\.0\.0\.2:7848,10\.0\.0\.3:7848\)/,
    );
  });

  it('says of a member that was never seen to follow that it may lead a group of its own', () => {
    const alone = [node(A, group(copy(a, 3, [a]))), node(B, { groups: new Map() })];
    const found = diagnose(
      listed(A, B),
      alone.map((view) => ({ ...view, members: [A, B] })),
    );
    assert.deepEqual(codes(found), ['no-voter']);
    assert.match(found.findings[0]?.advice ?? '', /restart it; it shows no copy of group naming/);
  });

  it('does not say of a node that is apart that it was dropped where it shows no group', () => {
    const shows = (leader: string, ...names: readonly string[]): Pick<NodeView, 'groups' | 'members'> => ({
      groups: new Map(names.map((name) => [name, copy(leader, 3, [leader])])),
      members: [A, B],
    });
    // Each hides what the other shows.
    const found = diagnose(listed(A, B), [
      node(A, shows(a, 'naming', 'config')),
      node(B, shows(b, 'naming', 'metadata')),
    ]);
    assert.deepEqual(codes(found), ['split']);
    assert.deepEqual(found.findings[0]?.groups, ['naming']);
    assert.deepEqual(
      found.unknown.map((sentence) => sentence.split(': ', 1)[0]),
      [
        `whether ${B} also leads group config of its own`,
        `whether ${A} also leads group metadata of its own`,
      ],
    );
  });

  it('says nothing of a member that is not live: it may be on its way out', () => {
    const list = { members: [member(A), member(B, 'down'), member(C)] };
    const found = diagnose(list, [node(A, group(copy(a, 3, [a, c]))), node(C)]);
    assert.deepEqual(codes(found), []);
  });

  it('finds a phantom voter (injury 4), and says how to remove it', () => {
    const found = diagnose(listed(A, C), [
      node(A, { members: [A, C], ...group(copy(a)) }),
      node(C, { members: [A, C], ...group(copy(a)) }),
    ]);
    assert.deepEqual(codes(found), ['phantom-voter']);
    assert.match(found.findings[0]?.advice ?? '', /removePeer with 10\.0\.0\.2:7848/);
  });

  it('finds a group without a leader, whose lost leader everybody still names', () => {
    const list = { members: [member(A, 'down'), member(B), member(C)] };
    const found = diagnose(list, [node(B), node(C)]);
    assert.deepEqual(codes(found), ['no-leader']);
  });

  it('finds a leader of old times that has lost its majority', () => {
    const list = { members: [member(A), member(B, 'down'), member(C, 'silent')] };
    const gone = [B, C].map((address): Unreadable => ({ address, reason: 'it does not answer' }));
    const found = diagnose(list, [node(A), ...gone]);
    assert.deepEqual(codes(found), ['no-leader'], 'that they are not live is known');
    const hidden = diagnose(listed(A, B, C), [node(A), ...gone]);
    assert.deepEqual(codes(hidden), ['unreadable', 'unreadable'], 'they may live');
    assert.deepEqual(hidden.unknown, ['whether naming has a majority: some of its voters cannot be read']);
  });

  it('finds six voters of which three never lived (injury 3)', () => {
    const voters = [a, b, c, '10.9.0.1:7848', '10.9.0.2:7848', '10.9.0.3:7848'];
    const six = group(copy(undefined, 0, voters));
    const found = diagnose(listed(A, B, C), [node(A, six), node(B, six), node(C, six)]);
    assert.deepEqual(codes(found), ['no-leader']);
  });

  it('cannot tell when the leader may be one that cannot be read', () => {
    const unread: Unreadable = { address: A, reason: 'it answers 403' };
    const found = diagnose(listed(A, B, C), [unread, node(B), node(C)]);
    assert.deepEqual(codes(found), ['unreadable']);
    assert.deepEqual(found.unknown, ['whether naming has a leader: it may be a node that cannot be read']);
  });

  it('cannot tell of Raft where no node shows its groups, as 1.4 may not', () => {
    const old = { groups: new Map<string, GroupCopy>(), version: '1.4.2' };
    const found = diagnose(listed(A, B, C), [node(A, old), node(B, old), node(C, old)]);
    assert.deepEqual(codes(found), []);
    assert.match(found.unknown[0] ?? '', /show no Raft groups \(Nacos 1\.4 does not always\)/);
    const forgets = diagnose(listed(A, B), [
      node(A, { version: undefined, members: [A, B], ...group(copy(b, 3, [a, b])) }),
      node(B, { version: undefined, members: [A, B], groups: new Map() }),
    ]);
    assert.deepEqual(codes(forgets), [], 'the leader forgets more often than others');
  });

  it('finds nodes of which no group has ever had a leader', () => {
    const groups = new Map<string, GroupCopy>();
    const found = diagnose(listed(A, B), [
      node(A, { groups, members: [A, B] }),
      node(B, { groups, members: [A, B] }),
    ]);
    assert.deepEqual(codes(found), ['no-leader']);
    const unread: Unreadable = { address: B, reason: 'it answers 403' };
    const hidden = diagnose(listed(A, B), [node(A, { groups, members: [A, B] }), unread]);
    assert.deepEqual(codes(hidden), ['unreadable']);
    assert.match(hidden.unknown[0] ?? '', /whether Raft has a leader/);
  });

  it('finds groups that do not know each other (injury 1)', () => {
    const alone = (address: string, voter: string): NodeView => node(address, group(copy(voter, 1, [voter])));
    const found = diagnose(listed(A, B, C), [alone(A, a), alone(B, b), alone(C, c)]);
    assert.deepEqual(codes(found), ['split', 'split'], 'and not that they are no voters of each other, too');
    assert.match(found.findings[0]?.advice ?? '', /empty data directories/);
  });

  it('takes the leader of the highest term for the leader: one of old times still calls itself so', () => {
    const found = diagnose(listed(A, B, C), [
      node(A, group(copy(a, 3))),
      node(B, group(copy(b, 4))),
      node(C, group(copy(b, 4))),
    ]);
    assert.deepEqual(codes(found), []);
  });

  it('knows another offset of Raft ports', () => {
    const shifted = group(copy('10.0.0.1:6848', 1, ['10.0.0.1:6848']));
    const found = diagnose(listed(A), [node(A, { members: [A], ...shifted })], 2_000);
    assert.deepEqual(codes(found), []);
  });

  it('finds a member that runs and is not heard', () => {
    const list = { members: [member(A), { ...member(B, 'silent'), silentMs: 42_000 }, member(C)] };
    const found = diagnose(list, [node(A), node(B), node(C)]);
    assert.deepEqual(codes(found), ['not-polling']);
    assert.match(found.findings[0]?.sentence ?? '', /answers its API, but has not been heard for 42 s/);
  });

  it('finds one clock that is apart from the others, this machine’s own among them', () => {
    const at = (address: string, clockAhead: number): NodeView => node(address, { clockAhead });
    const one = diagnose(listed(A, B, C), [at(A, 400), at(B, 65_000), at(C, -900)]);
    assert.deepEqual(
      one.findings.map(({ code, node }) => [code, node]),
      [['clock-skew', B]],
    );
    assert.match(one.findings[0]?.sentence ?? '', /65 s ahead/);
    const own = diagnose(listed(A, B, C), [at(A, 65_400), at(B, 65_000), at(C, 64_100)]);
    assert.deepEqual(codes(own), [], 'it is this machine’s');
  });

  it('finds versions that want their list in different forms', () => {
    const at = (address: string, version: string): NodeView => node(address, { version });
    assert.deepEqual(codes(diagnose(listed(A, B), [at(A, '2.5.1'), at(B, '2.5.0')].map(two))), []);
    const json = diagnose(listed(A, B), [at(A, '2.0.2'), at(B, '2.0.3')].map(two));
    assert.deepEqual(codes(json), ['version-skew']);
    assert.match(json.findings[0]?.advice ?? '', /need format=json/);
    const series = diagnose(listed(A, B), [at(A, '2.5.1'), at(B, '3.0.3')].map(two));
    assert.deepEqual(codes(series), ['version-skew']);
  });
});

/** As one of two members. */
function two(view: NodeView): NodeView {
  return { ...view, members: [A, B], ...group(copy(a, 3, [a, b])) };
}
