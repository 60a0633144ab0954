import { chmod, chown, open, readdir, rename, rm, stat } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';

/**
 * How the files are called that are being written. Without "cluster.conf" in it: Nacos takes every file in its conf folder
 * whose name contains that for the list (2.5.1 FileConfigMemberLookup).
 */
const UNFINISHED = /^\.address-server-\d+-\d+\.unfinished$/;

let count = 0;

/**
 * Writes a file whole, or leaves it as it is: another name, then one rename, so whoever reads it gets the old text or the
 * new. Whoever owned the file goes on owning it: Nacos, which may run as another user, writes it too. Rejects with the
 * system's error, with nothing left behind.
 */
export async function writeWhole(file: string, text: string): Promise<void> {
  const folder = dirname(file);
  const unfinished = join(folder, `.address-server-${process.pid}-${++count}.unfinished`);
  const before = await stat(file).catch(() => undefined);
  try {
    const handle = await open(unfinished, 'wx', 0o644);
    try {
      await handle.writeFile(text);
      // A rename that outlives a power failure without the text would leave an empty list.
      await handle.sync();
    } finally {
      await handle.close();
    }
    if (before) {
      await chmod(unfinished, before.mode & 0o7777);
      if (before.uid !== process.getuid?.() || before.gid !== process.getgid?.()) {
        // Only root may give a file away; whoever may write the folder can replace it all the same.
        await chown(unfinished, before.uid, before.gid).catch(() => undefined);
      }
    }
    await rename(unfinished, file);
  } catch (error) {
    await rm(unfinished, { force: true }).catch(() => undefined);
    throw error;
  }
  await syncFolder(folder);
}

/** Removes what a process that was killed has left unfinished beside a file. */
export async function removeUnfinished(file: string): Promise<void> {
  const folder = dirname(file);
  const names = await readdir(folder).catch(() => []);
  await Promise.all(
    names
      .filter((name) => UNFINISHED.test(name) && name !== basename(file))
      .map((name) => rm(join(folder, name), { force: true }).catch(() => undefined)),
  );
}

/** So that the rename itself is on the disk. Some file systems cannot do it for a folder. */
async function syncFolder(folder: string): Promise<void> {
  try {
    const handle = await open(folder, 'r');
    await handle.sync().finally(() => handle.close());
  } catch {
    // The file is whole in either case.
  }
}

/** What went wrong with a file, and what to do: the end of a sentence. */
export function explainFileError(error: unknown): string {
  const { code, message } = error as NodeJS.ErrnoException;
  switch (code) {
    case 'ENOENT':
      return 'its folder does not exist; create it, or name another file';
    case 'ENOSPC':
    case 'EDQUOT':
      return 'the disk is full; make room';
    case 'EROFS':
      return 'the file system is read-only; mount a folder that can be written';
    case 'EACCES':
    case 'EPERM':
      return 'this user may not write its folder; give it the right, since the file is replaced as a whole';
    case 'EBUSY':
    case 'EXDEV':
      return 'it is mounted by itself and cannot be replaced; mount its folder';
    default:
      return message;
  }
}
