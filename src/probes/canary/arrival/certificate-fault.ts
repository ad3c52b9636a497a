// A certificate that does not hold, in words: what is wrong with it and what to do. Pure. RFC 9525, RFC 5280 §6.

import { sanitise } from '../../../model/text.ts';

export interface Fault {
  /** Goes on from the name of the place: `showed an expired certificate`. */
  readonly why: string;
  readonly hint: string;
}

const renew = (why: string): Fault => ({ why, hint: 'renew it there; check the clock of this machine too' });
const untrusted: Fault = {
  why: 'showed a certificate of a CA that is not trusted here',
  hint: 'name its CA in ca_file of canary.arrival',
};

/** By the codes of OpenSSL as Node has them. */
const faults: Readonly<Record<string, Fault>> = {
  CERT_HAS_EXPIRED: renew('showed a certificate that has expired'),
  CERT_NOT_YET_VALID: renew('showed a certificate that is not valid yet'),
  DEPTH_ZERO_SELF_SIGNED_CERT: {
    why: 'showed a certificate it signed itself',
    hint: 'name that certificate in ca_file of canary.arrival, or give the server one of a CA',
  },
  SELF_SIGNED_CERT_IN_CHAIN: untrusted,
  UNABLE_TO_GET_ISSUER_CERT: untrusted,
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: untrusted,
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: {
    why: 'showed a certificate that no trusted CA signed, or left out the intermediate one',
    hint: 'let it send its whole chain, or name its CA in ca_file of canary.arrival',
  },
};

/** null where the error is about something else. */
export function certificateFault(error: Error, host: string): Fault | null {
  const { code } = error as NodeJS.ErrnoException;
  if (code === 'ERR_TLS_CERT_ALTNAME_INVALID') {
    return {
      why: `showed a certificate for another name than ${sanitise(host)}`,
      hint: 'use the name that the certificate has, or get one for this name',
    };
  }
  return faults[code ?? ''] ?? null;
}
