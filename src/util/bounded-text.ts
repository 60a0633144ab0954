import type { HttpAnswer } from './http-request.js';

/** An answer above its size limit: the end of a sentence that starts with "its answer is". */
export class TooLarge extends Error {
  override readonly name = 'TooLarge';

  constructor(largest: number) {
    super(`larger than ${largest >= 1_048_576 ? `${largest / 1_048_576} MB` : `${largest / 1_024} kB`}`);
  }
}

/**
 * Reads the text of an answer of at most `largest` bytes. The other side may send without end, so reading
 * stops there and rejects with {@link TooLarge}. The request's own signal limits the time.
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
