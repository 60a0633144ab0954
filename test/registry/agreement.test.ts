import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import {
  aim,
  learn,
  requiredVersions,
  promisable,
  promise,
  releasable,
  sendable,
  UNREAD,
  type Version,
} from '../../src/registry/agreement.js';

const version = (revision: number, change: number): Pick<Version<string>, 'list' | 'revision' | 'change'> => {
  return { list: `list ${revision}`, revision, change };
};

function versionsOf(...versions: [revision: number, change: number][]): readonly Version<string>[] {
  return versions.reduce<readonly Version<string>[]>((all, one) => learn(all, version(...one)), []);
}

const sent = (versions: readonly Version<string>[], released: number, promised: number): string | undefined =>
  sendable(versions, { released, promised })?.list;

describe('the version of a list to send', () => {
  it('is the one before until this server has promised the change, then none, then the new one', () => {
    const versions = versionsOf([1, 4], [2, 7]);
    assert.equal(sent(versions, 4, 4), 'list 1');
    assert.equal(sent(versions, 6, 6), 'list 1', 'other clusters have changed');
    assert.equal(sent(versions, 4, 7), undefined);
    assert.equal(sent(versions, 7, 7), 'list 2');
  });

  it('is one between the first and the newest when just that is released', () => {
    const versions = versionsOf([1, 4], [2, 7], [3, 9]);
    assert.equal(sent(versions, 4, 8), undefined);
    assert.equal(sent(versions, 8, 8), 'list 2');
    assert.equal(sent(versions, 8, 9), undefined);
  });

  it('is none when a change was passed over that may have replaced it', () => {
    const versions = versionsOf([1, 4], [3, 9]);
    assert.equal(sent(versions, 4, 4), 'list 1');
    assert.equal(sent(versions, 5, 5), undefined, 'revision 2 may be of change 5');
    assert.equal(sent(versions, 9, 9), 'list 3');
  });

  it('stays the same list when something else about the cluster changes', () => {
    const versions = learn(versionsOf([1, 4]), { ...version(1, 4), list: 'the same, and quorum-lost' });
    assert.equal(sent(versions, 4, 6), 'the same, and quorum-lost');
    assert.equal(versions.length, 1);
  });

  it('is none when all is to be read anew, whatever the marks, until it is read', () => {
    const [one] = versionsOf([5, 4]);
    const unread = [{ ...one!, change: UNREAD }];
    assert.equal(sent(unread, 100, -1), undefined);
    assert.equal(sent(learn(unread, version(5, 4)), 4, 4), 'list 5');
    assert.equal(sent(learn(unread, version(6, 9)), 8, 8), undefined);
  });

  it('a first one is released at once, since it is older than none', () => {
    assert.equal(sent(versionsOf([1, 0]), 0, -1), 'list 1');
  });
});

describe('what is kept of a list that changes all the time', () => {
  it('is the version that is sent, the one that will be next, and the newest', () => {
    const versions = versionsOf([1, 4], [2, 7], [3, 9], [4, 11]);
    const revisions = (promised: number, aimed: number): number[] =>
      requiredVersions(versions, { promised, aim: aimed }).map(({ revision }) => revision);
    assert.deepEqual(revisions(4, 8), [1, 2, 4]);
    assert.deepEqual(revisions(8, 8), [2, 4]);
    assert.deepEqual(revisions(11, 11), [4]);
  });
});

describe('servers whose list changes at every moment', () => {
  /** What each of them can send, exchange by exchange, the other in between; a change before each. */
  const run = (aimOf: typeof aim): string[] => {
    const rows = [0, 1].map(() => ({ seenChange: 1, promised: 1, revokedAt: 0 }));
    const servers = rows.map(() => ({
      versions: versionsOf([1, 1]),
      marks: { released: 1, promised: 1, aim: 1 },
    }));
    let [changes, released] = [1, 1];
    const got: string[] = [];
    for (let i = 0; i < 20; i++) {
      const [own, server] = [rows[i % 2]!, servers[i % 2]!];
      const { marks } = server;
      changes++;
      server.versions = learn(server.versions, version(changes, changes));
      marks.aim = aimOf(marks.aim, changes, marks.released);
      const most = promisable([rows[(i + 1) % 2]!], changes);
      marks.promised = promise(marks.promised, { aim: marks.aim, promisable: most });
      server.versions = requiredVersions(server.versions, marks);
      Object.assign(own, { seenChange: changes, promised: marks.promised });
      released = Math.max(released, releasable(rows));
      marks.released = released;
      const list = sendable(server.versions, marks)?.list;
      if (list !== undefined && list !== got.at(-1)) got.push(list);
    }
    return got;
  };

  it('send newer and newer ones: a promise stays until it was kept', () => {
    assert.ok(run(aim).length >= 4, run(aim).join());
  });

  it('would send nothing more if they promised whatever all have seen', () => {
    assert.ok(run((_, seen) => seen).length <= 2, run((_, seen) => seen).join());
  });
});
