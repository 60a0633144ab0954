import { randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import type { MountNamespace } from '../machine/namespace.js';
import type { Ran } from '../machine/command.js';
import { IMAGE_STORE } from './images.js';

/** A podman whose containers, volumes and state are its own and gone with it; it reads the images that were built. */
export class Containers {
  readonly #namespace: MountNamespace;
  readonly #image: string;
  readonly #work = mkdtempSync(join(tmpdir(), 'containers-'));
  readonly #started = new Set<string>();

  constructor(namespace: MountNamespace, image: string) {
    this.#namespace = namespace;
    this.#image = image;
  }

  /** Starts a container, which the test's end removes with its volumes. */
  async start(
    t: Pick<TestContext, 'after'>,
    options: readonly string[],
    args: readonly string[] = [],
  ): Promise<Container> {
    const name = `as-${randomBytes(4).toString('hex')}`;
    t.after(() => this.remove(name));
    this.#started.add(name);
    await this.podman('run', '--detach', '--name', name, ...COMMON, ...options, this.#image, ...args);
    return new Container(this, name);
  }

  /** Runs a container to its end. */
  once(options: readonly string[], args: readonly string[]): Promise<Ran> {
    return this.run('run', '--rm', ...COMMON, ...options, this.#image, ...args);
  }

  async podman(...args: readonly string[]): Promise<string> {
    const { status, output, errors } = await this.run(...args);
    if (status !== 0) throw new Error(`podman ${args.join(' ')} ended with ${status}: ${errors}`);
    return output;
  }

  run(...args: readonly string[]): Promise<Ran> {
    return this.#namespace.run('podman', [
      ...['--root', join(this.#work, 'root'), '--runroot', join(this.#work, 'run')],
      ...['--storage-driver', 'overlay', '--storage-opt', `overlay.imagestore=${IMAGE_STORE}`],
      ...['--tmpdir', join(this.#work, 'tmp'), '--events-backend', 'file'],
      ...['--runtime', 'crun', '--cgroup-manager', 'cgroupfs', ...args],
    ]);
  }

  async remove(name: string): Promise<void> {
    if (!this.#started.delete(name)) return;
    await this.podman('rm', '--force', '--time', '0', '--volumes', name);
  }

  async close(): Promise<void> {
    for (const name of this.#started) await this.remove(name);
    this.#namespace.close();
    rmSync(this.#work, { recursive: true, force: true });
  }
}

/**
 * Control groups, and the timer that runs a health check, would need a systemd here; limits above this machine's own, which
 * podman asks for by itself, a privilege.
 */
const COMMON = [
  ...['--cgroups=disabled', '--pull=never', '--health-interval=disable'],
  ...['--ulimit=nofile=4096:4096', '--ulimit=nproc=1024:1024'],
];

export class Container {
  readonly #containers: Containers;
  readonly name: string;

  constructor(containers: Containers, name: string) {
    this.#containers = containers;
    this.name = name;
  }

  /** What a command in it printed. */
  exec(...args: readonly string[]): Promise<string> {
    return this.#containers.podman('exec', this.name, ...args);
  }

  /** Runs the image's health check once: status 0 is healthy. */
  health(): Promise<Ran> {
    return this.#containers.run('healthcheck', 'run', this.name);
  }

  /** Ends it as `docker stop` does, which kills what has not ended after 60 s; returns the exit status. */
  async stop(): Promise<number> {
    await this.#containers.podman('stop', '--time', '60', this.name);
    return Number(await this.#containers.podman('inspect', '--format', '{{.State.ExitCode}}', this.name));
  }

  async restart(): Promise<void> {
    await this.#containers.podman('restart', '--time', '60', this.name);
  }

  async logs(): Promise<string> {
    const { output, errors } = await this.#containers.run('logs', this.name);
    return `${output}\n${errors}`.trim();
  }

  remove(): Promise<void> {
    return this.#containers.remove(this.name);
  }
}
