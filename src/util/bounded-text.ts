import type { HttpAnswer } from './http-request.js';

/** An answer that is larger than it may be: the end of a sentence that starts with "its answer is". */
export class TooLarge extends Error {
  override readonly name = 'TooLarge';

  constructor(largest: number) {
    super(`larger than ${largest >= 1_048_576 ? `${largest / 1_048_576} MB` : `${largest / 1_024} kB`}`);
  }
}

/**
 * The text of an answer of at most so many bytes. Whoever is asked may send anything without end: it is read no further
 * than that, and rejects with {@link TooLarge}. For how long it may take is the request's own signal to say.
 */
export async function boundedText({ body }: Pick<HttpAnswer, 'body'>, largest: number): Promise<string> {
  const decoder = new TextDecoder();
  let text = '';
  let read = 0;
  for await (const bytes of body) {
    read += bytes.length;
    if (read > largest) throw new TooLarge(largest);
    text += decoder.decode(bytes, { stream: true });
  }
  return text + decoder.decode();
}
