/** Texts that are kept, and the length of each in characters: what a cluster of a thousand says of its groups. */
const MOST = 6;
const LONGEST = 131_072;

/**
 * What was read of a text before, by the text: the nodes of a whole cluster say the same of it, at each look. So it is neither
 * parsed nor kept more than once. Of one cluster.
 */
export class SameText {
  readonly #known = new Map<string, unknown>();

  /** What `read` makes of a text, which must depend on nothing else; throws as it does. */
  of<T>(text: string, read: (text: string) => T): T {
    if (this.#known.has(text)) {
      const known = this.#known.get(text) as T;
      // The one that was not met for the longest time goes first.
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
   * Cuts the object that is the value of the first `"key":` out of a JSON text, of which `null` is left there, and reads it.
   * Undefined where there is none.
   */
  cut<T>(text: string, key: string, read: (text: string) => T): { rest: string; value: T } | undefined {
    const mark = `"${key}":`;
    const found = text.indexOf(mark);
    const at = found + mark.length;
    if (found < 0 || text[at] !== '{') return undefined;
    const cut = (length: number): string => `${text.slice(0, at)}null${text.slice(at + length)}`;
    // An object's text ends where it ends: what begins with a whole one is that one.
    for (const known of this.#known.keys()) {
      if (known.startsWith('{') && text.startsWith(known, at))
        return { rest: cut(known.length), value: this.of(known, read) };
    }
    const end = endOfObject(text, at);
    if (end === undefined) return undefined;
    // A slice would keep all of the text.
    const own = Buffer.from(text.slice(at, end)).toString();
    return { rest: cut(own.length), value: this.of(own, read) };
  }
}

/** Where a JSON object ends that begins at `at`. */
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
