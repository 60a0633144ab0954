import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { runCli } from '../support/cli.js';
import { SHELLS, shellMissing } from '../support/shells.js';
import { tempFolder } from '../support/temp.js';

describe('completion', () => {
  for (const [shell, complete] of Object.entries(SHELLS)) {
    it(
      `lets ${shell} complete commands, options, values and files`,
      { skip: shellMissing(shell) },
      async (t) => {
        const { status, out, err } = await runCli(t, ['completion', shell]);
        assert.deepEqual([status, err], [0, '']);
        const folder = tempFolder(t);
        const file = join(folder, 'only-this.conf');
        writeFileSync(file, '');
        const wanted: Record<string, string> = {
          mem: 'members',
          'members --wa': 'members --watch',
          '--max-cl': '--max-clusters',
          'serve --auth-mode w': 'serve --auth-mode warn',
          'agent --log-level si': 'agent --log-level silent',
          'completion z': 'completion zsh',
          [`import ${join(folder, 'onl')}`]: `import ${file}`,
        };
        assert.deepEqual(await complete(t, out, Object.keys(wanted)), Object.values(wanted));
      },
    );
  }

  it('refuses a shell that it does not know, and names those that it does', async (t) => {
    const { status, out, err } = await runCli(t, ['completion', 'tcsh']);
    assert.deepEqual([status, out], [1, '']);
    assert.match(err, /tcsh.*bash, zsh, fish/);
  });
});
