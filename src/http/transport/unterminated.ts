import { STATUS_CODES } from 'node:http';

/**
 * The response that no Nacos version accepts as an answer: an error with a chunked body whose last chunk
 * never comes.
 *
 * A starting node takes any complete answer for the end of its search, and with a status other than 200 it
 * starts alone (2.5.1 AddressServerMemberLookup:141-153). A body that ends too early is an exception,
 * "Premature EOF", which it retries (seen in 1.4.2, 2.5.1, 3.0.3). With Content-Length instead of chunks the
 * cut goes unnoticed. curl prints the sentence and exits with 18.
 *
 * The connection must be closed right after these bytes.
 */
export function unterminated(sentence: string, status = 503): Buffer {
  return withoutEnd(status, '', sentence);
}

/**
 * The unterminated response for Java's own HTTP client, with which every Nacos node polls. It makes the
 * node's own log show why it waits.
 *
 * That client follows a redirect by itself. It parses the URL first, finds a sentence in place of the port,
 * and throws it: `Error at index 0 in: "…"`, JDK 8 `For input string: "…"` (seen in 8, 11, 17, 21 and 25). It
 * opens no connection, looks no name up and asks no proxy (test/http/java-client.test.ts). If another client
 * parses the URL differently, the name is one that never exists (RFC 2606). A client that follows no redirect
 * gets the unterminated body.
 */
export function unterminatedForJava(sentence: string): Buffer {
  return withoutEnd(
    302,
    `Location: http://nacos-address-server.invalid:${inPlaceOfAPort(sentence)}\r\n`,
    sentence,
  );
}

function withoutEnd(status: number, field: string, sentence: string): Buffer {
  const text = Buffer.from(`${sentence}\n`);
  const head =
    `HTTP/1.1 ${status} ${STATUS_CODES[status] ?? 'Error'}\r\n` +
    'Content-Type: text/plain;charset=UTF-8\r\n' +
    'Cache-Control: no-store\r\n' +
    field +
    `Date: ${new Date().toUTCString()}\r\n` +
    'Transfer-Encoding: chunked\r\n' +
    'Connection: close\r\n\r\n';
  return Buffer.concat([Buffer.from(`${head}${text.length.toString(16)}\r\n`), text, Buffer.from('\r\n')]);
}

/**
 * How many characters of a sentence reach a node's log at most: a proxy may limit the headers that it passes
 * on.
 */
const LONGEST = 600;

/**
 * Replacements for characters that would end or divide a URL's host, or may not be in a header: `@` would
 * turn the text after it into another host. Any other character outside printable ASCII becomes `_`.
 */
const INSTEAD: Readonly<Record<string, string>> = {
  '/': '|',
  '\\': '|',
  '?': '',
  '#': '',
  '@': ' at ',
  '[': '(',
  ']': ')',
  '’': "'",
  '…': '...',
};

/** Starts the text with a letter, since leading digits may be read as a port. */
function inPlaceOfAPort(sentence: string): string {
  const text = sentence.replace(/[^\x20-\x7e]|[/\\?#@[\]]/g, (character) => INSTEAD[character] ?? '_');
  return `nacos-address-server says: ${text.length > LONGEST ? `${text.slice(0, LONGEST)}...` : text}`;
}
