import { agentVariableOf, AGENT_SETTINGS } from '../../src/agent/settings.js';
import { SETTINGS, variableOf, type Setting } from '../../src/config/settings.js';
import { code, table } from './markdown.js';
import { AGENT_SETTINGS_ZH, SETTINGS_ZH, type Translation } from './settings-zh.js';

/*
 * The tables of settings, in Markdown, made from the code that reads the settings. Each stands in its document between
 * two comments, which GitHub does not show.
 */

/** Each document with a table of settings, from the project's folder, and the table. */
export const TABLES: Readonly<Record<string, () => string>> = {
  'docs/configuration.md': () =>
    table(
      ['Flag', 'Variable', 'Default', ''],
      SETTINGS.map((setting) => serverRow(setting, setting, 'none', ', ')),
    ),
  'docs/configuration.zh-CN.md': () =>
    table(
      ['参数', '环境变量', '默认值', ''],
      SETTINGS.map((setting) => serverRow(setting, SETTINGS_ZH[setting.name], '无', '、')),
    ),
  'docs/agent.md': () =>
    table(
      ['Variable', 'Flag', 'Default', ''],
      AGENT_SETTINGS.map((setting) => agentRow(setting, setting)),
    ),
  'docs/agent.zh-CN.md': () =>
    table(
      ['环境变量', '参数', '默认值', ''],
      AGENT_SETTINGS.map((setting) => agentRow(setting, AGENT_SETTINGS_ZH[setting.name])),
    ),
};

const BEGIN = '<!-- Written by `npm run docs` from the code: change it there. -->';
const END = '<!-- End of what `npm run docs` writes. -->';

/** A document with its table made anew. Throws when the document has not one place for it. */
export function withTable(file: string, text: string): string {
  const make = TABLES[file];
  const [before, between, after, ...more] = text.split(new RegExp(`(?<=${BEGIN}\n)|(?=${END}\n)`));
  if (!make || before === undefined || between === undefined || after === undefined || more.length > 0) {
    throw new Error(`${file} has no table of settings between "${BEGIN}" and "${END}", or has several`);
  }
  return `${before}\n${make()}\n${after}`;
}

function serverRow(setting: Setting, words: Translation, none: string, comma: string): string[] {
  const { name, isSwitch = false } = setting;
  const flags = [name, ...(isSwitch ? [`no-${name}`] : [])].map((flag) => `\`--${flag}\``);
  return [flags.join(comma), code(variableOf(name)), defaultOf(setting, words) || none, words.description];
}

function agentRow(setting: (typeof AGENT_SETTINGS)[number], words: Translation): string[] {
  const { name } = setting;
  return [code(agentVariableOf(name)), code(`--${name}`), defaultOf(setting, words), words.description];
}

function defaultOf(
  { name, default: fallback = '', unset }: Pick<Setting, 'name' | 'unset'> & { readonly default?: string },
  words: Translation,
): string {
  if ((unset === undefined) !== (words.unset === undefined)) {
    throw new Error(`what no ${name} means is said in one language only`);
  }
  return fallback === '' ? (words.unset ?? '') : code(fallback);
}
