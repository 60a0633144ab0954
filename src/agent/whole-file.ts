import { constants, existsSync } from 'node:fs';
import { lstat, lutimes, open, readdir, readlink, rename, rm, type FileHandle } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';

/**
 * Names of unfinished files. They must not contain "cluster.conf": Nacos takes every file in its conf folder
 * whose name contains that for the list (2.5.1 FileConfigMemberLookup).
 */
const UNFINISHED = /^\.address-server-\d+-\d+\.unfinished$/;

/** How many links to links are followed; the same as in Linux. */
const MOST_LINKS = 40;

let count = 0;

/**
 * Writes a file whole, or leaves it as it is: it writes another file and renames it once, so a reader gets
 * the old text or the new one. The file keeps its owner, since Nacos writes it too and may run as another
 * user. A link stays a link, and its target is written. Rejects with the system's error and leaves nothing
 * behind.
 *
 * The folder may belong to another user than this process, which may be root, and that user can replace every
 * name in it at any moment. So only the rename addresses a file by its name.
 */
export async function writeWhole(file: string, text: string): Promise<void> {
  await at(file, async ({ folder, path, name }) => {
    const unfinished = join(path, `.address-server-${process.pid}-${++count}.unfinished`);
    const before = await lstat(join(path, name)).catch(() => undefined);
    try {
      // Exclusively: do not follow a link of that name.
      const handle = await open(unfinished, 'wx', 0o644);
      try {
        await handle.writeFile(text);
        if (before?.isFile() === true) await takeOver(handle, before);
        // Without this, a power failure could keep the rename and lose the text, which would leave an empty
        // list.
        await handle.sync();
      } finally {
        await handle.close();
      }
      await rename(unfinished, join(path, name));
    } catch (error) {
      await rm(unfinished, { force: true }).catch(() => undefined);
      throw error;
    }
    // Puts the rename itself on the disk. Some file systems cannot do that for a folder.
    await folder.sync().catch(() => undefined);
  });
  await touchLink(file);
}

/**
 * The text of a file; undefined if there is none, or only a link that is not followed (see {@link
 * mayFollow}).
 */
export async function readWhole(file: string): Promise<string | undefined> {
  return at(file, async ({ path, name }) => {
    const flags = constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK;
    const handle = await open(join(path, name), flags).catch((error: unknown) => {
      if (['ENOENT', 'ELOOP'].includes(codeOf(error))) return undefined;
      throw error;
    });
    try {
      return await handle?.readFile('utf8');
    } finally {
      await handle?.close();
    }
  });
}

/** Creates an empty file, replacing any that exists. */
export async function makeEmpty(file: string): Promise<void> {
  await rm(file, { force: true });
  await (await open(file, 'wx', 0o644)).close();
}

/** Removes the unfinished files that killed processes left beside a file. */
export async function removeUnfinished(file: string): Promise<void> {
  const clear = async ({ path, name }: Place): Promise<void> => {
    const names = await readdir(path).catch(() => []);
    await Promise.all(
      names
        .filter((other) => UNFINISHED.test(other) && other !== name)
        .map((other) => rm(join(path, other), { force: true }).catch(() => undefined)),
    );
  };
  await at(file, clear).catch(() => undefined);
}

async function takeOver(
  handle: FileHandle,
  before: { mode: number; uid: number; gid: number },
): Promise<void> {
  if (before.uid !== process.getuid?.() || before.gid !== process.getgid?.()) {
    // Only root may change a file's owner. Any user with write access to the folder can replace the file all
    // the same.
    await handle.chown(before.uid, before.gid).catch(() => undefined);
  }
  await handle.chmod(before.mode & 0o777);
}

/** Where a file really is. */
interface Place {
  /** Its folder, held open, so that renaming it cannot put another in its place. */
  readonly folder: FileHandle;
  /** The path of exactly that folder. */
  readonly path: string;
  readonly name: string;
}

/** Runs a task where the file is, or where a link in its place leads. */
async function at<T>(file: string, task: (place: Place) => Promise<T>): Promise<T> {
  const seen: FileHandle[] = [];
  try {
    let place = await placeOf(file, seen);
    for (let links = 0; ; links++) {
      const info = await lstat(join(place.path, place.name)).catch(() => undefined);
      if (info?.isSymbolicLink() !== true) break;
      if (links === MOST_LINKS) throw new Error('it is a link that leads back to itself');
      const target = await readlink(join(place.path, place.name));
      // Relative to the open folder itself, even if its name now leads elsewhere.
      const next = await placeOf(target.startsWith('/') ? target : `${place.path}/${target}`, seen);
      if (!(await mayFollow(info.uid, next))) break;
      place = next;
    }
    return await task(place);
  } finally {
    for (const folder of seen) await folder.close();
  }
}

async function placeOf(file: string, seen: FileHandle[]): Promise<Place> {
  const whole = file.startsWith('/proc/self/fd/') ? file : resolve(file);
  const folder = await open(dirname(whole), constants.O_RDONLY | constants.O_DIRECTORY);
  seen.push(folder);
  const held = `/proc/self/fd/${folder.fd}`;
  return { folder, path: existsSync(held) ? held : dirname(whole), name: basename(whole) };
}

/**
 * Whether to follow a link: only if its creator could write the target anyway, because the target and its
 * folder are the creator's own, or the creator is root or this user. Any other link could make this process,
 * as root, replace any file, and would reveal its text in the log.
 */
async function mayFollow(maker: number, { folder, path, name }: Place): Promise<boolean> {
  if (maker === 0 || maker === process.getuid?.()) return true;
  if ((await folder.stat()).uid !== maker) return false;
  const target = await lstat(join(path, name)).catch(() => undefined);
  return target === undefined || target.uid === maker;
}

/** Touches the link, since Nacos watches the link's folder and not that of its target. */
async function touchLink(file: string): Promise<void> {
  const info = await lstat(file).catch(() => undefined);
  const now = new Date();
  if (info?.isSymbolicLink() === true) await lutimes(file, now, now).catch(() => undefined);
}

function codeOf(error: unknown): string {
  return (error as NodeJS.ErrnoException).code ?? '';
}

/** Explains a file error and its remedy, as the end of a sentence. */
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
      return 'this user cannot write to its folder; grant that right, since the file is replaced as a whole';
    // From rename(2), and from open(2) for reading.
    case 'EISDIR':
      return 'it is a folder: Docker creates one when a bind mount names a file that does not exist; remove it, and mount the folder that will hold the file';
    case 'ENOTDIR':
      return 'a file is in the place of its folder; remove that file, or name another path';
    case 'ELOOP':
      return 'its path contains a loop of links; fix the links';
    case 'EBUSY':
    case 'EXDEV':
      return 'the file itself is a mount point and cannot be replaced; mount its folder instead';
    default:
      // Leave out the paths: an unfinished file has a different one at every try.
      return message.replace(/, \w+ '.*$/s, '');
  }
}
