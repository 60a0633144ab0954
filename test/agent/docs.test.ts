import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { AGENT_SETTINGS } from '../../src/agent/settings.js';

const ROOT = new URL('../../../', import.meta.url);

for (const file of ['docs/agent.md', 'docs/agent.zh-CN.md']) {
  test(`${file} has every setting, with its default, and no other`, () => {
    const text = readFileSync(new URL(file, ROOT), 'utf8');
    const rows = [...text.matchAll(/^\| `(AGENT_\w+)` \| `(--[\w-]+)` \| (.*?) \|/gm)];
    assert.deepEqual(
      rows.map(([, variable, flag]) => [variable, flag]),
      AGENT_SETTINGS.map(({ name }) => [`AGENT_${name.toUpperCase().replaceAll('-', '_')}`, `--${name}`]),
    );
    for (const [i, { name, default: fallback }] of AGENT_SETTINGS.entries()) {
      if (fallback !== undefined) assert.equal(rows[i]?.[3]?.trim(), `\`${fallback}\``, name);
    }
  });
}
