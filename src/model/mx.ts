// MX values: preference (lower is tried first, RFC 5321 §5.1) and exchange. Null MX: RFC 7505 §3.

import { type DomainName, parseDomainName, root } from './domain-name.ts';

export interface Mx {
  /** 0..65535; lower is tried first. */
  readonly preference: number;
  readonly exchange: DomainName;
}

/** RFC 7505 §3: the domain takes no mail. */
export const nullMx: Mx = { preference: 0, exchange: root };

/** Canonical presentation form, e.g. `10 mx1.example.com.`. */
export function formatMx(mx: Mx): string {
  return `${mx.preference} ${mx.exchange}`;
}

/** Null where the text is not an MX value. */
export function parseMx(rdata: string): Mx | null {
  const match = /^(\d{1,5})\s+(\S+)$/.exec(rdata);
  const preference = Number(match?.[1]);
  const parsed = parseDomainName(match?.[2] ?? '');
  if (match === null || preference > 65535 || !parsed.ok) return null;
  return { preference, exchange: parsed.name };
}

/** True for `. ` at any preference: Postfix takes `10 .` as null too (RFC 7505 §3 wants 0). */
export function isNullMx(mx: Mx): boolean {
  return mx.exchange === root;
}

/** Sender order: preference first; equal preferences keep their order here (a sender shuffles them). */
export function byPreference(a: Mx, b: Mx): number {
  return a.preference - b.preference;
}
