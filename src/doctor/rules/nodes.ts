import { canonical, joinLimited, parseAddress, splitAddress, type Address } from '../../registry/address.js';
import type { Finding } from '../findings.js';
import { isLiveState, type ListedMember } from '../groups.js';
import { isRead, type NodeView, type Reading, type Unreadable } from '../node-view.js';

/** How far clocks may differ, in milliseconds. Nodes report whole seconds. */
const CLOCK_SKEW_MS = 10_000;

/** Findings about single nodes, Raft apart. */
export function aboutNodes(members: readonly ListedMember[], readings: readonly Reading[]): Finding[] {
  const views = readings.filter(isRead);
  const listed = new Set(members.map(({ address }) => address));
  const live = new Set(members.filter(isLiveState).map(({ address }) => address));
  return [
    // A silent or down member is known to be in trouble; its own findings say so.
    ...readings.flatMap((reading) =>
      isRead(reading) || reading.isOurs || !live.has(reading.address) ? [] : [unread(reading)],
    ),
    ...views.flatMap((view) => aboutName(view, listed)),
    ...views.flatMap((view) => aboutList(view, listed)),
    ...notPolling(members, views),
    ...clocks(views),
    ...versions(views),
  ];
}

/** Sentences about nodes that this server could not ask. */
export function notAsked(readings: readonly Reading[]): string[] {
  return readings.flatMap((reading) =>
    !isRead(reading) && reading.isOurs ? [`what ${reading.address} believes: ${reading.reason}`] : [],
  );
}

function unread({ address, reason }: Unreadable): Finding {
  return {
    code: 'unreadable',
    node: address,
    sentence: `${address} is live but cannot be read: ${reason}`,
    advice:
      'What it believes is unknown, so it is not judged. If its API requires a login, set NACOS_IDENTITY; if a firewall keeps this server out, open it.',
  };
}

/** The most common mistake: another network card, a VPN, a host name instead of an IP address, a port. */
function aboutName({ address, otherName }: NodeView, listed: ReadonlySet<Address>): Finding[] {
  if (otherName === undefined) return [];
  const [wanted, own] = [splitAddress(address), splitAddress(otherName)];
  const setting =
    wanted.host === own.host
      ? `server.port=${wanted.port} (3.x: nacos.server.main.port)`
      : `nacos.inetutils.ip-address=${wanted.host}, an address or a name (nacos.server.ip wins over it; in the official image NACOS_SERVER_IP)`;
  const isAnothers = listed.has(otherName);
  return [
    {
      code: 'misnamed',
      node: address,
      sentence: `${address} calls itself ${otherName}${isAnothers ? ', which is the name of another member,' : ''} and is listed as ${address}: to Nacos these are two members, one of which never answers, and Raft may have a voter for each`,
      advice: `On that node set ${setting}${isAnothers ? '' : `, or self=${otherName} in its address_server_url (an agent: AGENT_SELF) if the others reach it by that`}; then restart it. Remove neither of the two votes while it runs like this, and look again afterwards: the vote of the wrong name remains, and a repair then removes it`,
    },
  ];
}

function aboutList(view: NodeView, listed: ReadonlySet<Address>): Finding[] {
  const { address: node, otherName } = view;
  const believed = new Set(view.members);
  const findings: Finding[] = [];
  const other =
    otherName ?? view.members.find((name) => name !== node && !listed.has(name) && isSameNode(name, node));
  if (otherName === undefined && (other !== undefined || !believed.has(node))) {
    findings.push({
      code: 'self-missing',
      node,
      sentence:
        other === undefined
          ? `${node} is not on its own list`
          : `${node} also has itself as ${other} on its list; to Nacos these are two members`,
      advice:
        'Give it the name that the registry lists: nacos.server.ip, or self=… in its URL; then restart it. Other voters may keep the wrong name: look again afterwards.',
    });
  }
  const lacks = [...listed].filter((address) => address !== node && !believed.has(address));
  const more = view.members.filter((name) => name !== other && !listed.has(name));
  if (lacks.length > 0 || more.length > 0) {
    const what = [
      ...(lacks.length > 0 ? [`lacks ${joinLimited(lacks)}`] : []),
      ...(more.length > 0 ? [`has ${joinLimited(more)}, which the registry does not list`] : []),
    ];
    findings.push({
      code: 'list-differs',
      node,
      sentence: `${node} has other members than the registry lists: it ${what.join(' and ')}`,
      advice:
        'This is normal for up to 5 s after a change. Later: does it poll this address server (with self=…), or does something else write its cluster.conf?',
    });
  }
  return findings;
}

function isSameNode(name: string, address: Address): boolean {
  const parsed = parseAddress(name);
  return parsed.ok && canonical(parsed.value) === canonical(address);
}

function notPolling(members: readonly ListedMember[], views: readonly NodeView[]): Finding[] {
  const read = new Set(views.map(({ address }) => address));
  return members
    .filter(({ address, state }) => !isLiveState({ state }) && read.has(address))
    .map(({ address, silentMs }): Finding => {
      const silence = silentMs === undefined ? 'never been heard' : `not been heard for ${seconds(silentMs)}`;
      return {
        code: 'not-polling',
        node: address,
        sentence: `${address} runs and answers its API, but has ${silence}: it does not poll this server, or not in its own name`,
        advice:
          'It stays listed as long as its port answers. Does address.server.domain still point here, and does its URL have self=…? Its log (nacos-cluster.log) shows how its polls fail.',
      };
    });
}

function clocks(views: readonly NodeView[]): Finding[] {
  const known = views.flatMap(({ address, clockAhead }) =>
    clockAhead === undefined ? [] : [{ address, clockAhead }],
  );
  // Compares with the median, this machine's clock included: one wrong clock must not make all others look
  // wrong.
  const middle = [0, ...known.map(({ clockAhead }) => clockAhead)].sort((x, y) => x - y)[
    Math.floor((known.length + 1) / 2)
  ] as number;
  return known
    .filter(({ clockAhead }) => Math.abs(clockAhead - middle) > CLOCK_SKEW_MS)
    .map(({ address, clockAhead }): Finding => {
      const apart = clockAhead - middle;
      return {
        code: 'clock-skew',
        node: address,
        sentence: `the clock of ${address} is ${seconds(Math.abs(apart))} ${apart > 0 ? 'ahead of' : 'behind'} the others`,
        advice:
          'No rule of this server and no vote in Raft depends on it, but Nacos dates its configurations and tokens by it. Synchronise it with NTP.',
      };
    });
}

/** Nacos 1.3.0 to 2.0.2 needs the list as JSON. */
function wantsJson(version: string): boolean {
  const [major = 0, minor = 0, patch = 0] = version.split(/[.-]/).map(Number);
  return (major === 1 && minor >= 3) || (major === 2 && minor === 0 && patch <= 2);
}

function versions(views: readonly NodeView[]): Finding[] {
  const known = views.flatMap(({ address, version }) =>
    version === undefined ? [] : [{ address, version }],
  );
  const forms = new Set(known.map(({ version }) => wantsJson(version)));
  const series = new Set(known.map(({ version }) => version.split('.', 1)[0]));
  if (forms.size < 2 && series.size < 2) return [];
  const are = known.map(({ address, version }) => `${address} ${version}`).join(', ');
  return [
    {
      code: 'version-skew',
      sentence: `the nodes run different versions of Nacos: ${are}`,
      advice:
        forms.size < 2
          ? 'This is normal during an upgrade. Finish it.'
          : '1.3.0 to 2.0.2 need format=json in their URL; other versions must not have it. This is normal during an upgrade: finish it.',
    },
  ];
}

function seconds(ms: number): string {
  return `${Math.round(ms / 1_000)} s`;
}
