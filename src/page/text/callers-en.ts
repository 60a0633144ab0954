import type { RefusedCode } from '../model/types.js';

/** All texts about callers that are refused. */
export const callersEn = {
  title: 'Refused callers',
  help: 'They named this cluster and were refused. Mostly it is a slip in a node’s URL.',
  strays: 'Refused callers of no known cluster',
  straysHelp:
    'They asked for something else, or for a cluster that nobody had bootstrapped. Mostly it is a slip in a node’s URL, which ends in /nacos/serverlist?self=NODE_IP:8848&expect=3.',
  from: 'From',
  fromUnknown: 'a proxy that does not say for whom',
  noSelf: 'no self',
  last: (time: string) => `${time} ago`,
  times: (count: number, text: string, since: string) => (count === 1 ? 'once' : `${text} times in ${since}`),
  more: (count: string) => `and ${count} more: nacos-address-server events --refused shows them`,
  short: (count: string) => `${count} refused`,
  refusedCode: {
    path: 'The path is no list’s.',
    astray: 'A Nacos asks for what is for people and programs, and no list: its URL has another path.',
    self: 'What stands after self= is no address of a node.',
    unexpanded: 'What stands after self= is a variable that nobody expanded, or that was empty.',
    parameter: 'A parameter of the URL is wrong, or is given twice.',
    'no-self': 'self= is missing, or nobody can tell where self=auto comes from.',
    'unknown-cluster':
      'Nobody has bootstrapped this cluster: the name in the path is wrong, or self= is missing.',
    'not-listed': 'It speaks for an address that is not listed.',
    'id-in-use': 'Its id= belongs to another node, which is alive.',
    'other-spelling': 'The node is known under another spelling of this address.',
    'no-member-address': 'No other node could reach a member at this address.',
    'too-many-addresses': 'There is no room for another address.',
    'too-many-clusters': 'There is no room for another cluster.',
    'too-many-of-one': 'One client without a token has made as much as it may.',
    token: 'Its token is missing, or is not valid.',
    scope: 'Its token is for another cluster.',
    source: 'From where it comes it may not speak for this address.',
    'same-self': 'Another caller says the same self= from elsewhere: each node needs its own.',
    member: 'This address may not be listed.',
    rate: 'Too many of its requests were refused, or would change something.',
  } satisfies Record<RefusedCode, string>,
};
