import {
  EXIT,
  EXIT_STATUSES,
  exitStatusesOf,
  type CommandName,
  type ExitName,
} from '../../src/exit-status.js';
import { EXIT_STATUSES_ZH } from './exit-statuses-zh.js';
import { code, table } from './markdown.js';

/*
 * What of a document is made from code, wherever it stands. A document that wants a block has a line `<!-- NAME -->`, and
 * `npm run docs` writes the block below, up to `<!-- /NAME -->`. A document whose name ends in `.zh-CN.md` gets it in Chinese.
 */

interface Block {
  readonly en: () => string;
  readonly zh: () => string;
}

/** All blocks, by the names in their comments. */
export const BLOCKS: Readonly<Record<string, Block>> = {
  'exit statuses': {
    en: () =>
      exitStatuses(['Status', 'Command', 'Meaning'], (command, name) => saidIn(command)[name], [
        ['126, 127', AROUND, 'the command could not be started'],
        ['128 and a signal’s number', AROUND, 'a signal ended the command'],
        ['the command’s', AROUND, 'the command ended'],
      ]),
    zh: () =>
      exitStatuses(['状态', '命令', '含义'], (command, name) => translatedIn(command)[name], [
        ['126、127', AROUND, '命令无法启动'],
        ['128 加信号编号', AROUND, '命令被信号终止'],
        ['该命令的', AROUND, '命令已经结束'],
      ]),
  },
};

/** A document with its blocks made anew; one without any stays as it is. */
export function withBlocks(file: string, text: string): string {
  let made = text;
  for (const [name, block] of Object.entries(BLOCKS)) {
    const begin = `<!-- ${name} -->\n`;
    const end = `<!-- /${name} -->\n`;
    const from = made.indexOf(begin);
    if (from < 0) continue;
    const after = made.indexOf(end, from);
    const rest = after < 0 ? `\n${made.slice(from + begin.length)}` : made.slice(after + end.length);
    const written = file.endsWith('.zh-CN.md') ? block.zh() : block.en();
    made = `${made.slice(0, from)}${begin}\n${written}\n${end}${rest}`;
  }
  return made;
}

type Meanings = Readonly<Partial<Record<ExitName, string>>>;

function saidIn(command: CommandName): Meanings {
  return EXIT_STATUSES[command];
}

function translatedIn(command: CommandName): Meanings {
  return EXIT_STATUSES_ZH[command];
}

/** An agent ends as its command does (src/agent/child.ts). */
const AROUND = '`agent -- COMMAND`';

/** One row for each status and meaning, with the commands that share it; `others` follow. */
function exitStatuses(
  head: readonly string[],
  meaningOf: (command: CommandName, name: ExitName) => string | undefined,
  others: readonly (readonly string[])[],
): string {
  const commands = Object.keys(EXIT_STATUSES) as CommandName[];
  const rows = (Object.keys(EXIT) as ExitName[]).flatMap((name) => {
    const byMeaning = new Map<string, CommandName[]>();
    for (const command of commands) {
      if (!exitStatusesOf(command).some(([one]) => one === name)) continue;
      const meaning = meaningOf(command, name) ?? '';
      byMeaning.set(meaning, [...(byMeaning.get(meaning) ?? []), command]);
    }
    return [...byMeaning].map(([meaning, of]) => [String(EXIT[name]), of.map(code).join(', '), meaning]);
  });
  return table(head, [...rows, ...others]);
}
