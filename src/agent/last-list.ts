import { z } from 'zod';
import { parseAddress, type Address } from '../registry/address.js';
import type { NodeList } from './conf-file.js';
import { explainFileError, readWhole, removeUnfinished, writeWhole } from './whole-file.js';

const stored = z.object({
  cluster: z.string(),
  self: z.string(),
  revision: z.number().int().min(0),
  writtenAt: z.iso.datetime(),
  members: z
    .array(
      z.string().refine((text) => {
        const address = parseAddress(text);
        return address.ok && address.value === text;
      }),
    )
    .min(1),
});

/** A list from the disk, with the time when it was the newest. */
export interface KeptList extends NodeList {
  /** ISO 8601. */
  readonly writtenAt: string;
}

/**
 * The last list that a server sent. It is kept beside cluster.conf, which others write as well and the
 * official image rewrites at every start. A node starts with it while no server answers.
 */
export class LastList {
  readonly #file: string;
  readonly #cluster: string;
  readonly #self: Address;
  #kept: NodeList | undefined;

  constructor(file: string, cluster: string, self: Address) {
    this.#file = file;
    this.#cluster = cluster;
    this.#self = self;
  }

  /**
   * Reads the list. The problem is a sentence: the file is missing, or belongs to another node or cluster, or
   * lacks this node, as after a leave.
   */
  async read(): Promise<{ ok: true; value: KeptList } | { ok: false; problem: string }> {
    await removeUnfinished(this.#file);
    const bad = (problem: string) => ({ ok: false, problem: `${this.#file} ${problem}` }) as const;
    let text: string | undefined;
    try {
      text = await readWhole(this.#file);
    } catch (error) {
      return bad(`cannot be read: ${explainFileError(error)}`);
    }
    if (text === undefined) return bad('is not there: no list was ever received here');
    const read = stored.safeParse(parseJson(text));
    if (!read.success) return bad('is damaged');
    const { cluster, self, members, revision, writtenAt } = read.data;
    if (cluster !== this.#cluster) return bad(`is of another cluster, ${cluster}`);
    if (self !== this.#self) return bad(`is of another node, ${self}`);
    if (!members.includes(self)) return bad('lacks this node');
    return { ok: true, value: { addresses: members, revision, writtenAt } };
  }

  /** Keeps a list. Resolves with undefined, or with why that failed; the list kept before then stays. */
  async keep(list: NodeList, now: Date): Promise<string | undefined> {
    if (this.#kept === list) return undefined;
    const json = JSON.stringify({
      cluster: this.#cluster,
      self: this.#self,
      revision: list.revision,
      writtenAt: now.toISOString(),
      members: list.addresses,
    });
    try {
      await writeWhole(this.#file, `${json}\n`);
      this.#kept = list;
      return undefined;
    } catch (error) {
      return explainFileError(error);
    }
  }
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
