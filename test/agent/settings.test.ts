import assert from 'node:assert/strict';
import { networkInterfaces } from 'node:os';
import { describe, it } from 'node:test';
import { AGENT_SETTINGS, AgentSettingError, type Given } from '../../src/agent/settings.js';
import { readAgentSettings } from '../../src/agent/read-settings.js';

const GIVEN: readonly (readonly [string, Given])[] = AGENT_SETTINGS.flatMap(({ name, default: text }) =>
  text === undefined ? [] : [[name, { text, source: name }] as const],
);

const read = (name: string, text: string): ReturnType<typeof readAgentSettings> =>
  readAgentSettings(
    new Map([
      ...GIVEN,
      ['self', { text: '10.0.0.5:8848', source: 'AGENT_SELF' }],
      [name, { text, source: `AGENT_${name.toUpperCase()}` }],
    ]),
  );

describe('the agent’s settings', () => {
  for (const [name, text, sentence] of [
    ['self', 'auto', /^AGENT_SELF="auto" works only in a node’s own polls, .*an agent must give HOST:PORT/],
    ['self', 'auto:8849', /^AGENT_SELF="auto:8849" works only in a node’s own polls/],
    ['self', 'AUTO', /^AGENT_SELF="AUTO" works only in a node’s own polls/],
    ['self', '$(POD_IP):8848', /^AGENT_SELF="\$\(POD_IP\):8848" holds \$\(POD_IP\) itself/],
    ['self', ':8848', /^AGENT_SELF=":8848" has no host, as when its variable is empty/],
    ['self', '0.0.0.0:8848', /unspecified/],
    ['self', 'fd00:dead::5:8848', /is IPv6 without brackets, and may be/],
    ['nacos', '${POD_IP}:8848', /^AGENT_NACOS="\$\{POD_IP\}:8848" holds \$\{POD_IP\} itself/],
    ['id', '$(POD_NAME)', /^AGENT_ID="\$\(POD_NAME\)" holds \$\(POD_NAME\) itself/],
    ['expect', '{{ .Values.replicas }}', /^AGENT_EXPECT=.* holds \{\{ \.Values\.replicas \}\} itself/],
  ] as const) {
    it(`may not be ${name}=${text}`, () =>
      assert.throws(
        () => read(name, text),
        (error) => {
          assert.ok(error instanceof AgentSettingError);
          assert.match(error.message, sentence);
          return true;
        },
      ));
  }

  it('keep a final dot', () => assert.equal(read('self', 'nacos-0.nacos.:8848').self, 'nacos-0.nacos.:8848'));

  const addresses = Object.values(networkInterfaces()).flatMap((all) => all ?? []);
  const skip = addresses.some(({ address }) => address === '::1') ? false : 'this machine has no IPv6';
  it('read IPv6 without brackets as the address that this machine has', { skip }, () => {
    assert.equal(read('self', '::1:8848').self, '[::1]:8848');
    assert.equal(read('self', 'fd00:0:0:0:0:0:0:5:8848').self, '[fd00:0:0:0:0:0:0:5]:8848');
  });
});
