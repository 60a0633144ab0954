import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { SETTINGS } from '../../src/config/settings.js';
import { TABLES, withTable } from '../../tools/docs/tables.js';
import { DOCUMENTS } from './documents.js';

describe('the tables of settings are those of the code (npm run docs)', () => {
  for (const file of Object.keys(TABLES)) {
    const text = DOCUMENTS.find((document) => document.file === file)?.text ?? '';

    it(file, () => assert.equal(text, withTable(file, text)));

    it(`${file}: another default is told`, () => {
      const slip = text.replace(/(`--(?:poll-hold|leave-wait)` .*?\| `)\d+s`/, '$199s`');
      assert.notEqual(slip, text);
      assert.notEqual(withTable(file, slip), slip);
      assert.equal(withTable(file, slip), text);
    });
  }

  it('and a document without a place for its table is told', () => {
    assert.throws(
      () => withTable('docs/configuration.md', '# Slip\n'),
      /configuration\.md has no table of settings/,
    );
    const twice = withTable(
      'docs/configuration.md',
      DOCUMENTS.find(({ file }) => file === 'docs/configuration.md')!.text,
    ).repeat(2);
    assert.throws(() => withTable('docs/configuration.md', twice), /or has several/);
  });

  it('with a row for each setting', () => {
    assert.equal(TABLES['docs/configuration.md']!().split('\n').length, SETTINGS.length + 3);
  });
});
