// The domain that a name could be registered under, by the Public Suffix List. Loaded when first asked for: few runs meet
// an exchange that does not exist, and the list costs as much as a start.

import { displayName, type DomainName, parseDomainName } from '../model/domain-name.ts';

/** Null where there is none: a public suffix itself, or no host name. */
export async function registrableDomainOf(name: DomainName): Promise<DomainName | null> {
  const { getDomain } = await import('tldts');
  // Private suffixes too: whoever may take a name below them may take the mail (`example.cloudprovider.tld`).
  const domain = getDomain(displayName(name), { allowPrivateDomains: true, extractHostname: false });
  const parsed = parseDomainName(domain ?? '');
  return domain !== null && parsed.ok ? parsed.name : null;
}
