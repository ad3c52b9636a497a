// One question to one DNS server of the sandbox: how its resolver asks an authority, and how its sender asks the
// resolver. Through our own client: dns2's asks only for types it has names for, and no TLSA is among them.

import type { DnsClient } from '../dns/client.ts';
import type { DomainName } from '../model/domain-name.ts';
import type { ServerAddress } from '../model/route.ts';
import type { Rrset, RrType } from '../model/rrset.ts';
import { rrsetsOf } from './records.ts';

export interface Reply {
  /** Header RCODE. */
  readonly rcode: number;
  readonly isAuthoritative: boolean;
  readonly answers: readonly Rrset[];
  readonly authorities: readonly Rrset[];
}

export interface AskContext {
  readonly client: DnsClient;
  readonly server: ServerAddress;
  readonly timeoutMs: number;
  readonly recursionDesired: boolean;
}

/** null where no answer came in time. */
export async function ask(
  { client, server, timeoutMs, recursionDesired }: AskContext,
  name: DomainName,
  type: RrType,
): Promise<Reply | null> {
  const never = new AbortController().signal;
  const answered = await client.ask(
    server,
    { name, type },
    { recursionDesired, timeoutMs, attempts: 1 },
    never,
  );
  if (!answered.ok) return null;
  const { rcode, isAuthoritative, answers, authorities } = answered.message;
  return { rcode, isAuthoritative, answers: rrsetsOf(answers), authorities: rrsetsOf(authorities) };
}
