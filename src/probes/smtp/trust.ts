// Which CAs a hop's certificate is judged by, one TLS context for each `ca_file`. Read once a process: a probe every
// few seconds must not read and parse some 150 certificates each time.

import { readFileSync } from 'node:fs';
import type { SecureContext } from 'node:tls';

import { ConfigError } from '../../errors.ts';
import { createProbeContext } from '../../smtp/tls.ts';

/** Context for a policy's `caFile`. Throws ConfigError where it cannot be read: judging by fewer CAs than the operator
 *  named would block a flip for a reason nobody sees. */
export type TrustStore = (caFile: string | null) => SecureContext;

export function createTrustStore(caCertificates: readonly string[]): TrustStore {
  const contexts = new Map<string | null, SecureContext>();
  return (caFile) => {
    const context = contexts.get(caFile) ?? load(caFile, caCertificates);
    contexts.set(caFile, context);
    return context;
  };
}

function load(caFile: string | null, caCertificates: readonly string[]): SecureContext {
  if (caFile === null) return createProbeContext(caCertificates);
  try {
    return createProbeContext([...caCertificates, readFileSync(caFile, 'utf8')]);
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new ConfigError('config-invalid', `cannot use the CA file ${caFile}: ${reason}`, {
      hint: 'name a readable PEM file in ca_file of the probe, or take the line out',
      cause: error,
    });
  }
}
