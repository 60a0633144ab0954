/** A text that an nginx configuration returns with status 200. */
export interface ReturnedText {
  readonly text: string;
  /** The line on which its directive begins, from 1. */
  readonly line: number;
}

/**
 * The escapes of a quoted word in a configuration (nginx ngx_conf_read_token); any other backslash is kept.
 */
const ESCAPED: Readonly<Record<string, string>> = {
  n: '\n',
  r: '\r',
  t: '\t',
  '"': '"',
  "'": "'",
  '\\': '\\',
};

const TOKEN = /\s+|#[^\n]*|"((?:[^"\\]|\\.)*)"|'((?:[^'\\]|\\.)*)'|[{};]|[^\s{};"']+|./gsu;

/**
 * Whether a text is an nginx configuration rather than a list: it has a block or a directive, which no
 * address contains.
 */
export function isNginx(text: string): boolean {
  return /[{}]|^\s*[a-z_]+\s.*;/m.test(text.replace(/#.*$/gm, ''));
}

/** Every `return 200 "…";`, in the order of the file. */
export function returnedTexts(configuration: string): ReturnedText[] {
  const found: ReturnedText[] = [];
  let line = 1;
  let words: string[] = [];
  let begin = line;
  for (const [token, double, single] of configuration.matchAll(TOKEN)) {
    const quoted = double ?? single;
    if (token === ';' || token === '{' || token === '}') {
      const [name, status, text] = words;
      if (name === 'return' && status === '200' && text !== undefined) found.push({ text, line: begin });
      words = [];
    } else if (quoted !== undefined || !/^(\s|#)/.test(token)) {
      if (words.length === 0) begin = line;
      words.push(quoted?.replace(/\\(.)/gs, (whole, next: string) => ESCAPED[next] ?? whole) ?? token);
    }
    line += token.split('\n').length - 1;
  }
  return found;
}
