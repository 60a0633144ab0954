import { Ajv2020 } from 'ajv/dist/2020.js';
import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { runCli } from '../support/cli.js';
import { ROOT } from '../docs/documents.js';
import { startServerProcess } from '../support/process.js';
import { tempFolder } from '../support/temp.js';

/** What docs/cli.md says of a command: the name of a schema, and whether it is an array of them. */
function documented(): ReadonlyMap<string, { readonly schema: string; readonly isArray: boolean }> {
  const text = readFileSync(join(ROOT, 'docs/cli.md'), 'utf8');
  const rows = text.matchAll(/^\| `([^`]+)` \| (an array of )?`(\w+)`/gm);
  return new Map(
    [...rows].map(([, command = '', array, schema = '']) => [command, { schema, isArray: !!array }]),
  );
}

test('--json prints what docs/cli.md says, by the schemas of the API', async (t) => {
  const folder = tempFolder(t);
  const server = await startServerProcess(t, { file: join(folder, 'r.db') });
  const list = join(folder, 'cluster.conf');
  writeFileSync(list, '127.0.8.1:8848\n127.0.8.2:8848\n127.0.8.3:8848\n');
  const ajv = new Ajv2020({ strict: false, validateFormats: false });
  ajv.addSchema((await (await fetch(`${server.url}/openapi.json`)).json()) as object, 'api');
  const shapes = documented();
  assert.ok(shapes.size >= 8, `${shapes.size} commands are documented`);
  const printed = async (...args: readonly string[]): Promise<unknown> =>
    JSON.parse((await runCli(t, [...args, '--json', '--server', server.url])).out);

  const imported = (await printed('import', list, '--yes')) as object;
  assert.deepEqual(Object.keys(imported), ['cluster', 'source', 'added', 'present', 'missing', 'revision']);
  await fetch(`${server.url}/nacos/none`);
  const runs: readonly (readonly [string, readonly string[]])[] = [
    ['members', ['members']],
    ['events', ['events']],
    ['events --refused', ['events', '--refused']],
    ['doctor', ['doctor']],
    ['import --adopt', ['import', '--adopt', '--yes']],
    ['leave', ['leave', '127.0.8.3:8848', '--force', '--wait', '10ms']],
  ];
  for (const [command, args] of runs) {
    const shape = shapes.get(command);
    assert.ok(shape, `docs/cli.md says nothing of ${command} --json`);
    const validate = ajv.getSchema(`api#/components/schemas/${shape.schema}`);
    assert.ok(validate, `the API has no schema ${shape.schema}`);
    const output = await printed(...args);
    const all = shape.isArray ? (output as unknown[]) : [output];
    assert.ok(all.length > 0, `${command} printed nothing`);
    for (const one of all)
      assert.ok(validate(one), `${command}: ${JSON.stringify(validate.errors)} ${JSON.stringify(one)}`);
  }

  const file = join(folder, 'other.db');
  const { out } = await runCli(t, ['migrate', '--database-url', `sqlite:${file}`, '--json']);
  assert.deepEqual(JSON.parse(out), { database: file, schemaVersion: 2 });
});
