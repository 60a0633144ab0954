import { canonical, joinLimited, parseAddress, splitAddress, type Address } from '../../registry/address.js';
import type { Finding } from '../findings.js';
import { isLiveState, type ListedMember } from '../groups.js';
import { isRead, type NodeView, type Reading, type Unreadable } from '../node-view.js';

/** How far apart clocks may be. What a node tells has whole seconds. */
const CLOCK_SKEW_MS = 10_000;

/** What is wrong with single nodes, Raft apart. */
export function aboutNodes(members: readonly ListedMember[], readings: readonly Reading[]): Finding[] {
  const views = readings.filter(isRead);
  const listed = new Set(members.map(({ address }) => address));
  const live = new Set(members.filter(isLiveState).map(({ address }) => address));
  return [
    // One that is silent or down is known to be in trouble, and is found elsewhere.
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

/** What this server could not even ask. */
export function notAsked(readings: readonly Reading[]): string[] {
  return readings.flatMap((reading) =>
    !isRead(reading) && reading.isOurs ? [`what ${reading.address} believes: ${reading.reason}`] : [],
  );
}

function unread({ address, reason }: Unreadable): Finding {
  return {
    code: 'unreadable',
    node: address,
    sentence: `${address} is live and cannot be read: ${reason}`,
    advice:
      'What it believes is not known, and is not judged. If its API wants a login, set NACOS_IDENTITY; if this server may not reach it, let it.',
  };
}

/** The commonest mistake of all: another network card, a VPN, a host name against an IP address, a port. */
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
      sentence: `${address} calls itself ${otherName}${isAnothers ? ', which is the name of another member,' : ''} and is listed as ${address}: to Nacos these are two members, of which one never answers, and Raft may have a voter for each`,
      advice: `On that node set ${setting}${isAnothers ? '' : `, or self=${otherName} in its address_server_url (an agent: AGENT_SELF) if the others reach it by that`}; then restart it. Take none of the two votes while it runs so, and look again afterwards: the vote of the wrong name is left, and a repair removes it then`,
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
          : `${node} has itself as ${other} on its list, too; to Nacos these are two members`,
      advice:
        'Let it name itself as the registry does: nacos.server.ip, or self=… in its URL; then restart it. Other voters may keep the wrong name: look again afterwards.',
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
      sentence: `${node} believes in other members than the registry lists: it ${what.join(' and ')}`,
      advice:
        'For up to 5 s after a change that is normal. Later: does it poll this address server (with self=…), or does something else write its cluster.conf?',
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
        sentence: `${address} runs and answers its API, and has ${silence}: it does not poll this server, or not in its own name`,
        advice:
          'Nobody drops it as long as its port answers. Does address.server.domain still lead here, and has its URL self=…? Its log (nacos-cluster.log) says what its polls meet.',
      };
    });
}

function clocks(views: readonly NodeView[]): Finding[] {
  const known = views.flatMap(({ address, clockAhead }) =>
    clockAhead === undefined ? [] : [{ address, clockAhead }],
  );
  // Against the middle one, this machine's own among them: one that is wrong must not make all others so.
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
          'No rule of this server and no vote in Raft looks at it, but Nacos dates its configurations and tokens by it. Synchronise it with NTP.',
      };
    });
}

/** From 1.3.0 to 2.0.2 Nacos wants the list as JSON. */
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
          ? 'That is a state on the way of an upgrade. Finish it.'
          : '1.3.0 to 2.0.2 need format=json in their URL, and all others must not have it. That is a state on the way of an upgrade: finish it.',
    },
  ];
}

function seconds(ms: number): string {
  return `${Math.round(ms / 1_000)} s`;
}
