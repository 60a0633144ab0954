import type { FindingCode, HealthState } from '../model/types.js';

/** What the page says of a finding, whichever node it is about; the server's own sentence names that one. */
export interface FindingWords {
  readonly name: string;
  readonly means: string;
  readonly todo: string;
}

/** All texts about what Nacos itself believes. */
export const healthEn = {
  title: 'What Nacos believes',
  read: (time: string) => `read ${time} ago`,
  old: (time: string) =>
    `The nodes were last read ${time} ago, and nothing newer is known here: it may be otherwise by now.`,
  state: {
    healthy: 'Healthy',
    transient: 'Transient',
    attention: 'Attention',
    unhealthy: 'Unhealthy',
    unknown: 'Unknown',
  } satisfies Record<HealthState, string>,
  says: {
    healthy:
      'Every node that was read believes what is listed here, and every Raft group has a leader and exactly these voters.',
    transient: 'Something differs, and has not done so for longer than is normal. It may pass by itself.',
    attention: 'Something lasts that does no harm yet.',
    unhealthy: 'Something lasts that harms the cluster.',
    unknown: 'It cannot be judged whether Nacos is well.',
  } satisfies Record<HealthState, string>,
  findings: {
    unreadable: {
      name: 'Cannot be read',
      means: 'What a live member believes is not known, and is not judged.',
      todo: 'If its API wants a login, set NACOS_IDENTITY on this server. If this server may not reach it, let it.',
    },
    'list-differs': {
      name: 'Another list',
      means: 'A node believes in other members than are listed here.',
      todo: 'Does it poll this address server, with self=… in its URL? Does something else write its cluster.conf?',
    },
    misnamed: {
      name: 'Other name',
      means:
        'A node calls itself otherwise than it is listed here. To Nacos these are two members, of which one never answers.',
      todo: 'Let it take the listed name (nacos.inetutils.ip-address, NACOS_SERVER_IP in the official image), or list it by its own (self=… in its URL); then restart it. Take none of its votes meanwhile.',
    },
    'self-missing': {
      name: 'Does not know itself',
      means: 'A node is not on its own list, or is there under another name, too: to Nacos another member.',
      todo: 'Let it name itself as it is listed here (nacos.server.ip, or self=… in its URL), and restart it.',
    },
    'not-polling': {
      name: 'Does not poll',
      means: 'A node runs and answers, and does not poll this address server, or not in its own name.',
      todo: 'Does address.server.domain still lead here, and has its URL self=…? Its nacos-cluster.log says what its polls meet.',
    },
    'clock-skew': {
      name: 'Clock apart',
      means: 'The clock of a node is apart from the others’. Nacos dates configurations and tokens by it.',
      todo: 'Set it by NTP.',
    },
    'version-skew': {
      name: 'Different versions',
      means: 'The nodes run different versions of Nacos, as on the way of an upgrade.',
      todo: 'Finish the upgrade. Nacos 1.3.0 to 2.0.2 needs format=json in its URL; all others must not have it.',
    },
    'no-leader': {
      name: 'No leader',
      means: 'A Raft group cannot have a leader, so nothing can be written to it.',
      todo: 'Start the missing nodes. If they are gone for good, recover the list, and then repair Raft.',
    },
    split: {
      name: 'Split',
      means:
        'Nodes lead groups of the same name and do not know each other: what is written to one is not on the other.',
      todo: 'No command merges them. Keep the node whose data counts, and restart the others one by one with empty data directories.',
    },
    'no-voter': {
      name: 'No voter',
      means: 'A live member is no voter of a Raft group: it does not get that group’s data.',
      todo: 'Unless it has only just started, a repair makes it a voter again, without a restart; one that was never seen to follow has to be restarted by hand.',
    },
    'phantom-voter': {
      name: 'Phantom voter',
      means: 'A voter is not on the list: it counts for every majority and never votes.',
      todo: 'If nobody runs there any more, a repair removes it.',
    },
  } satisfies Record<FindingCode, FindingWords>,
  since: (time: string) => `for ${time}`,
  sinceMaybeNormal: (time: string) => `for ${time}, which may be normal for a moment`,
  more: (count: string) => `and ${count} more`,
  unjudged: 'Not judged:',
  repairing: 'Raft is being repaired, step by step; the history has the steps.',
  command:
    'Repair Raft in a terminal. This shows every step and what may be lost, and asks before it begins:',
  commandSplit: 'This prints which nodes to restart, and in what order:',
  commandBoth: 'It also prints which nodes to restart because of the split, and in what order.',
  commandLocal:
    'The server has no token: run this on its own machine, and name it there as 127.0.0.1 (--server).',
  commandToken: 'The variable ADDRESS_SERVER_TOKEN must hold a token that may change this cluster.',

  raft: {
    voter: 'voter',
    someVoter: (count: string, all: string) => `voter of ${count} of ${all}`,
    noVoter: 'no voter',
    voterHelp: (count: string, all: string) =>
      `A voter of ${count} of the ${all} Raft groups that have a leader`,
    leads: (count: string) => `leads ${count}`,
    leadsHelp: (count: string) => `The leader of ${count} of them`,
    version: (version: string) => `Nacos ${version}`,
  },
};

export type HealthTexts = typeof healthEn;
