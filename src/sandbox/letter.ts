// A letter on its way, and what its header tells. RFC 5322 §2.2 (fields), RFC 5321 §4.4 (Received).

export interface Letter {
  readonly from: string;
  readonly to: readonly string[];
  /** Header and body with CRLF, trace fields of the hops on top. */
  readonly text: string;
}

const headerText = (text: string): string => text.slice(0, text.indexOf('\r\n\r\n') + 2);

/** First field of that name; null where there is none. `name` is plain letters and hyphens. */
export function headerOf(text: string, name: string): string | null {
  return new RegExp(`^${name}: *(.*)$`, 'im').exec(headerText(text))?.[1]?.trim() ?? null;
}

/** Exchanges it passed, first one first: every hop put its trace on top. */
export function hopsOf(text: string): string[] {
  const traces = headerText(text).matchAll(/^Received: from .* by (\S+) with/gm);
  return [...traces].map((match) => match[1] ?? '').reverse();
}
