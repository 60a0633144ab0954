import assert from 'node:assert/strict';
import { existsSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { homedir, tmpdir } from 'node:os';
import { join } from 'node:path';
import { ROOT, text } from '../machine/command.js';
import type { MountNamespace } from '../machine/namespace.js';

/** Images and their layers, from one run to the next. */
export const IMAGE_STORE = join(
  process.env.XDG_CACHE_HOME ?? join(homedir(), '.cache'),
  'nacos-address-server/images',
);
const STAND_IN = 'localhost/node-stand-in';

/** Builds the Dockerfile as it is, upon a stand-in for its base image; returns the new image's name. */
export async function buildImage(namespace: MountNamespace): Promise<string> {
  const [, tag = '', major = ''] =
    /^ARG NODE_IMAGE=node:((\d+)-bookworm-slim)$/m.exec(readFileSync(join(ROOT, 'Dockerfile'), 'utf8')) ?? [];
  assert.notEqual(major, '', 'the Dockerfile names another base image than test/image knows to stand in for');
  const [debian, node] = await Promise.all([
    text(join(ROOT, 'test/machine/fetch-debian'), []),
    text(join(ROOT, 'test/node/fetch'), [major]),
  ]);
  const work = mkdtempSync(join(tmpdir(), 'image-'));
  try {
    const build = (args: readonly string[]): Promise<string> =>
      namespace.text('buildah', [
        ...['--root', IMAGE_STORE, '--runroot', join(work, 'run'), '--storage-driver', 'overlay'],
        ...['bud', '--layers', '--isolation', 'chroot', '--network', 'host', '--pull-never'],
        ...['--format', 'docker', ...args],
      ]);
    const standIn = `${STAND_IN}:${tag}`;
    await build([
      ...['--build-context', `debian=${debian}`, '--build-context', `node=${node}`],
      ...['--file', join(ROOT, 'test/image/stand-in.Dockerfile'), '--tag', standIn, work],
    ]);
    const name = 'localhost/nacos-address-server:test';
    await build([
      ...(await downloadVolumes(work)).flatMap((volume) => ['--volume', volume]),
      ...['--build-arg', `NODE_IMAGE=${standIn}`, '--tag', name, ROOT],
    ]);
    return name;
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
}

/** How this machine's apt and npm are told to download, and what npm has downloaded, for the build. */
async function downloadVolumes(work: string): Promise<string[]> {
  const config = async (key: string): Promise<string> =>
    (await text('npm', ['config', 'get', key])).replace(/^(null|undefined)$/, '');
  const npmrc = join(work, 'npmrc');
  const files = [await config('globalconfig'), await config('userconfig')].filter((file) => existsSync(file));
  const lines = files.map((file) =>
    readFileSync(file, 'utf8').replaceAll(/^(nodedir|prefix|cache)=.*$/gm, ''),
  );
  // Where the base image has the headers that better-sqlite3 is compiled with.
  writeFileSync(npmrc, [...lines, 'nodedir=/usr/local', ''].join('\n'), { mode: 0o600 });
  const authorities = await config('cafile');
  const apt = '/etc/apt/apt.conf.d/';
  return [
    `${npmrc}:/root/.npmrc:ro`,
    `${await config('cache')}:/root/.npm`,
    ...(authorities === '' ? [] : [`${authorities}:${authorities}:ro`]),
    ...readdirSync(apt)
      .filter((name) => name.startsWith('99'))
      .map((name) => `${apt}${name}:${apt}${name}:ro`),
  ];
}
