/**
 * The most texts kept, and the longest in characters: what a cluster of a thousand sends about its groups.
 */
const MOST = 6;
const LONGEST = 131_072;

/**
 * Caches parsed texts. The nodes of a whole cluster send the same text at each look, so it is parsed and kept
 * once. One cache a cluster.
 */
export class SameText {
  readonly #known = new Map<string, unknown>();

  /**
   * The result of `read` for a text, cached; `read` must depend on nothing else. Throws what `read` throws.
   */
  of<T>(text: string, read: (text: string) => T): T {
    if (this.#known.has(text)) {
      const known = this.#known.get(text) as T;
      // Least recently used goes first.
      this.#known.delete(text);
      this.#known.set(text, known);
      return known;
    }
    const made = read(text);
    if (text.length > LONGEST) return made;
    this.#known.set(text, made);
    const [oldest] = this.#known.keys();
    if (this.#known.size > MOST && oldest !== undefined) this.#known.delete(oldest);
    return made;
  }

  /**
   * Cuts the object after the first `"key":` out of a JSON text, leaving `null`, and reads it. Undefined if
   * there is none.
   */
  cut<T>(text: string, key: string, read: (text: string) => T): { rest: string; value: T } | undefined {
    const mark = `"${key}":`;
    const found = text.indexOf(mark);
    const at = found + mark.length;
    if (found < 0 || text[at] !== '{') return undefined;
    const cut = (length: number): string => `${text.slice(0, at)}null${text.slice(at + length)}`;
    // An object ends at its own closing brace, so a text that begins with a known one holds that one.
    for (const known of this.#known.keys()) {
      if (known.startsWith('{') && text.startsWith(known, at))
        return { rest: cut(known.length), value: this.of(known, read) };
    }
    const end = endOfObject(text, at);
    if (end === undefined) return undefined;
    // A slice would keep the whole text in memory.
    const own = Buffer.from(text.slice(at, end)).toString();
    return { rest: cut(own.length), value: this.of(own, read) };
  }
}

/** The end of the JSON object that starts at `at`; undefined if it is incomplete. */
function endOfObject(text: string, at: number): number | undefined {
  let depth = 0;
  const mark = /["{}]/g;
  const string = /(?:[^"\\]|\\.)*"/y;
  mark.lastIndex = at;
  for (let found = mark.exec(text); found; found = mark.exec(text)) {
    const { lastIndex } = mark;
    if (found[0] === '"') {
      string.lastIndex = lastIndex;
      if (!string.test(text)) return undefined;
      mark.lastIndex = string.lastIndex;
    } else {
      depth += found[0] === '{' ? 1 : -1;
      if (depth === 0) return lastIndex;
    }
  }
  return undefined;
}
