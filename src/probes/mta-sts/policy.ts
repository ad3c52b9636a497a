// Reads an MTA-STS record and policy. Nothing here trusts what it reads: both are a stranger's text. RFC 8461 §3.

export type StsMode = 'enforce' | 'testing' | 'none';

export interface StsPolicy {
  readonly mode: StsMode;
  readonly patterns: readonly string[];
}

/** More patterns than any policy has; a policy with more is not read to its end. */
const mostPatterns = 100;

/** RFC 8461 §3.2: about one year; seconds. */
const longestMaxAge = 31_557_600;

/** Text of a TXT record from its presentation form: quoted strings, joined (RFC 8461 §3.1). */
export function joinTxt(rdata: string): string {
  const strings = rdata.match(/"(?:[^"\\]|\\.)*"|\S+/g) ?? [];
  return strings
    .map((one) => (one.startsWith('"') ? one.slice(1, -1) : one))
    .join('')
    .replace(/\\(\d{3}|.)/g, (_, escape: string) =>
      escape.length === 3 ? String.fromCharCode(Number(escape) & 0xff) : escape,
    );
}

/** True where exactly one record says `v=STSv1` with an id; otherwise there is no policy (RFC 8461 §3.1). */
export function announcesPolicy(records: readonly string[]): boolean {
  const announcing = records.map(joinTxt).filter((one) => /^v=STSv1\s*(;|$)/.test(one));
  return announcing.length === 1 && /;\s*id=[A-Za-z0-9]{1,32}\s*(;|$)/.test(announcing[0] ?? '');
}

/** True where somebody wanted to announce a policy, whether it counts or not. */
export function isMeantAsRecord(records: readonly string[]): boolean {
  return records.some((one) => /^\s*v\s*=\s*STSv1/i.test(joinTxt(one)));
}

/** Null where the text is no valid policy. Lines end in LF or CRLF; of doubled keys but `mx` the first counts;
 *  unknown keys are passed over (RFC 8461 §3.2). */
export function parsePolicy(text: string): StsPolicy | null {
  const values = new Map<string, string>();
  const patterns: string[] = [];
  for (const line of text.split(/\r?\n/)) {
    const match = /^([A-Za-z0-9_.-]+):[ \t]*(.*?)[ \t]*$/.exec(line);
    if (match === null) continue;
    const [, key = '', value = ''] = match;
    if (key === 'mx') {
      if (patterns.length < mostPatterns && value !== '') patterns.push(value.toLowerCase());
    } else if (!values.has(key)) {
      values.set(key, value);
    }
  }
  const mode = values.get('mode');
  const maxAge = values.get('max_age') ?? '';
  if (values.get('version') !== 'STSv1' || !/^\d{1,10}$/.test(maxAge) || Number(maxAge) > longestMaxAge)
    return null;
  if (mode !== 'enforce' && mode !== 'testing' && mode !== 'none') return null;
  return mode !== 'none' && patterns.length === 0 ? null : { mode, patterns };
}
