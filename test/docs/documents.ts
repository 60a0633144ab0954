import { Marked, type Tokens } from 'marked';
import { gfmHeadingId, resetHeadings } from 'marked-gfm-heading-id';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** The project's folder. */
export const ROOT = fileURLToPath(new URL('../../../', import.meta.url));

/** Folders that are made, and not of the project. */
const FOREIGN = new Set(['.git', 'coverage', 'data', 'dist', 'node_modules']);

/** A block of code between fences. */
export interface Block {
  /** What stands after the fence, such as `sh`. */
  readonly language: string;
  readonly text: string;
  /** Of its first line in the file, from 1. */
  readonly line: number;
}

export interface Document {
  /** From {@link ROOT}. */
  readonly file: string;
  readonly text: string;
  /** What GitHub can jump to: headings as it names them, and `id` and `name` of HTML. */
  readonly anchors: ReadonlySet<string>;
  /** All targets of links and images, also those of HTML, as they are written. */
  readonly targets: readonly string[];
  readonly blocks: readonly Block[];
  /** What stands between single backticks. */
  readonly code: readonly string[];
}

/** Every Markdown file of the project, in the order of its names. */
export const DOCUMENTS: readonly Document[] = markdownFiles('').map(read);

/** The translation of each document that has one, by the English one's file. */
export const TRANSLATIONS: ReadonlyMap<Document, Document> = new Map(
  DOCUMENTS.flatMap((english) => {
    const translated = DOCUMENTS.find(({ file }) => file === english.file.replace(/\.md$/, '.zh-CN.md'));
    return translated === undefined ? [] : [[english, translated]];
  }),
);

function markdownFiles(folder: string): string[] {
  return readdirSync(join(ROOT, folder), { withFileTypes: true })
    .filter(({ name }) => !FOREIGN.has(name))
    .flatMap((entry) => {
      const path = join(folder, entry.name);
      if (entry.isDirectory()) return markdownFiles(path);
      return entry.name.endsWith('.md') ? [path] : [];
    })
    .sort();
}

function read(file: string): Document {
  return parseDocument(file, readFileSync(join(ROOT, file), 'utf8'));
}

/** What a Markdown text holds; `file` only names it. */
export function parseDocument(file: string, text: string): Document {
  const marked = new Marked({ gfm: true }, gfmHeadingId());
  const tokens = marked.lexer(text);
  const blocks: Block[] = [];
  const code: string[] = [];
  let searched = 0;
  void marked.walkTokens(tokens, (token) => {
    if (token.type === 'codespan') code.push((token as Tokens.Codespan).text);
    if (token.type !== 'code') return;
    const { lang = '', text: inner } = token as Tokens.Code;
    // Blocks come in the order in which they stand.
    const at = text.indexOf('```', searched);
    searched = text.indexOf('\n```', at + 3) + 4;
    blocks.push({ language: lang, text: inner, line: text.slice(0, at).split('\n').length + 1 });
  });
  // In HTML code is escaped, so that what looks like a tag is one.
  resetHeadings();
  const html = marked.parser(tokens);
  return {
    file,
    text,
    anchors: new Set(attributes(html, 'id|name')),
    // marked writes a link percent-encoded.
    targets: attributes(html, 'href|src').map((target) => decodeURI(target.replaceAll('&amp;', '&'))),
    blocks,
    code,
  };
}

function attributes(html: string, names: string): string[] {
  return [...html.matchAll(/<[a-z][^>]*>/gi)].flatMap(([tag]) =>
    [...tag.matchAll(new RegExp(`\\s(?:${names})=["']([^"']*)["']`, 'gi'))].map(([, value = '']) => value),
  );
}
