// The word every canary carries: `mxc-<ulid>-<mac>`, in lower case. Who does not know the key cannot make one that
// counts. Survives case folding and is one word of a header field. Holds no list: what was sent is for the store.
// RFC 2104 (HMAC), RFC 4648 §6 (base32).

import { createHmac, timingSafeEqual } from 'node:crypto';

import { ConfigError } from '../../errors.ts';
import type { Secret } from '../../model/secret.ts';

/** As the ULID specification writes them: Crockford's base32, 48 bits of time, so never above 7 at the start. */
const ulid = /^[0-7][0-9A-HJKMNP-TV-Z]{25}$/;

/** In any text, but not out of the middle of a longer word. */
const tokenInText = /(?<![a-z0-9])mxc-[0-7][0-9a-hjkmnp-tv-z]{25}-[a-z2-7]{26}(?![a-z0-9])/gi;
const wholeToken = /^mxc-([0-7][0-9a-hjkmnp-tv-z]{25})-([a-z2-7]{26})$/i;

/** RFC 2104 §5: not less than half of the hash. 128 bits is that half, and cannot be guessed by sending. */
const macOctets = 16;
/** Less cannot be random text of 64 bits, which is what a stranger with one canary would have to go through. */
const minKeyLength = 16;

/** Of one text: headers of a letter or of a notification are a few KiB, and the token is at their beginning. */
const maxTextLength = 256 * 1024;

export interface TokenMint {
  /** Throws RangeError for an id that is no ULID in upper case, as the store has them. */
  tokenOf(id: string): string;
  /** The id of a token of our making, in upper case; null for any other. Constant time for what is shaped like one. */
  idOf(token: string): string | null;
}

/** Throws ConfigError for a key that is too short to keep strangers out. */
export function createTokenMint(key: Secret): TokenMint {
  if (key.reveal().length < minKeyLength) {
    throw new ConfigError('config-invalid', `the canary key is shorter than ${minKeyLength} characters`, {
      hint: 'make one with `openssl rand -base64 32` and put it where canary.key says',
    });
  }
  const macOf = (id: string): string =>
    base32(createHmac('sha256', key.reveal()).update(id).digest().subarray(0, macOctets));
  return {
    tokenOf(id) {
      if (!ulid.test(id)) throw new RangeError(`not the id of a canary: ${JSON.stringify(id)}`);
      return `mxc-${id.toLowerCase()}-${macOf(id)}`;
    },
    idOf(token) {
      const match = wholeToken.exec(token);
      if (match?.[1] === undefined || match[2] === undefined) return null;
      const id = match[1].toUpperCase();
      // As text and not decoded: the last digit has two bits to spare, and a token has one form only.
      return timingSafeEqual(Buffer.from(match[2].toLowerCase()), Buffer.from(macOf(id))) ? id : null;
    },
  };
}

/** What is shaped like a token, in lower case, each once, in the order of the text; at most `most`. Whether one is
 *  ours is for `idOf` to say. */
export function findTokens(text: string, most = 16): string[] {
  const found = new Set<string>();
  for (const [token] of text.slice(0, maxTextLength).matchAll(tokenInText)) {
    if (found.size >= most) break;
    found.add(token.toLowerCase());
  }
  return [...found];
}

const digits = 'abcdefghijklmnopqrstuvwxyz234567';

/** RFC 4648 §6, in lower case and without padding. */
function base32(octets: Uint8Array): string {
  let text = '';
  let bits = 0;
  let pending = 0;
  for (const octet of octets) {
    pending = (pending << 8) | octet;
    bits += 8;
    for (; bits >= 5; bits -= 5) text += digits.charAt((pending >> (bits - 5)) & 31);
    pending &= (1 << bits) - 1;
  }
  return bits === 0 ? text : text + digits.charAt((pending << (5 - bits)) & 31);
}
