// The CAs a place of arrival is judged by: those of Node, and the operator's own file.

import { readFileSync } from 'node:fs';
import { createSecureContext, getCACertificates } from 'node:tls';

import { ConfigError } from '../../../errors.ts';
import { sanitise } from '../../../model/text.ts';

/** PEM texts; null = what Node trusts. Throws ConfigError for a file that is none: judging by fewer CAs than were named
 *  would call a mailbox unreadable for a reason nobody sees. */
export function trustedCertificates(caFile: string | null): string[] | null {
  if (caFile === null) return null;
  try {
    const pem = readFileSync(caFile, 'utf8');
    if (!pem.includes('-----BEGIN CERTIFICATE-----')) throw new Error('it holds no certificate in PEM');
    createSecureContext({ ca: pem });
    return [...getCACertificates('default'), pem];
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new ConfigError(
      'config-invalid',
      `cannot use the CA file ${sanitise(caFile)}: ${sanitise(reason)}`,
      {
        hint: 'name a readable PEM file in ca_file of canary.arrival, or take the line out',
        cause: error,
      },
    );
  }
}
