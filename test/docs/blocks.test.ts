import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { chmodSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test, type TestContext } from 'node:test';
import { tempFolder } from '../support/temp.js';
import { DOCUMENTS, TRANSLATIONS, type Block } from './documents.js';

/*
 * Blocks are copied and pasted. What says `sh` is run in a real bash, with a stand-in for every program: what a shell would
 * lose, such as the rest of a URL behind an `&`, does not reach it. Whether the programs then do what the documents say is for
 * readme.test.ts, moving.test.ts and commands.test.ts, and for the lanes that have docker and Kubernetes.
 */

/** Whoever copies from these is a user of the project. */
const USERS = DOCUMENTS.filter(({ file }) =>
  /^(README|deploy\/README|docs\/[^/]+)(\.zh-CN)?\.md$/.test(file),
);

/** What a block may be called, and so what it is for: a shell, a terminal's picture, a file of settings, a statement, an answer. */
const LANGUAGES = new Set(['sh', 'console', 'properties', 'ini', 'yaml', 'sql', 'json', 'text', '']);

/** Programs that blocks may run; another one is a typing error, or is to be named here. */
const PROGRAMS = [
  ...['nacos-address-server', 'npm', 'npx', 'curl', 'jq', 'openssl', 'mysql', 'docker', 'kubectl', 'helm'],
  ...['systemctl', 'install', 'useradd', 'chown', 'sed', 'paste', 'cp', 'base64', 'bin/startup.sh'],
];

/** Tells what it was called with, each word ended by a NUL. A secret is as long as a real one. */
const STAND_IN = `#!/bin/bash
printf '%s\\0' "\${0##*/}" "$@" >> "$CALLS"
[ "\${0##*/}" != openssl ] || printf '%064d\\n' 0
`;

interface Ran {
  readonly status: number | null;
  readonly stderr: string;
  /** All words of all calls. */
  readonly words: readonly string[];
  /** What programs that the shell starts afterwards have, as NAME=VALUE. */
  readonly env: readonly string[];
}

function run(t: TestContext, script: string): Ran {
  const home = tempFolder(t);
  for (const folder of ['programs', 'bin', 'conf', 'deploy/kubernetes/base']) {
    mkdirSync(join(home, folder), { recursive: true });
  }
  writeFileSync(join(home, 'stand-in'), STAND_IN);
  chmodSync(join(home, 'stand-in'), 0o755);
  for (const program of PROGRAMS) {
    symlinkSync(join(home, 'stand-in'), join(home, program.includes('/') ? program : `programs/${program}`));
  }
  const [calls, env] = [join(home, 'calls'), join(home, 'env')];
  writeFileSync(calls, '');
  const { status, stderr } = spawnSync(
    '/bin/bash',
    ['--norc', '-euc', `${script}\n/usr/bin/env -0 > '${env}'`],
    {
      cwd: home,
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'pipe'],
      env: { PATH: join(home, 'programs'), CALLS: calls, ...GIVEN },
    },
  );
  const split = (file: string): string[] => readFileSync(file, 'utf8').split('\0').slice(0, -1);
  return { status, stderr, words: split(calls), env: status === 0 ? split(env) : [] };
}

/** What the documents tell to set beforehand. */
const GIVEN = {
  AS: 'http://address-server.example.org:8080',
  ADDRESS_SERVER_TOKEN: 'a-token-0123456789',
  ADDRESS_SERVER_URL: 'http://address-server.example.org:8080',
};

/** URLs and paths with a query of several parameters: what a shell cuts at its `&`. */
function queriesIn(text: string): string[] {
  return text.match(/[\w./:-]+\?[\w./:=-]+(?:&[\w./:=-]+)+/g) ?? [];
}

const isAssignment = (line: string): boolean => /^[A-Za-z_]\w*=(?:'[^']*'|"[^"]*"|[^\s'"]*)$/.test(line);
const isComment = (line: string): boolean => /^\s*(#.*)?$/.test(line);

/** Lines that only set variables, which nobody started afterwards has. */
function isSettings({ text }: Block): boolean {
  const lines = text.split('\n').filter((line) => !isComment(line));
  return lines.length > 0 && lines.every((line) => isAssignment(line));
}

test('the documents are found', () => assert.ok(USERS.length >= 8, USERS.map(({ file }) => file).join()));

for (const { file, blocks } of USERS) {
  describe(file, () => {
    for (const block of blocks) {
      const where = `the block in line ${block.line}`;
      test(`${where} says what it is`, () => {
        assert.ok(LANGUAGES.has(block.language), block.language);
        if (block.language === '') assert.doesNotMatch(block.text, /^(curl|npm|npx|export|kubectl|docker) /m);
      });

      if (block.language === 'sh') {
        test(`${where} runs in a shell, and loses nothing`, (t) => {
          assert.ok(!isSettings(block), 'it is a file of settings, or its variables want export');
          const { status, stderr, words, env } = run(t, block.text);
          assert.equal(status, 0, stderr);
          assert.equal(stderr, '');
          const arrived = [...words, ...env].join('\n');
          for (const query of queriesIn(block.text)) assert.ok(arrived.includes(query), `${query} is lost`);
        });
      }

      if (block.language === 'properties') {
        test(`${where} is a file that docker and systemd read alike`, () => {
          for (const line of block.text.split('\n').filter((one) => !isComment(one))) {
            // docker --env-file takes quotes for part of the value, and expands nothing; systemd takes them off.
            assert.match(line, /^[A-Za-z_]\w*=[^\s'"$\\#]*$/);
          }
        });
      }

      if (block.language === 'ini') {
        test(`${where} has its variables whole`, () => {
          for (const line of block.text.split('\n').filter((one) => one.startsWith('Environment='))) {
            assert.match(line, /^Environment=(?:[A-Za-z_]\w*=[^\s'"]*|"[A-Za-z_]\w*=[^"]*")$/);
          }
        });
      }
    }
  });
}

test('what a shell loses is found', (t) => {
  const lost = run(t, 'url=/nacos/serverlist?self=10.0.0.5:8848&expect=3\nexport url');
  const arrived = [...lost.words, ...lost.env].join('\n');
  assert.ok(!arrived.includes('self=10.0.0.5:8848&expect=3'));
  assert.deepEqual(queriesIn("curl 'http://h:1/a?b=c:1&d=e' x"), ['http://h:1/a?b=c:1&d=e']);
  assert.notEqual(run(t, 'crul http://h').status, 0, 'and a word that is no program');
});

test('a node is configured for a shell, docker, a file, systemd and Kubernetes', () => {
  for (const file of ['docs/install.md', 'docs/install.zh-CN.md']) {
    const { blocks = [] } = DOCUMENTS.find((one) => one.file === file) ?? {};
    for (const [language, form] of [
      ['sh', /^export address_server_url='\/nacos\/serverlist\?self=10\.0\.0\.5:8848&expect=3'$/m],
      ['sh', /^docker run [^]*--env-file nacos\.env/m],
      ['properties', /^address_server_url=\/nacos\/serverlist\?self=10\.0\.0\.5:8848&expect=3$/m],
      [
        'ini',
        /^Environment="address_server_url=\/nacos\/serverlist\?self=10\.0\.0\.5:8848&expect=3&id=%H"$/m,
      ],
      ['yaml', /name: address_server_url, value: '\/nacos\/serverlist\?self=\$\(POD_IP\):8848&expect=3'/],
    ] as const) {
      const has = blocks.some((block) => block.language === language && form.test(block.text));
      assert.ok(has, `${file} has no ${language} block like ${String(form)}`);
    }
  }
});

describe('a translation has the same blocks for a shell and for files', () => {
  const copied = (blocks: readonly Block[]): string[] =>
    blocks
      .filter(({ language }) => ['sh', 'properties', 'ini'].includes(language))
      // Comments are translated.
      .map(({ text }) => text.replace(/(^|\s+)#.*$/gm, ''));
  for (const [english, translated] of TRANSLATIONS) {
    if (!USERS.includes(english)) continue;
    test(translated.file, () => assert.deepEqual(copied(translated.blocks), copied(english.blocks)));
  }
});
