import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { eventually } from './eventually.js';
import { tempFolder } from './temp.js';

/*
 * Shells that complete command lines with a script of ours. bash and zsh are driven on a terminal as by a person: what was
 * typed, then Tab, then Enter; the command that runs then is a function that prints its words. fish answers by itself.
 */

/** Completes each line, of which the first word is the command; resolves with the words of each that ran. */
export type Complete = (
  t: Pick<TestContext, 'after'>,
  script: string,
  lines: readonly string[],
) => Promise<string[]>;

const COMMAND = 'nacos-address-server';
const READY = 'READY>';

export const SHELLS: Readonly<Record<'bash' | 'zsh' | 'fish', Complete>> = {
  bash: (t, script, lines) =>
    typed(t, lines, 'bash --norc --noprofile -i', [
      `PS1='${READY}'`,
      `${COMMAND}() { printf 'RAN:%s\\n' "$*"; }`,
      'bind "set bell-style none"',
      `source ${saved(t, script)}`,
    ]),
  zsh: (t, script, lines) =>
    typed(t, lines, 'zsh -f -i', [
      'unsetopt zle_bracketed_paste prompt_cr prompt_sp beep',
      'unset zle_bracketed_paste',
      'autoload -U compinit; compinit -u -D',
      `${COMMAND}() { printf 'RAN:%s\\n' "$*"; }`,
      `PS1='${READY}'`,
      `source ${saved(t, script)}`,
    ]),
  fish: (t, script, lines) => {
    const file = saved(t, script);
    return Promise.resolve(
      lines.map((line) => {
        const { stdout } = spawnSync(
          'fish',
          ['-N', '-c', `source ${file}; complete -C '${COMMAND} ${line}'`],
          {
            encoding: 'utf8',
          },
        );
        const [only = '', ...more] = stdout.trim().split('\n');
        const words = line.split(' ').slice(0, -1);
        return [...words, more.length > 0 ? '(several)' : only.split('\t')[0]].join(' ');
      }),
    );
  },
};

/** Why a shell cannot be tried here, or false; CI must have them all. */
export function shellMissing(shell: string): string | false {
  const isThere = spawnSync(shell, ['-c', 'exit 0']).status === 0;
  if (isThere || process.env.SHELL_TESTS === 'required') return false;
  return `${shell} is not installed`;
}

function saved(t: Pick<TestContext, 'after'>, script: string): string {
  const file = join(tempFolder(t), 'completion');
  writeFileSync(file, script);
  return file;
}

async function typed(
  t: Pick<TestContext, 'after'>,
  lines: readonly string[],
  shell: string,
  setup: readonly string[],
): Promise<string[]> {
  const child = spawn('script', ['-qefc', `stty cols 200; exec ${shell}`, '/dev/null'], {
    env: { PATH: process.env.PATH ?? '', TERM: 'dumb', HOME: tempFolder(t), SHELL: '/bin/sh' },
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  const exited = once(child, 'close');
  t.after(async () => {
    child.kill('SIGKILL');
    await exited;
  });
  let sent = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => (sent += text));
  child.stdin.on('error', () => undefined);
  child.stdin.write(`${setup.join('\n')}\n`);
  await eventually('the shell is ready', () => sent.endsWith(READY));
  // Not the line that defines the function.
  const ran = (): string[] => [...sent.matchAll(/RAN:([^%\n]*?)\s*$/gm)].map(([, words = '']) => words);
  for (const [i, line] of lines.entries()) {
    child.stdin.write(`${COMMAND} ${line}\t\n`);
    await eventually(`${line} ran`, () => ran().length > i);
    await eventually('the shell is ready', () => sent.endsWith(READY));
  }
  child.stdin.end('\nexit\n');
  return ran();
}
