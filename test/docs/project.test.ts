import assert from 'node:assert/strict';
import { existsSync, readFileSync, readdirSync } from 'node:fs';
import { dirname, join, normalize } from 'node:path';
import { describe, it } from 'node:test';
import { parse } from 'yaml';
import { DOCUMENTS, ROOT, TRANSLATIONS, parseDocument, type Block, type Document } from './documents.js';

/* What holds of all documents together, and of the files around them that GitHub and npm read. */

/** In bytes. A reader decides on the first page whether to go on. */
const LONGEST_README = 12_000;

const textOf = (file: string): string => readFileSync(join(ROOT, file), 'utf8');
const PACKAGE = JSON.parse(textOf('package.json')) as {
  version: string;
  files: string[];
  repository: { url: string };
};

describe('the README is short', () => {
  for (const file of ['README.md', 'README.zh-CN.md']) {
    it(`${file} has at most ${LONGEST_README} bytes`, () => {
      const bytes = Buffer.byteLength(textOf(file));
      assert.ok(bytes <= LONGEST_README, `${bytes} bytes: move something to docs/`);
    });
  }
});

/** The Markdown files that a document links to, from the project's folder. */
function linksOf({ file, targets }: Document): string[] {
  return targets
    .filter((target) => !/^[a-z][a-z0-9+.-]*:/i.test(target) && /\.md(#|$)/.test(target))
    .map((target) => normalize(join(dirname(file), target.replace(/#.*/, ''))));
}

/** What can be reached from a document through links, itself included. */
function reachableFrom(start: string, documents: readonly Document[]): ReadonlySet<string> {
  const reached = new Set([start]);
  for (const file of reached) {
    const document = documents.find((one) => one.file === file);
    for (const target of document ? linksOf(document) : []) reached.add(target);
  }
  return reached;
}

/** Files that GitHub and npm read without a link. */
const UNLINKED = /^\.github\//;

describe('every document can be found from the README', () => {
  const isChinese = (file: string): boolean => file.endsWith('.zh-CN.md');
  for (const [readme, isOfIts] of [
    ['README.md', (file: string) => !isChinese(file)],
    ['README.zh-CN.md', isChinese],
  ] as const) {
    const files = DOCUMENTS.map(({ file }) => file).filter((file) => isOfIts(file) && !UNLINKED.test(file));

    it(`${readme} leads to each`, () => {
      const reached = reachableFrom(readme, DOCUMENTS);
      assert.deepEqual(
        files.filter((file) => !reached.has(file)),
        [],
      );
    });

    it(`${readme} names each page of docs/ itself`, () => {
      const named = new Set(linksOf(DOCUMENTS.find(({ file }) => file === readme)!));
      const pages = files.filter((file) => /^docs\/(internals\/)?[^/]+$/.test(file));
      assert.ok(pages.length >= 10);
      assert.deepEqual(
        pages.filter((file) => !named.has(file)),
        [],
      );
    });
  }

  it('and one that cannot is told', () => {
    const pages = [
      parseDocument('README.md', '[a](docs/a.md#x) <a href="https://b.org/b.md">'),
      parseDocument('docs/a.md', '[c](../c.md)'),
      parseDocument('docs/b.md', '[a](a.md)'),
    ];
    assert.deepEqual([...reachableFrom('README.md', pages)], ['README.md', 'docs/a.md', 'c.md']);
  });
});

/** A block without what is said in the reader's language: comments of shells, YAML and SQL. */
function bare({ language, text }: Block): string {
  const lines = text
    .split('\n')
    .map((line) => line.replace(language === 'sql' ? /\s*--.*$/ : /(^|\s)#.*$/, ''));
  return `${language}\n${lines.filter((line) => line.trim() !== '').join('\n')}`;
}

/** What stands in the first cell of each row of a document's tables, where it is code alone, and a mark where it is not. */
function rowsOf({ text }: Document): string[] {
  const rows = text.replaceAll(/^```[^]*?^```$/gm, '').match(/^\|.*$/gm) ?? [];
  return rows.map((row) => /^\| (`[^`]+`) \|/.exec(row)?.[1] ?? (/^\|[ |-]+$/.test(row) ? '---' : '|'));
}

/** The levels of a document's headings, in their order. */
function outlineOf({ text }: Document): string[] {
  return text.replaceAll(/^```[^]*?^```$/gm, '').match(/^#+(?= )/gm) ?? [];
}

describe('a translation has the headings, tables and blocks of its original', () => {
  for (const [english, chinese] of TRANSLATIONS) {
    it(chinese.file, () => {
      assert.deepEqual(outlineOf(chinese), outlineOf(english));
      assert.deepEqual(rowsOf(chinese), rowsOf(english));
      assert.deepEqual(chinese.blocks.map(bare), english.blocks.map(bare));
    });
  }

  it('and what differs is told', () => {
    const english = parseDocument('a.md', '# A\n\n```yaml\na: 1   # one\n# two\nb: 2\n```\n\n## B\n');
    const chinese = parseDocument('a.zh-CN.md', '# 甲\n\n```yaml\na: 1   # 一\nb: 2\n```\n\n## 乙\n');
    assert.deepEqual(chinese.blocks.map(bare), english.blocks.map(bare));
    assert.deepEqual(outlineOf(chinese), outlineOf(english));
    const slip = parseDocument('a.zh-CN.md', '# 甲\n\n```yaml\na: 1\n```\n\n### 乙\n');
    assert.notDeepEqual(slip.blocks.map(bare), english.blocks.map(bare));
    assert.notDeepEqual(outlineOf(slip), outlineOf(english));
    const table = (...rows: string[]): Document => parseDocument('t.md', rows.join('\n'));
    assert.deepEqual(
      rowsOf(table('| 甲 | 乙 |', '|---|---|', '| `a` | 一 |')),
      rowsOf(table('| A | B |', '| --- | --- |', '| `a` | one |')),
    );
    assert.notDeepEqual(rowsOf(table('| `a` | one |')), rowsOf(table('| `b` | one |')));
  });
});

/** The retired words of the glossary's last table, as patterns. */
function retiredWords(glossary: string): { readonly word: string; readonly pattern: RegExp }[] {
  const [, table = ''] = /^## Retired words\n([^]*)/m.exec(glossary) ?? [];
  return [...table.matchAll(/^\| (`.*?) \|/gm)].flatMap(([, cell = '']) =>
    [...cell.matchAll(/`([^`]+)`/g)].map(([, word = '']) => {
      const escaped = word
        .replaceAll(/[.*+?^${}()|[\]\\]/g, String.raw`\$&`)
        .replaceAll(' ', String.raw`\s+`);
      const isLatin = /^[\w.-]/.test(word);
      return { word, pattern: new RegExp(isLatin ? `(?<![\\w-])${escaped}(?![\\w-])` : escaped, 'i') };
    }),
  );
}

describe('no document has a retired word', () => {
  const words = retiredWords(textOf('docs/glossary.md'));
  /** These name the words in order to retire them; the changelog says what was; tests name their mutations as the code does. */
  const exempt = /^(docs\/glossary(\.zh-CN)?\.md|docs\/internals\/renames\.md|CHANGELOG\.md|test\/.*)$/;

  it('there are some', () => assert.ok(words.length >= 10, `only ${words.length} were found`));

  for (const { file, text } of DOCUMENTS.filter((document) => !exempt.test(document.file))) {
    it(file, () => {
      const found = text
        .split('\n')
        .flatMap((line, i) =>
          words
            .filter(({ pattern }) => pattern.test(line))
            .map(({ word }) => `${file}:${i + 1}: ${word}: see docs/glossary.md, "Retired words"`),
        );
      assert.deepEqual(found, []);
    });
  }

  it('and one that has is told', () => {
    const [a, b] = retiredWords('## Retired words\n\n| x | y |\n|---|---|\n| `stops to`, `踢出` | z |\n');
    assert.match('it stops  to send', a!.pattern);
    assert.doesNotMatch('its stopstop', a!.pattern);
    assert.match('被踢出了', b!.pattern);
  });
});

/** All TypeScript files below a folder. */
function sourcesIn(folder: string): string[] {
  return readdirSync(join(ROOT, folder), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && /\.tsx?$/.test(entry.name))
    .map((entry) => join(entry.parentPath, entry.name));
}

/** Paths of documents that a text names and that are not there; `docs/` and Markdown of the project's own. */
function missingDocuments(text: string): string[] {
  const named = [...text.matchAll(/(?<![\w./-])(?:docs|deploy|bench)\/[\w./-]+\.md\b/g)].map(
    ([path]) => path,
  );
  return [
    ...named.filter((path) => !existsSync(join(ROOT, path))),
    ...(text.match(/\bnacos-facts|raft-notes\b|\bdesign\.md/g) ?? []),
  ];
}

describe('comments and messages name documents that a reader can open', () => {
  for (const folder of ['src', 'tools', 'bench', 'test']) {
    it(folder, () => {
      const slips = sourcesIn(folder)
        // These name documents that are not there, to find them.
        .filter((file) => !file.includes('test/docs/'))
        .flatMap((file) => missingDocuments(readFileSync(file, 'utf8')).map((what) => `${file}: ${what}`));
      assert.deepEqual(slips, []);
    });
  }

  it('and one that is not there is told', () => {
    assert.deepEqual(missingDocuments('see docs/none.md and docs/agent.md (nacos-facts)'), [
      'docs/none.md',
      'nacos-facts',
    ]);
  });
});

describe('the files of the repository agree', () => {
  it('the CI workflow runs every lane of .ci/run, and no other', () => {
    const script = textOf('.ci/run');
    const lanes = [...script.matchAll(/^lane (?:--\w+ )*(?:'([^']+)'|(\S+)) /gm)].map(
      ([, quoted, bare]) => quoted ?? bare!,
    );
    const { jobs } = parse(textOf('.github/workflows/ci.yml')) as {
      jobs: { lanes: { strategy: { matrix: { include: { node: number; lanes: string }[] } } } };
    };
    const { include } = jobs.lanes.strategy.matrix;
    const called = include
      .flatMap((job) => job.lanes.match(/'[^']+'|\S+/g) ?? [])
      .map((name) => name.replaceAll("'", ''));
    assert.ok(lanes.length >= 15, lanes.join());
    assert.deepEqual(
      called.filter((name) => !lanes.includes(name)),
      [],
    );
    // What a lane does with another version of Node.js a job does with that version.
    const versions = new Set(include.map(({ node }) => `Node.js ${node}`));
    assert.deepEqual(
      lanes.filter((name) => !called.includes(name) && !versions.has(name)),
      [],
    );
  });

  it('what is packed is there, and has the documents that the README leads to', () => {
    for (const file of PACKAGE.files.filter((one) => !one.startsWith('dist'))) {
      assert.ok(existsSync(join(ROOT, file)), file);
    }
    assert.ok(PACKAGE.files.includes('docs'));
  });

  it('one address of the repository', () => {
    const url = PACKAGE.repository.url.replace(/^git\+|\.git$/g, '');
    for (const file of [
      'README.md',
      'README.zh-CN.md',
      'CHANGELOG.md',
      '.github/ISSUE_TEMPLATE/config.yml',
    ]) {
      const others = (
        textOf(file).match(/https:\/\/github\.com\/[\w-]+\/nacos-address-server/g) ?? []
      ).filter((one) => one !== url);
      assert.deepEqual(others, [], file);
      assert.ok(textOf(file).includes(url), file);
    }
  });

  it('one version', () => {
    const chart = textOf('deploy/helm/nacos-address-server/Chart.yaml');
    const tags = ['base/address-server.yaml', 'overlays/agent/nacos.yaml', 'overlays/statefulset/nacos.yaml']
      .map((file) => textOf(`deploy/kubernetes/${file}`))
      .concat(chart)
      .flatMap((text) => [...text.matchAll(/(?:image: nacos-address-server:|^(?:appV|v)ersion: )(\S+)/gm)])
      .map(([, version]) => version);
    assert.ok(tags.length >= 5);
    assert.deepEqual([...new Set(tags)], [PACKAGE.version]);
  });
});
