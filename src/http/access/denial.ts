import type { Address } from '../../registry/address.js';
import { isOwnAddress } from './homes.js';
import type { DenialReason } from './refusals.js';
import type { Verdict } from './token.js';

/** Why a request may not do what it asks for. */
export interface AccessDenial {
  readonly because: DenialReason;
  readonly status: 401 | 403;
  readonly sentence: string;
  /** Whether the request goes on and the denial is only recorded (AUTH_MODE=warn). */
  readonly passes: boolean;
}

/** The source of a request, as far as its connection knows it. */
export interface Source {
  /** Undefined when a proxy does not name the client. */
  readonly client: string | undefined;
  /** The address last found to be the connection's own; cached by {@link sourceDenial}. */
  ownAddress?: Address;
}

/** `aim`: the purpose of the token, as in "to change nacos/serverlist"; `how`: how to send one. */
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

/**
 * The denial by VERIFY_SOURCE=on. A host name is not checked, since that would mean trusting its name server.
 */
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
