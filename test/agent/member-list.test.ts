import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { confText, isSameList, readConf, readList } from '../../src/agent/member-list.js';

const A = '10.0.0.1:8848';
const B = '10.0.0.2:8848';

describe('a list that a server sent', () => {
  it('is one address a line, with this node on it', () => {
    assert.deepEqual(readList(`${A}\n${B}\n`, A), { ok: true, value: [A, B] });
  });

  for (const [what, text, problem] of [
    ['nothing', '', /is empty/],
    ['an empty line', '\n', /has the line ""/],
    ['a list that was cut short', `${A}\n10.0.0.2:88`, /does not end with a line break/],
    ['a list without this node', `${B}\n`, /lacks this node, 10\.0\.0\.1:8848/],
    ['another spelling of this node', '10.0.0.1\n', /which is not HOST:PORT/],
    ['an address twice', `${A}\n${B}\n${A}\n`, /has an address twice/],
    ['a page of a proxy', '<html>\n', /has the line "<html>"/],
    ['a byte order mark', `\uFEFF${A}\n`, /which is not HOST:PORT/],
    ['Windows line ends', `${A}\r\n${B}\r\n`, /which is not HOST:PORT/],
  ] as const) {
    it(`is not ${what}`, () => {
      const read = readList(text, A);
      assert.equal(read.ok, false);
      assert.match(read.ok ? '' : read.problem, problem);
    });
  }
});

describe('a cluster.conf', () => {
  it('is read as Nacos reads it', () => {
    for (const [text, addresses] of [
      [`#2026-11-24T10:00:00\n${A}\n${B}\n`, [A, B]],
      [`\uFEFF${A}\r\n${B}`, [A, B]],
      ['10.0.0.1, 10.0.0.2:8848 # two\n\n', [A, B]],
      ['# nothing\n', []],
      ['', []],
    ] as const) {
      assert.deepEqual(readConf(text), { ok: true, value: addresses }, JSON.stringify(text));
    }
    const read = readConf(`${A}\nhttp://10.0.0.2\n`);
    assert.match(read.ok ? '' : read.problem, /names "http:\/\/10\.0\.0\.2", which has a scheme/);
  });

  it('reads what was written', () => {
    assert.deepEqual(readConf(confText([A, B], 'who, and why')), { ok: true, value: [A, B] });
  });
});

it('the order of a list means nothing, a doubled address neither', () => {
  assert.ok(isSameList([A, B], [B, A]));
  assert.ok(isSameList([A, B, A], [B, A]));
  assert.ok(!isSameList([A], [A, B]));
  assert.ok(!isSameList([A, B], [A]));
  assert.ok(!isSameList([A, A], [A, B]));
});
