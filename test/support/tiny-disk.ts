import { spawnSync } from 'node:child_process';
import { appendFileSync, mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { atProcessEnd } from './processes.js';

/** A disk of its own (a small tmpfs) that a test can fill up. */
export class TinyDisk {
  readonly folder: string;
  readonly #ballast: string;
  readonly #forget = atProcessEnd(() => this.unmount());

  private constructor(folder: string) {
    this.folder = folder;
    this.#ballast = join(folder, 'ballast');
  }

  /** Mounts it on a folder; a sentence when this user may not. */
  static mount(folder: string, size = '2m'): TinyDisk | string {
    mkdirSync(folder, { recursive: true });
    const mounted = spawnSync('mount', ['-t', 'tmpfs', '-o', `size=${size}`, 'tmpfs', folder], {
      encoding: 'utf8',
    });
    if (mounted.status === 0) return new TinyDisk(folder);
    return `a disk that can be filled takes the right to mount a tmpfs: ${mounted.error?.message ?? mounted.stderr.trim()}`;
  }

  /** Takes all the room there is, to the last page. */
  fill(): void {
    for (const size of [1 << 16, 1 << 12, 1]) {
      try {
        for (;;) appendFileSync(this.#ballast, Buffer.alloc(size));
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== 'ENOSPC') throw error;
      }
    }
  }

  makeRoom(): void {
    rmSync(this.#ballast);
  }

  makeReadOnly(): void {
    this.#remount('ro');
  }

  makeWritable(): void {
    this.#remount('rw');
  }

  #remount(how: 'ro' | 'rw'): void {
    const { status, stderr } = spawnSync('mount', ['-o', `remount,${how}`, this.folder], {
      encoding: 'utf8',
    });
    if (status !== 0) throw new Error(`the disk could not be remounted ${how}: ${stderr}`);
  }

  /** Detaches it at once, whoever still has a file open. */
  unmount(): void {
    this.#forget();
    spawnSync('umount', ['-l', this.folder]);
  }
}
