import type { Address } from '../../registry/address.js';
import { isOwnAddress } from './homes.js';
import type { DenialReason } from './refusals.js';
import type { Verdict } from './token.js';

/** Why a request may not do what it asks for. */
export interface AccessDenial {
  readonly because: DenialReason;
  readonly status: 401 | 403;
  readonly sentence: string;
  /** Whether it is only noted, and the request goes on (AUTH_MODE=warn). */
  readonly passes: boolean;
}

/** Where a request comes from, as its connection knows it. */
export interface Source {
  /** Undefined when a proxy does not say. */
  readonly client: string | undefined;
  /** The address that was last found to be the connection's own; a note of {@link sourceDenial}. */
  ownAddress?: Address;
}

/** `aim`: what the token was given for, as in "to change nacos/serverlist"; `how`: how one is given. */
export function tokenDenial(
  verdict: Verdict,
  aim: string,
  how: string,
  passes: boolean,
): AccessDenial | undefined {
  switch (verdict) {
    case 'granted':
      return undefined;
    case 'missing': {
      const sentence = `a token is needed ${aim}, and none was given; send ${how}`;
      return { because: 'token', status: 401, sentence, passes };
    }
    case 'unknown': {
      const sentence = `the token that was given ${aim} is not valid, or no longer; send a valid one`;
      return { because: 'token', status: 401, sentence, passes };
    }
    case 'elsewhere': {
      const sentence = `the token that was given ${aim} is for another cluster; send one for this`;
      return { because: 'scope', status: 403, sentence, passes };
    }
  }
}

/** VERIFY_SOURCE=on. A host name cannot be checked without trusting whoever answers for names. */
export function sourceDenial(address: Address, source: Source): AccessDenial | undefined {
  if (source.ownAddress === address) return undefined;
  const { client } = source;
  if (client !== undefined && isOwnAddress(address, client)) {
    source.ownAddress = address;
    return undefined;
  }
  const from = client === undefined ? 'an address that its proxy does not name' : client;
  const sentence = `self="${address}" is not where the request comes from, ${from}, as VERIFY_SOURCE=on demands; use self=auto`;
  return { because: 'source', status: 403, sentence, passes: false };
}
