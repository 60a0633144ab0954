import { parseAddress, type Address, type Parsed } from '../registry/address.js';

/*
 * cluster.conf, as Nacos reads and writes it (2.5.1 EnvUtil.readClusterConf, MemberUtil.readServerConf): one
 * address a line, `#` begins a comment, commas split, no port means 8848.
 */

/** The text of a cluster.conf with these addresses, in their order, under the comment `heading`. */
export function confText(addresses: readonly Address[], heading: string): string {
  return `# ${heading}\n${addresses.map((address) => `${address}\n`).join('')}`;
}

/**
 * Reads the addresses in a cluster.conf, in order. The problem ends a sentence that starts with the file's
 * name. A text without addresses gives an empty list, which Nacos ignores too.
 */
export function readConf(text: string): Parsed<readonly Address[]> {
  const addresses: Address[] = [];
  for (const line of text.replace(/^\uFEFF/, '').split(/\r?\n/)) {
    for (const entry of line.replace(/#.*$/, '').split(',')) {
      const word = entry.trim();
      if (word === '') continue;
      const address = parseAddress(word);
      if (!address.ok)
        return { ok: false, problem: `names ${JSON.stringify(word)}, which ${address.problem}` };
      addresses.push(address.value);
    }
  }
  return { ok: true, value: addresses };
}

/**
 * Reads a list that a server sent: one address a line, at least one, no duplicates, and `self` among them. No
 * other list may reach Nacos: a node that is missing from its own list reports itself down, and stays a Raft
 * voter that no member removes.
 */
export function readList(text: string, self: Address): Parsed<readonly Address[]> {
  const lines = text.split('\n');
  if (lines.pop() !== '') return problem('does not end with a line break, so it may have been cut short');
  if (lines.length === 0) return problem('is empty');
  for (const line of lines) {
    const address = parseAddress(line);
    if (!address.ok || address.value !== line) {
      return problem(`has the line ${JSON.stringify(line.slice(0, 300))}, which is not HOST:PORT`);
    }
  }
  if (new Set(lines).size !== lines.length) return problem('has an address twice');
  return lines.includes(self) ? { ok: true, value: lines } : problem(`lacks this node, ${self}`);
}

/** Whether two lists are the same to Nacos, which ignores their order. */
export function isSameList(a: readonly Address[], b: readonly Address[]): boolean {
  const other = new Set(b);
  return new Set(a).size === other.size && a.every((address) => other.has(address));
}

function problem(text: string): { ok: false; problem: string } {
  return { ok: false, problem: text };
}
