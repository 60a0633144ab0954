import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ClientError } from '../../src/cli/client-error.js';
import { parseServer } from '../../src/cli/server-url.js';

test('a server is named by a URL or by host and port', () => {
  const right: readonly (readonly [given: string, url: string])[] = [
    ['http://127.0.0.1:8080', 'http://127.0.0.1:8080/'],
    ['https://nacos.example.org', 'https://nacos.example.org/'],
    ['HTTP://[::1]:8080/', 'http://[::1]:8080/'],
    ['http://proxy/address-server', 'http://proxy/address-server/'],
    ['127.0.0.1:8080', 'http://127.0.0.1:8080/'],
    ['localhost:8080', 'http://localhost:8080/'],
    ['[::1]:8080', 'http://[::1]:8080/'],
    ['proxy:80/address-server/', 'http://proxy/address-server/'],
    [' 10.0.0.5:8080\n', 'http://10.0.0.5:8080/'],
  ];
  for (const [given, url] of right) assert.equal(parseServer(given, '--server').href, url, given);
});

test('anything else is refused with a sentence that says how', () => {
  const wrong: readonly (readonly [given: string, sentence: RegExp])[] = [
    [
      'nonsense',
      /^--server="nonsense" is neither a URL nor HOST:PORT; it is such as http:\/\/127\.0\.0\.1:8080, /,
    ],
    ['', /^--server="" is neither a URL nor HOST:PORT/],
    ['/nacos', /is neither a URL/],
    ['::1:8080', /is IPv6 without brackets; .*http:\/\/\[::1\]:8080/],
    ['fe80::1', /is IPv6 without brackets/],
    ['http://[::1:8080', /is not a URL/],
    ['10.0.0.5:99999', /is not a URL/],
    ['http://$(AS):8080', /^--server="http:\/\/\$\(AS\):8080" holds \$\(AS\) itself/],
    ['${AS_HOST}:8080', /holds \$\{AS_HOST\} itself/],
    ['ftp://10.0.0.5:8080', /is neither http:\/\/ nor https:\/\//],
    ['http://10.0.0.5:8080\u001b[2J', /^--server="http:\/\/10\.0\.0\.5:8080\\u001b\[2J" is not a URL/],
  ];
  for (const [given, sentence] of wrong) {
    assert.throws(
      () => parseServer(given, '--server'),
      (error) => {
        assert.ok(error instanceof ClientError);
        assert.match(error.message, sentence);
        return true;
      },
    );
  }
});

test('what may hold a secret is refused and not repeated', () => {
  for (const given of [
    'http://admin:secret@h:8080',
    'http://secret@h:8080',
    'admin:secret@h:8080',
    'http://h:8080/?token=secret',
    'h:8080/?token=secret',
    'http://h:8080/#secret',
    'secret@',
    'http://admin:pa$secret@h:8080',
  ]) {
    assert.throws(
      () => parseServer(given, 'SERVER'),
      (error) => {
        assert.ok(error instanceof ClientError, given);
        assert.match(error.message, /^SERVER (has|is)/, given);
        assert.doesNotMatch(error.message, /secret/, given);
        return true;
      },
    );
  }
});
