import assert from 'node:assert/strict';
import { existsSync, lstatSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { ROOT, run, skipWithout, text } from '../machine/command.js';
import { otherNode } from '../machine/other-node.js';

const skip = skipWithout('UNIT_TESTS', { git: 'git', make: 'make', 'g++': 'g++' });

describe('npm in a fresh checkout', { skip }, () => {
  const work = mkdtempSync(join(tmpdir(), 'install-'));
  const checkout = join(work, 'checkout');
  let node = '';

  before(async () => {
    node = await otherNode('24');
    await text('git', ['clone', '--quiet', ROOT, checkout]);
  });
  after(() => rmSync(work, { recursive: true, force: true }));

  /** On Node.js 24, for which better-sqlite3 need not be compiled more than once. */
  const npm = (...args: readonly string[]) =>
    run('env', [
      ...['--chdir', checkout, `PATH=${node}/bin:${process.env.PATH ?? ''}`, `npm_config_nodedir=${node}`],
      ...['npm', ...args, '--prefer-offline', '--no-audit'],
    ]);

  it('says what to do when the development dependencies are left out and nothing is built', async () => {
    const { status, errors } = await npm('ci', '--omit=dev');
    assert.equal(status, 1);
    assert.match(
      errors,
      /dist\/src\/cli\.js is not built, and the development dependencies .* npm install first/,
    );
    rmSync(join(checkout, 'node_modules'), { recursive: true, force: true });
  });

  it('install --global puts a command there that runs', async () => {
    const prefix = join(work, 'prefix');
    const { status, errors } = await npm('install', '--global', '--prefix', prefix);
    assert.equal(status, 0, errors);
    const command = join(prefix, 'bin/nacos-address-server');
    assert.ok(lstatSync(command).isSymbolicLink());
    const { output } = await run('env', [`PATH=${node}/bin:${process.env.PATH ?? ''}`, command, '--version']);
    assert.match(output, /^\d+\.\d+\.\d+$/);
  });

  it('builds no tests', () => {
    assert.ok(existsSync(join(checkout, 'dist/src/healthcheck.js')));
    assert.equal(existsSync(join(checkout, 'dist/test')), false);
  });

  it('ci --omit=dev keeps what is built, and says so', async () => {
    const { status, errors } = await npm('ci', '--omit=dev', '--foreground-scripts');
    assert.equal(status, 0, errors);
    assert.match(errors, /dist\/src\/cli\.js is not built anew/);
    assert.ok(existsSync(join(checkout, 'dist/src/cli.js')));
  });
});
