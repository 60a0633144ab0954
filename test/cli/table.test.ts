import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Columns, wrap } from '../../src/cli/table.js';

const HEAD = ['address', 'id', 'state'];
const ROWS = [
  { cells: ['10.0.0.5:8848', '', 'live'] },
  { cells: ['10.0.0.6:8848', '', 'waiting'], note: '10.0.0.6:8848 waits to join: nobody is settled' },
];

test('columns are as wide as they must be, and one without text is left out', () => {
  assert.deepEqual(new Columns(HEAD).lines(ROWS), [
    'address        state',
    '10.0.0.5:8848  live',
    '10.0.0.6:8848  waiting  10.0.0.6:8848 waits to join: nobody is settled',
  ]);
});

test('a note goes on in its own column, or below its row where that is too narrow', () => {
  assert.deepEqual(new Columns(HEAD, 60).lines(ROWS).slice(2), [
    '10.0.0.6:8848  waiting  10.0.0.6:8848 waits to join: nobody',
    '                        is settled',
  ]);
  assert.deepEqual(new Columns(HEAD, 40).lines(ROWS).slice(2), [
    '10.0.0.6:8848  waiting',
    '    10.0.0.6:8848 waits to join: nobody',
    '    is settled',
  ]);
});

test('columns that do not fit go below the first ones', () => {
  const rows = [
    { cells: ['[2001:db8::1]:8848', 'nacos-0', 'live'], note: 'refused' },
    { cells: ['10.0.0.6:8848', '', 'silent'] },
  ];
  assert.deepEqual(new Columns(HEAD, 30).lines(rows), [
    'address             id',
    '    state',
    '[2001:db8::1]:8848  nacos-0',
    '    live',
    '    refused',
    '10.0.0.6:8848',
    '    silent',
  ]);
  assert.deepEqual(new Columns(HEAD, 20).lines(rows).slice(0, 2), ['address', '    id       state']);
});

test('rows that come later fit below those before', () => {
  const columns = new Columns(HEAD);
  columns.lines(ROWS);
  assert.deepEqual(columns.lines([{ cells: ['a:1', '', 'down'] }], { head: false }), ['a:1            down']);
});

test('no line is wider than it may be, unless a word is', () => {
  for (let width = 30; width < 120; width++) {
    for (const line of new Columns(HEAD, width).lines(ROWS)) assert.ok(line.length <= width, line);
  }
  assert.deepEqual(wrap('a longer-than-that b', 5), ['a', 'longer-than-that', 'b']);
});
