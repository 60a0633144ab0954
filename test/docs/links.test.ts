import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { dirname, join, normalize } from 'node:path';
import { describe, it } from 'node:test';
import { DOCUMENTS, parseDocument, ROOT, type Document } from './documents.js';

const BY_FILE = new Map(DOCUMENTS.map((document) => [document.file, document]));
const SCRIPTS = Object.keys(
  (JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as { scripts: object }).scripts,
);

/** The links of a document that lead nowhere, each with why. */
function deadLinks({ file, targets, anchors }: Document): string[] {
  return targets.flatMap((target) => {
    // Of other hosts; an address of an example needs no network to be right.
    if (/^[a-z][a-z0-9+.-]*:/i.test(target)) return [];
    const [path = '', anchor] = target.split('#', 2);
    if (path.startsWith('/')) return [`${target}: is not relative`];
    const found = path === '' ? file : normalize(join(dirname(file), path)).replace(/\/$/, '');
    if (found.startsWith('..') || /^(dist|node_modules)\//.test(found))
      return [`${target}: is not of the project`];
    if (!existsSync(join(ROOT, found))) return [`${target}: there is no ${found}`];
    if (anchor === undefined) return [];
    const there = path === '' ? anchors : BY_FILE.get(found)?.anchors;
    return there?.has(anchor) ? [] : [`${target}: ${found} has no #${anchor}`];
  });
}

/** What a document says in backticks that it should be there and is not: files, and scripts of npm. */
function missingNames({ code, blocks }: Document): string[] {
  const commands = [...code, ...blocks.map(({ text }) => text)].join('\n');
  const scripts = [...commands.matchAll(/\bnpm run ([\w:-]+)/g)]
    .map(([, name = '']) => name)
    .filter((name) => !SCRIPTS.includes(name));
  const files = code.filter(
    (name) =>
      /^(\.ci|bench|deploy|docs|migrations|plugins|src|test)\/[\w./-]+$/.test(name) &&
      !existsSync(join(ROOT, name)),
  );
  return [...scripts.map((name) => `npm run ${name}`), ...files];
}

describe('every link of the documents resolves', () => {
  for (const document of DOCUMENTS) {
    it(document.file, () => assert.deepEqual(deadLinks(document), []));
  }

  it('and one that does not is told', () => {
    const slips = parseDocument(
      'docs/agent.md',
      `# One, \`two\` & 三！

[a](#one-two--三) [b](#one) [c](../README.md#规则) [d](../README.zh-CN.md#文档) [e](none.md) ![f](images/none.png)
<a href="../src/none.ts">g</a> <img src="images/cluster.png"> [h](/README.md) [i](../../other/README.md) [j]
\`[k](in-code.md)\`

[j]: ../deploy/none/
`,
    );
    assert.deepEqual(
      deadLinks(slips).map((text) => text.replace(/:.*/, '')),
      [
        '#one',
        '../README.md#规则',
        'none.md',
        'images/none.png',
        '../src/none.ts',
        '/README.md',
        '../../other/README.md',
        '../deploy/none/',
      ],
    );
  });
});

describe('every file and script that a document names is there', () => {
  for (const document of DOCUMENTS) {
    it(document.file, () => assert.deepEqual(missingNames(document), []));
  }

  it('and one that is not is told', () => {
    const slip = parseDocument(
      'slip.md',
      '`npm run tset:nacos`, `npm run lint`, `src/none.ts`, `docs/agent.md`\n',
    );
    assert.deepEqual(missingNames(slip), ['npm run tset:nacos', 'src/none.ts']);
  });

  it('and the folders of docs/internals/architecture.md', () => {
    const { blocks = [] } = BY_FILE.get('docs/internals/architecture.md') ?? {};
    const tree = blocks.find(({ text }) => text.startsWith('src/registry'))?.text ?? '';
    const folders = tree.split('\n').map((line) => line.split(/\s/, 1)[0] ?? '');
    assert.ok(folders.length >= 10, tree);
    for (const folder of folders) assert.ok(existsSync(join(ROOT, folder)), folder);
  });
});
