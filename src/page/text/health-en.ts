import type { FindingCode, HealthState } from '../model/types.js';

/** The page's texts for one kind of finding. The server's own sentence names the node. */
export interface FindingWords {
  readonly name: string;
  readonly means: string;
  readonly todo: string;
}

/** Texts about the nodes' own views. */
export const healthEn = {
  title: 'What Nacos believes',
  read: (time: string) => `read ${time} ago`,
  old: (time: string) =>
    `The nodes were last read ${time} ago, and there is nothing newer: things may have changed.`,
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
    transient: 'Something differs, but not for longer than is normal. It may pass by itself.',
    attention: 'A problem persists, without harm so far.',
    unhealthy: 'A problem persists and harms the cluster.',
    unknown: 'There is no telling whether Nacos is well.',
  } satisfies Record<HealthState, string>,
  findings: {
    unreadable: {
      name: 'Cannot be read',
      means: 'What a live member believes is unknown, so it is not judged.',
      todo: 'If its API requires a login, set NACOS_IDENTITY on this server. If a firewall keeps this server out, open it.',
    },
    'list-differs': {
      name: 'Different list',
      means: 'A node has other members than are listed here.',
      todo: 'Does it poll this address server, with self=… in its URL? Does something else write its cluster.conf?',
    },
    misnamed: {
      name: 'Different name',
      means:
        'A node’s own name differs from the one listed here. To Nacos these are two members, one of which never answers.',
      todo: 'Give it the listed name (nacos.inetutils.ip-address, NACOS_SERVER_IP in the official image), or list it under its own (self=… in its URL); then restart it. Until then remove neither of its votes.',
    },
    'self-missing': {
      name: 'Does not know itself',
      means:
        'A node is not on its own list, or is also there under another name, which Nacos takes for another member.',
      todo: 'Give it the name that is listed here (nacos.server.ip, or self=… in its URL), and restart it.',
    },
    'not-polling': {
      name: 'Does not poll',
      means: 'A node runs and answers, but does not poll this address server, or not in its own name.',
      todo: 'Does address.server.domain still point here, and does its URL have self=…? Its nacos-cluster.log shows how its polls fail.',
    },
    'clock-skew': {
      name: 'Clock skew',
      means: 'A node’s clock differs from the others’. Nacos dates configurations and tokens by it.',
      todo: 'Synchronise it with NTP.',
    },
    'version-skew': {
      name: 'Different versions',
      means: 'The nodes run different versions of Nacos, as during an upgrade.',
      todo: 'Finish the upgrade. The URL of Nacos 1.3.0 to 2.0.2 needs format=json; other versions must not have it.',
    },
    'no-leader': {
      name: 'No leader',
      means: 'A Raft group cannot have a leader, so nothing can be written to it.',
      todo: 'Start the missing nodes. If they are gone for good, recover the list, and then repair Raft.',
    },
    split: {
      name: 'Split',
      means:
        'Nodes lead groups of the same name without knowing each other: data written to one is not on the other.',
      todo: 'No command merges them. Keep the node whose data counts, and restart the others one by one with empty data directories.',
    },
    'no-voter': {
      name: 'Not a voter',
      means: 'A live member is not a voter of a Raft group, so it does not get that group’s data.',
      todo: 'Unless it has only just started, a repair makes it a voter again, without a restart. If it was never seen to follow, restart it by hand.',
    },
    'phantom-voter': {
      name: 'Phantom voter',
      means: 'A voter is not on the list: it counts for every majority and never votes.',
      todo: 'If no node runs there any more, a repair removes it.',
    },
  } satisfies Record<FindingCode, FindingWords>,
  since: (time: string) => `for ${time}`,
  sinceMaybeNormal: (time: string) => `for ${time}, which may be normal for a moment`,
  more: (count: string) => `and ${count} more`,
  unjudged: 'Not judged:',
  repairing: 'Raft is being repaired, step by step; the history lists the steps.',
  command:
    'Repair Raft in a terminal. This command shows every step and what may be lost, and asks before it starts:',
  commandSplit: 'This prints which nodes to restart, and in what order:',
  commandBoth: 'It also prints which nodes to restart because of the split, and in what order.',
  commandLocal:
    'The server has no token: run this on its own machine, and name it there as 127.0.0.1 (--server).',
  commandToken: 'The variable ADDRESS_SERVER_TOKEN must hold a token that may change this cluster.',

  raft: {
    voter: 'voter',
    someVoter: (count: string, all: string) => `voter of ${count} of ${all}`,
    noVoter: 'not a voter',
    voterHelp: (count: string, all: string) =>
      `A voter of ${count} of the ${all} Raft groups that have a leader`,
    leads: (count: string) => `leads ${count}`,
    leadsHelp: (count: string) => `The leader of ${count} of them`,
    version: (version: string) => `Nacos ${version}`,
  },
};

export type HealthTexts = typeof healthEn;
