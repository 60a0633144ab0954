import assert from 'node:assert/strict';
import { test } from 'node:test';
import { COMMANDS, GROUPS } from '../../src/cli/commands.js';
import { program } from '../../src/cli/program.js';

test('the help of the whole has every command in its group, on one screen', () => {
  const help = program.helpInformation();
  const lines = help.trimEnd().split('\n');
  // The shell's next prompt takes the last line of 24.
  assert.ok(lines.length <= 23, `${lines.length} lines`);
  for (const line of lines) assert.ok(line.length <= 80, line);
  let group = '';
  const found = lines.flatMap((line): [string, string][] => {
    if (/^[A-Z]\w+:$/.test(line)) group = line.slice(0, -1);
    const name = /^ {2}([a-z]+) .*  \S/.exec(line)?.[1];
    return name === undefined ? [] : [[name, group]];
  });
  assert.deepEqual(
    found,
    GROUPS.flatMap((one) =>
      Object.entries(COMMANDS).flatMap(([name, { group: own }]) => (own === one ? [[name, own]] : [])),
    ),
  );
});
