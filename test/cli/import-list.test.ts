import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { ClientError } from '../../src/cli/client-error.js';
import { readList } from '../../src/cli/import/list.js';
import { returnedTexts } from '../../src/cli/import/nginx.js';

const read = (text: string): readonly string[] => readList(text, 'the file').addresses;

describe('a list as it is kept for Nacos', () => {
  const good: readonly (readonly [what: string, text: string, addresses: readonly string[]])[] = [
    ['one a line', '10.0.0.1:8848\n10.0.0.2:8849\n', ['10.0.0.1:8848', '10.0.0.2:8849']],
    ['no line end at the end', '10.0.0.1:8848', ['10.0.0.1:8848']],
    [
      '8848 without a port',
      '10.0.0.1\nnacos-1.example\n[::1]\n',
      ['10.0.0.1:8848', 'nacos-1.example:8848', '[::1]:8848'],
    ],
    ['Windows line ends', '10.0.0.1:8848\r\n10.0.0.2:8848\r\n', ['10.0.0.1:8848', '10.0.0.2:8848']],
    [
      'as Nacos writes it',
      '#2026-11-24T11:52:00.123\n10.0.0.1:8848\n10.0.0.2:8848\n',
      ['10.0.0.1:8848', '10.0.0.2:8848'],
    ],
    ['as the example says it', '#it is ip\n#example\n10.0.0.1:8848', ['10.0.0.1:8848']],
    ['a name that ends with a dot', 'nacos-0.nacos.svc.:8848\n', ['nacos-0.nacos.svc.:8848']],
    ['comments behind an address', '10.0.0.1:8848 # node 1, the old one\n', ['10.0.0.1:8848']],
    ['a comment with blanks before it', '  # none\n\t10.0.0.1 \n', ['10.0.0.1:8848']],
    ['empty lines', '\n\n10.0.0.1\n\n\n', ['10.0.0.1:8848']],
    [
      'commas',
      '10.0.0.1:8848,10.0.0.2:8848 # two\n10.0.0.3',
      ['10.0.0.1:8848', '10.0.0.2:8848', '10.0.0.3:8848'],
    ],
    ['a comma at the end', '10.0.0.1:8848,\n', ['10.0.0.1:8848']],
    ['the same twice', '10.0.0.1\n10.0.0.1:8848\n', ['10.0.0.1:8848']],
    [
      'JSON',
      '{"code":200,"message":null,"data":"10.0.0.1:8848\\n10.0.0.2:8848"}',
      ['10.0.0.1:8848', '10.0.0.2:8848'],
    ],
    [
      'returned by nginx',
      'http {\n  server { # ours\n    location = /nacos/serverlist {\n      default_type text/plain;\n      return 200 "10.0.0.1:8848\\n10.0.0.2:8848\\n";\n    }\n    location / { return 404; }\n  }\n}\n',
      ['10.0.0.1:8848', '10.0.0.2:8848'],
    ],
  ];
  const nginx = (...returned: readonly string[]): string =>
    `server {\n${returned.map((text) => `  location / { return 200 ${text}; }\n`).join('')}}\n`;
  for (const [what, configuration] of [
    ['as JSON needs it', String.raw`'{"code":200,"message":null,"data":"a.b:8848\\nc.d:8848"}'`],
    ['with the line break itself', String.raw`'{"code":200,"data":"a.b:8848\nc.d:8848"}'`],
    ['in double quotes', String.raw`"{\"code\":200,\"data\":\"a.b:8848\\nc.d:8848\"}"`],
    ['with commas', `'{"data":"a.b:8848,c.d:8848"}'`],
    ['over lines', `'{\n  "code": 200,\n  "data": "a.b:8848\nc.d:8848"\n}\n'`],
  ] as const) {
    it(`may be JSON that nginx returns, ${what}`, () =>
      assert.deepEqual(read(nginx(configuration)), ['a.b:8848', 'c.d:8848']));
  }

  it('may be returned beside other texts, and that is said', () => {
    const { addresses, notes } = readList(nginx('ok', '"a.b:8848\\n"', `'{"status":"UP"}'`), 'the file');
    assert.deepEqual(addresses, ['a.b:8848']);
    assert.match(
      notes.join(),
      /returns a list in line 3, which was taken; what it returns in line 2, 4 is none/,
    );
  });

  it('says what it assumed', () => {
    const { notes } = readList('a.b\n10.0.0.1:8848\n[::1]\n', 'the file');
    assert.deepEqual(notes, ['a.b, [::1] in the file have no port; 8848 is assumed, as Nacos does']);
    assert.deepEqual(readList('a.b:8848', 'the file').notes, []);
    const broken = readList('{"data":"a.b:8848\nc.d:8848"}', 'the file');
    assert.match(broken.notes.join(), /has line breaks inside of JSON's quotes, where Nacos wants \\n/);
  });

  for (const [what, text, addresses] of good) {
    it(`may have ${what}`, () => assert.deepEqual(read(text), addresses));
  }

  it('loses a byte order mark, and that is said', () => {
    const { addresses, notes } = readList('\uFEFF10.0.0.1:8848\n', 'the file');
    assert.deepEqual(addresses, ['10.0.0.1:8848']);
    assert.match(
      notes.join(),
      /^the file begins with a byte order mark, which Nacos takes for part of an address/,
    );
    assert.deepEqual(readList('10.0.0.1:8848', 'the file').notes, []);
  });

  const bad: readonly (readonly [text: string, sentence: RegExp])[] = [
    ['', /^the file holds no address, and an empty list is never imported$/],
    ['# only\n\n', /^the file holds no address/],
    ['10.0.0.1\n  \n', /^the file line 2: there are only blanks, and Nacos rejects the whole list/],
    ['10.0.0.1,,10.0.0.2', /line 1: there is nothing between two commas/],
    [',10.0.0.1', /line 1: there is nothing between two commas/],
    ['10.0.0.1, 10.0.0.2', /line 1: " 10\.0\.0\.2" has blanks/],
    ['#x\n10.0.0.1:port', /line 2: "10\.0\.0\.1:port" has the port "port"/],
    ['10.0.0.1:0', /the port 0, outside/],
    ['http://10.0.0.1:8848', /has a scheme/],
    ['10.0.0.1:8848?raft_port=7848', /has a path or a query/],
    ['10.0.0.1;10.0.0.2', /line 1: /],
    ['::1', /IPv6 without brackets/],
    ['$(POD_IP):8848', /line 1: "\$\(POD_IP\):8848" holds \$\(POD_IP\) itself/],
    ['a.b\nA.b.:8848', /line 2: A\.b\.:8848 is another spelling of a\.b:8848/],
    ['10.0.0.256', /looks like IPv4 and is not/],
    ['<html><body>hello</body></html>', /line 1: /],
    ['pong', /line 1: "pong" is a single word; if it is a host name, write its port: pong:8848/],
    ['10.0.0.1\n\u200b10.0.0.2', /line 2: .* has blanks, control or non-ASCII characters/],
    [
      'a.b\n10.0.0.1\nA.B:8848',
      /line 3: A\.B:8848 is another spelling of a\.b:8848 in line 1; .*two members/,
    ],
    ['[::1]\n[0:0:0:0:0:0:0:1]', /line 2: .* is another spelling of \[::1\]:8848/],
    ['{"code":404,"data":null}', /is JSON, but no list/],
    ['{"code":200,"data":""}', /holds no address/],
    ['{"code":200,"data":["10.0.0.1"]}', /is JSON, but no list/],
    ['server { return 200 \'{"code":500,"data":""}\'; }', /\(returned in line 1\) is JSON, but no list/],
    ['server { return 200 \'{"code":200,"data":"a b"}\'; }', /\(returned in line 1\) \(data\) line 1: "a b"/],
    ['{"code":200,"data":"10.0.0.1\\nx y"}', /^the file \(data\) line 2: "x y" has blanks/],
    ['{code', /begins like JSON and is not valid JSON/],
    [
      'server { root /srv; }',
      /is an nginx configuration and returns no list itself .*; give the file that nginx serves, or its URL/,
    ],
    ['server { return 200 "10.0.0.1"; return 200 "10.0.0.2"; }', /returns several texts, in the lines 1, 1/],
    ['server { return 200 "$list"; }', /line 1 returns a variable of nginx/],
    [
      'server {\n return 200 "10.0.0.1\\n\\n \\n"; }',
      /^the file \(returned in line 2\) line 3: there are only blanks/,
    ],
    ['upstream nacos { server 10.0.0.1:8848; }', /returns no list itself/],
  ];
  for (const [text, sentence] of bad) {
    it(`is refused: ${JSON.stringify(text)}`, () =>
      assert.throws(
        () => read(text),
        (error) => {
          assert.ok(error instanceof ClientError);
          assert.match(error.message, sentence);
          return true;
        },
      ));
  }
});

it('words of an nginx configuration, quoted and commented, are read as nginx does', () => {
  const text = `# return 200 "no";
  return 200 'it''s';
  add_header X "return 200 \\"no\\";";
  return 200 "a\\tb\\\\c\\d";
  return 302 /x;
  return 200
    ok;`;
  assert.deepEqual(returnedTexts(text), [
    { text: 'it', line: 2 },
    { text: 'a\tb\\c\\d', line: 4 },
    { text: 'ok', line: 6 },
  ]);
});
