import { STATUS_CODES } from 'node:http';

/**
 * The answer that no Nacos version takes for one: an error with a chunked body whose last chunk never comes.
 *
 * A node that starts takes any complete answer for the end of its search, and with a status other than 200 it
 * starts alone (2.5.1 AddressServerMemberLookup:141-153); a body that ends too early is an exception, "Premature
 * EOF", and that it retries (seen in 1.4.2, 2.5.1, 3.0.3). With Content-Length in place of chunks the cut goes
 * unnoticed. curl prints the sentence and exits with 18.
 *
 * The connection must be closed right after these bytes.
 */
export function unterminated(sentence: string, status = 503): Buffer {
  const text = Buffer.from(`${sentence}\n`);
  const head =
    `HTTP/1.1 ${status} ${STATUS_CODES[status] ?? 'Error'}\r\n` +
    'Content-Type: text/plain;charset=UTF-8\r\n' +
    'Cache-Control: no-store\r\n' +
    `Date: ${new Date().toUTCString()}\r\n` +
    'Transfer-Encoding: chunked\r\n' +
    'Connection: close\r\n\r\n';
  return Buffer.concat([Buffer.from(`${head}${text.length.toString(16)}\r\n`), text, Buffer.from('\r\n')]);
}
