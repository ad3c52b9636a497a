// Signs a canary, so that a filter that knows the sender's domain lets it through. Nodemailer makes the signature; it
// leaves a message unsigned where it cannot use the key, and labels whatever it makes rsa-sha256, so the key is judged
// here before anything is sent. RFC 6376, RFC 8301.

import { createPrivateKey, type KeyObject } from 'node:crypto';
import { buffer } from 'node:stream/consumers';

import { ConfigError } from '../../errors.ts';
import type { DkimKey } from '../../model/canary.ts';
import type { Secret } from '../../model/secret.ts';
import { sanitise } from '../../model/text.ts';

/** Puts the signature before the message's header. The same message gives the same octets. */
export type Sign = (message: Buffer) => Promise<Buffer>;

/** RFC 8301 §3.2: signers MUST use at least 1024 bits; verifiers refuse fewer. */
const minKeyBits = 1024;

/** RFC 6376 §5.4.1, of those a canary has, and its own: a filter that changes one of them breaks the signature. */
const signedFields = [
  'From',
  'To',
  'Subject',
  'Date',
  'Message-ID',
  'MIME-Version',
  'Content-Type',
  'Content-Transfer-Encoding',
  'Auto-Submitted',
  'X-Mxctl-Canary',
  'X-Mxctl-Route',
  'X-Mxctl-Path',
  'X-Mxctl-Hop',
  'X-Mxctl-Vantage',
].join(':');

/** Throws ConfigError where the key cannot sign. */
export function createDkimSigner(key: DkimKey, privateKey: Secret): Sign {
  checkKey(key, privateKey);
  return async (message) => {
    const { default: DKIM } = await import('nodemailer/lib/dkim');
    const signer = new DKIM({
      domainName: key.domain,
      keySelector: key.selector,
      privateKey: privateKey.reveal(),
      headerFieldNames: signedFields,
    });
    const signed = await buffer(signer.sign(message));
    if (!signed.subarray(0, 15).equals(Buffer.from('DKIM-Signature:'))) {
      throw new TypeError('nodemailer did not sign with a key it should have taken');
    }
    return signed;
  };
}

function checkKey(key: DkimKey, privateKey: Secret): void {
  const refuse = (why: string): ConfigError =>
    new ConfigError('config-invalid', `cannot sign canaries for ${sanitise(key.domain)}: ${why}`, {
      hint: 'make a key with `openssl genrsa 2048`, publish its public half, and put it where dkim.private_key says',
    });
  let parsed: KeyObject;
  try {
    parsed = createPrivateKey(privateKey.reveal());
  } catch {
    // What OpenSSL says may quote what it read.
    throw refuse('dkim.private_key is not a private key in PEM without a passphrase');
  }
  // RFC 8463 has Ed25519 too; nodemailer does not make it, and half of the verifiers would ignore it.
  if (parsed.asymmetricKeyType !== 'rsa') throw refuse('dkim.private_key is not an RSA key');
  const bits = parsed.asymmetricKeyDetails?.modulusLength ?? 0;
  if (bits < minKeyBits) throw refuse(`dkim.private_key has ${bits} bits, fewer than ${minKeyBits}`);
}
