import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { describe, it } from 'node:test';
import { DOCUMENTS, parseDocument, TRANSLATIONS, type Document } from './documents.js';

/** A document in which all but the commands is empty, so that a line keeps its number. */
function commandsOf({ text, blocks }: Document): string {
  const lines = text.split('\n').map(() => '');
  for (const { language, text: commands, line } of blocks) {
    if (language === 'sh') lines.splice(line - 1, commands.split('\n').length, ...commands.split('\n'));
  }
  return lines.join('\n');
}

/** What bash cannot parse. */
function unparsable(document: Document): string {
  const { status, stderr, error } = spawnSync('bash', ['-n'], {
    input: commandsOf(document),
    encoding: 'utf8',
  });
  if (error) throw error;
  return status === 0 && stderr === '' ? '' : `${document.file}: ${stderr}`;
}

const HAZARDS: readonly (readonly [RegExp, string])[] = [
  [/[^\s&|;<>]&(?![&>\s])/, '& outside quotes ends the command and runs it in the background'],
  [/[^\s=]*[/:][^\s]*\?/, '? outside quotes is a pattern of file names'],
  [/<[A-Za-z][\w-]*>/, '<NAME> outside quotes reads a file'],
];

/** What means something else to a shell than it looks like, with the line where it stands. */
function hazards(document: Document): string[] {
  // What is quoted is taken out as a whole, and so are comments; only the ends of lines stay.
  const bare = commandsOf(document).replaceAll(
    /\\[^\n]|'[^']*'|"(?:\\[^]|\$\([^)]*\)|[^"\\])*"|(?<=^|\s)#[^\n]*/gm,
    (quoted) => quoted.replaceAll(/[^\n]/g, '_'),
  );
  const inBlocks = bare.split('\n').map((line, i) => [line, `${document.file}:${i + 1}`] as const);
  const inline = document.code
    .filter((text) => text.startsWith('curl '))
    .map((text) => [text.replaceAll(/'[^']*'|"[^"]*"/g, '_'), `${document.file}: ${text}`] as const);
  return [...inBlocks, ...inline].flatMap(([line, where]) =>
    HAZARDS.filter(([pattern]) => pattern.test(line)).map(([, what]) => `${where}: ${what}`),
  );
}

/** Without what may be said in the reader's language. */
function languageless({ blocks }: Document): string[] {
  return blocks
    .filter(({ language }) => language === 'sh')
    .map(({ text }) => text.replaceAll(/(?<=^|\s)#.*$/gm, ''));
}

describe('the commands of the documents can be copied into a shell', () => {
  for (const document of DOCUMENTS) {
    it(document.file, () => {
      assert.equal(unparsable(document), '');
      assert.deepEqual(hazards(document), []);
    });
  }

  it('and those that cannot are told', () => {
    const slip = (commands: string): Document =>
      parseDocument('slip.md', `# Slip\n\n\`\`\`sh\n${commands}\n\`\`\`\n`);
    assert.match(unparsable(slip("curl 'http://a/b?c=d")), /^slip\.md: bash: line 4: /);
    for (const bad of [
      'curl http://a/b?c=1',
      'url=/list?self=a&expect=3',
      'x\ncurl -X POST http://<HOST>:8080/',
    ]) {
      assert.ok(hazards(slip(bad)).length > 0, bad);
    }
    for (const good of [
      "curl 'http://a/b?c=1&d=2' && ls & wait",
      'curl "$AS/list?ips=$(curl -s $AS/list | paste -sd, -)&x=y" 2>&1',
      'ls   # really? yes&no',
      "cat <<'E' > a",
    ]) {
      assert.deepEqual(hazards(slip(good)), [], good);
    }
  });

  for (const [english, translated] of TRANSLATIONS) {
    it(`${translated.file} has the commands of ${english.file}`, () => {
      assert.deepEqual(languageless(translated), languageless(english));
    });
  }
});
