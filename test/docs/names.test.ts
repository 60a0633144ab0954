import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { agentVariableOf, AGENT_SETTINGS } from '../../src/agent/settings.js';
import { program } from '../../src/cli/program.js';
import { SETTINGS, variableOf } from '../../src/config/settings.js';
import { DOCUMENTS, ROOT } from './documents.js';

const GUIDES = ['docs/cli.md', 'docs/cli.zh-CN.md'];

const VARIABLES = new Set([
  ...SETTINGS.map(({ name }) => variableOf(name)),
  ...AGENT_SETTINGS.map(({ name }) => agentVariableOf(name)),
  ...program.commands.flatMap(({ options }) => options.flatMap(({ envVar = [] }) => envVar)),
]);

/** What looks like a variable of ours by its first word. */
const PREFIXES = new Set([...VARIABLES].map((name) => name.split('_', 1)[0]));

/** Variables of ours that are no settings of a server, an agent or a command: of tests. */
const OTHERS = /^(DATABASE_TESTS|TEST|DEPLOY|FUZZ|SIMULATION|MUTATIONS|NACOS_SERVERS)/;

/** Of Nacos and its image. */
const NACOS = /^(NACOS_(?!IDENTITY)|MYSQL_|MODE|JVM_|SPRING_|JAVA_)/;

/** What has the form of one of our variables and is none. */
function unknownVariables(text: string): string[] {
  const names = [...text.matchAll(/\b[A-Z]+(?:_[A-Z]+)+\b/g)].map(([name]) => name);
  return [...new Set(names)].filter(
    (name) => PREFIXES.has(name.split('_', 1)[0]) && !VARIABLES.has(name) && !OTHERS.test(name),
  );
}

describe('every variable that a document or an env file names is one', () => {
  // That plan names variables that are still to come.
  for (const { file, code, blocks } of DOCUMENTS.filter((one) => one.file !== 'docs/internals/renames.md')) {
    it(file, () => {
      const text = [...code, ...blocks.map((block) => block.text)].join('\n');
      assert.deepEqual(
        unknownVariables(text).filter((name) => !NACOS.test(name)),
        [],
      );
    });
  }

  for (const folder of ['deploy/systemd', 'deploy/kubernetes/base', 'deploy/helm/nacos-address-server']) {
    for (const name of readdirSync(join(ROOT, folder)).filter((one) => /\.(env|service|yaml)$/.test(one))) {
      it(`${folder}/${name}`, () => {
        const unknown = unknownVariables(readFileSync(join(ROOT, folder, name), 'utf8'));
        assert.deepEqual(
          unknown.filter((one) => !NACOS.test(one)),
          [],
        );
      });
    }
  }

  it('and one that is none is told', () => {
    assert.deepEqual(unknownVariables('MEMBER_TLL=15s AGENT_SLEF=x MEMBER_TTL=15s'), [
      'MEMBER_TLL',
      'AGENT_SLEF',
    ]);
  });
});

describe('the documented commands are those of the program', () => {
  for (const file of GUIDES) {
    const { text, code } = DOCUMENTS.find((document) => document.file === file)!;
    const usages = [...text.matchAll(/^\| `nacos-address-server ([a-z]+)([^`]*)` \|(.*)\|$/gm)];

    it(`${file} has a row for each`, () => {
      const named = new Set(usages.map(([, name]) => name));
      const all = program.commands.map((command) => command.name()).filter((name) => name !== 'serve');
      assert.deepEqual([...named].sort(), all.sort());
    });

    it(`${file} names each option, and no other`, () => {
      const common = new Set(['--server', '--token', '--json', '--no-migrate', '--repair']);
      for (const command of program.commands) {
        const name = command.name();
        if (name === 'serve' || name === 'agent') continue;
        const rows = usages.filter(([, of]) => of === name).map(([row]) => row);
        const named = new Set(rows.join('\n').match(/--[a-z-]{2,}/g) ?? []);
        const known = new Set(command.options.map(({ long }) => long ?? ''));
        for (const option of named) assert.ok(known.has(option) || common.has(option), `${name} ${option}`);
        for (const option of known)
          assert.ok(named.has(option) || common.has(option), `${name} ${option} is not told`);
      }
      assert.ok(code.includes('--server') && code.some((one) => one.startsWith('--token')), file);
    });
  }
});
