import type { RefusedCode } from '../model/types.js';

/** Texts about refused callers. */
export const callersEn = {
  title: 'Refused callers',
  help: 'These callers asked for this cluster and were refused. Usually a node’s URL has a mistake.',
  strays: 'Refused callers without a known cluster',
  straysHelp:
    'They asked for another path, or for a cluster that was never bootstrapped. Usually a node’s URL has a mistake: it must end in /nacos/serverlist?self=NODE_IP:8848&expect=3.',
  from: 'From',
  fromUnknown: 'a proxy that does not name its client',
  noSelf: 'no self',
  last: (time: string) => `${time} ago`,
  times: (count: number, text: string, since: string) => (count === 1 ? 'once' : `${text} times in ${since}`),
  more: (count: string) => `and ${count} more: run nacos-address-server events --refused to see them`,
  short: (count: string) => `${count} refused`,
  refusedCode: {
    path: 'No list has this path.',
    astray:
      'A Nacos asked for a path meant for people and programs, not for a list: the path in its URL is wrong.',
    self: 'The value of self= is not a node’s address.',
    unexpanded: 'The value of self= is an unexpanded variable, or came from an empty one.',
    parameter: 'A parameter of the URL is wrong or repeated.',
    'no-self': 'self= is missing, or the server cannot tell which address self=auto comes from.',
    'unknown-cluster':
      'This cluster was never bootstrapped: the name in the path is wrong, or self= is missing.',
    'not-listed': 'It speaks for an address that is not listed.',
    'id-in-use': 'Its id= belongs to another node, which is alive.',
    'other-spelling': 'The node is known under another spelling of this address.',
    'no-member-address': 'No other node could reach a member at this address.',
    'too-many-addresses': 'There is no room for another address.',
    'too-many-clusters': 'There is no room for another cluster.',
    'too-many-of-one': 'A client without a token has created as many entries as it may.',
    token: 'Its token is missing, or is not valid.',
    scope: 'Its token is for another cluster.',
    source: 'Its source may not speak for this address.',
    'same-self': 'Another caller sends the same self= from elsewhere: each node needs its own.',
    member: 'This address may not be listed.',
    rate: 'Too many of its requests were refused or were changes.',
  } satisfies Record<RefusedCode, string>,
};
