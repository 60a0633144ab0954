import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { it } from 'node:test';

/** Keeps much of what it makes for a while, so that V8 lets its young generation grow, and prints that one's size in bytes. */
const LOAD = `
  import { getHeapSpaceStatistics } from 'node:v8';
  let kept = [];
  let most = 0;
  for (let i = 0; i < 600_000; i++) {
    kept.push({ a: i, b: [i] });
    if (kept.length > 40_000) kept.splice(0, 20_000);
    if (i % 10_000 === 0) {
      const size = getHeapSpaceStatistics().find(({ space_name }) => space_name === 'new_space').space_size;
      most = Math.max(most, size);
    }
  }
  console.log(most);`;

const MODULE = new URL('../../src/young-generation.js', import.meta.url).href;

it('V8’s young generation stays small without a flag of node, and obeys one', () => {
  const grown = (load: string, ...flags: readonly string[]): number =>
    Number(
      execFileSync(process.execPath, [...flags, '--input-type=module', '-e', load], { encoding: 'utf8' }),
    );
  const ours = `import '${MODULE}';${LOAD}`;
  assert.ok(grown(LOAD) > 8 << 20, 'it would grow');
  assert.ok(grown(ours) < 4 << 20);
  assert.ok(grown(ours, '--max-semi-space-size=8') > 4 << 20, 'the flag is obeyed');
});
