// The `type: rfc2136` block: a name server that takes signed UPDATEs (RFC 2136, RFC 8945). Shape only.

import { z } from 'zod';
import { dnsPort, domainName, duration, secretSource, serverAddress } from '../config-parts.ts';

/** RFC 8945 §6 makes hmac-sha256 mandatory; md5 must not be used and sha1 should not, so neither is here. */
const tsigAlgorithms = ['hmac-sha256', 'hmac-sha384', 'hmac-sha512'] as const;

export const rfc2136ConfigSchema = z
  .strictObject({
    type: z.literal('rfc2136'),
    server: serverAddress(dnsPort).describe(
      'Primary that takes the UPDATE: address, address:port or {address, port}. Secondaries follow by NOTIFY.',
    ),
    tsig: z
      .strictObject({
        name: domainName.describe('Key name, as the server knows it.'),
        algorithm: z.enum(tsigAlgorithms).default('hmac-sha256').describe('One key, one algorithm.'),
        secret: secretSource.describe('Where the key is kept, in base64 as tsig-keygen prints it.'),
      })
      .describe('Key that signs every message (RFC 8945). Unsigned updates are not sent.'),
    // Ten seconds: a primary answers in milliseconds, a lost SYN is repeated after 1, 3 and 7.
    timeout: duration('1s', '5m').default(10_000).describe('Longest wait for one answer; default 10s.'),
  })
  .transform(({ type, server, tsig, timeout }) => ({ type, server, tsig, timeoutMs: timeout }))
  .meta({ id: 'Rfc2136Provider', description: 'A name server that takes dynamic updates (RFC 2136).' });

export type Rfc2136Config = Readonly<z.output<typeof rfc2136ConfigSchema>>;
