import { deflateSync, gzipSync } from 'node:zlib';
import { WRONG_TOKEN } from './values.js';

function latin1(bytes: Buffer): string {
  return bytes.toString('latin1');
}

/** Bodies of all kinds, as bytes. */
export const BODIES: readonly string[] = [
  'ips=127.0.0.21&product=nacos&cluster=serverlist',
  `ips=127.0.0.21&token=${WRONG_TOKEN}`,
  'ips=a&ips=b&product[x]=y&__proto__[z]=1',
  'ips=&'.repeat(2_000),
  `ips=${'127.0.0.1,'.repeat(6_000)}`,
  'ips=%zz&product=%00',
  '{"address":"127.0.0.21:8848","force":true}',
  '{"__proto__":{"admin":true},"constructor":{"prototype":{"x":1}}}',
  '['.repeat(30_000),
  `${'{"a":'.repeat(8_000)}1${'}'.repeat(8_000)}`,
  `{"a":1e999999999,"b":${'9'.repeat(10_000)}}`,
  '{"a":"\\ud800"}',
  '{',
  '--x\r\nContent-Disposition: form-data; name="ips"\r\n\r\n127.0.0.21\r\n--x--\r\n',
  '<?xml version="1.0"?><!DOCTYPE a [<!ENTITY b SYSTEM "file:///etc/passwd">]><a>&b;</a>',
  'a'.repeat(65_536),
  'a'.repeat(65_537),
  latin1(gzipSync('ips=127.0.0.21')),
  // 10 MB of nothing in 10 KB.
  latin1(gzipSync(Buffer.alloc(10 << 20))),
  latin1(deflateSync(Buffer.alloc(1 << 20))),
  latin1(gzipSync('ips=127.0.0.21').subarray(0, 15)),
  'DELETE /nacos/serverlist?self=127.0.0.11:8848 HTTP/1.1\r\nHost: h\r\n\r\n',
  '\0\x01\x02\xfe\xff',
];

/** How a body is said to be framed, right and wrong. Each gives the header fields and what is sent. */
export const FRAMINGS: readonly ((body: string) => {
  readonly headers: readonly string[];
  readonly sent: string;
})[] = [
  (body) => ({ headers: [`Content-Length: ${body.length}`], sent: body }),
  (body) => ({ headers: ['Transfer-Encoding: chunked'], sent: chunked(body) }),
  (body) => ({ headers: [], sent: body }),
  (body) => ({ headers: [`Content-Length: ${Math.max(0, body.length - 3)}`], sent: body }),
  (body) => ({ headers: [`Content-Length: ${body.length + 5}`], sent: body }),
  (body) => ({ headers: [`Content-Length: ${body.length}`, `Content-Length: ${body.length}`], sent: body }),
  (body) => ({ headers: [`Content-Length: ${body.length}`, 'Content-Length: 1'], sent: body }),
  (body) => ({ headers: [`Content-Length: ${body.length}, ${body.length}`], sent: body }),
  (body) => ({
    headers: [`Content-Length: ${body.length}`, 'Transfer-Encoding: chunked'],
    sent: chunked(body),
  }),
  (body) => ({ headers: ['Transfer-Encoding: chunked, identity'], sent: chunked(body) }),
  (body) => ({ headers: ['Transfer-Encoding: xchunked'], sent: chunked(body) }),
  (body) => ({ headers: ['Transfer-Encoding : chunked'], sent: chunked(body) }),
  (body) => ({ headers: ['Transfer-Encoding: gzip, chunked'], sent: chunked(body) }),
  (body) => ({ headers: ['Transfer-Encoding: chunked', 'Transfer-Encoding: chunked'], sent: chunked(body) }),
  (body) => ({
    headers: ['Transfer-Encoding: chunked'],
    sent: `${chunked(body).slice(0, -5)}0\r\nX-T: 1\r\n\r\n`,
  }),
  (body) => ({ headers: ['Transfer-Encoding: chunked'], sent: `fffffffffffffffff\r\n${body}` }),
  (body) => ({ headers: ['Transfer-Encoding: chunked'], sent: `-1\r\n${body}\r\n0\r\n\r\n` }),
  (body) => ({ headers: ['Transfer-Encoding: chunked'], sent: `1;${'x'.repeat(20_000)}\r\n${body}` }),
  (body) => ({ headers: ['Transfer-Encoding: chunked'], sent: body }),
  ...['-1', '+5', '0x5', '5 5', '1e3', ' ', '99999999999999999999', '9007199254740993'].map(
    (length) => (body: string) => ({ headers: [`Content-Length: ${length}`], sent: body }),
  ),
];

/** In chunks of at most 1,000 bytes. */
function chunked(body: string): string {
  const chunks = body.match(/[^]{1,1000}/g) ?? [];
  return `${chunks.map((chunk) => `${chunk.length.toString(16)}\r\n${chunk}\r\n`).join('')}0\r\n\r\n`;
}
