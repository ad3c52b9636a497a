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

/** The id of the one record that says `v=STSv1`; null where there is none, or several: then there is no policy
 *  (RFC 8461 §3.1). */
export function announcedId(records: readonly string[]): string | null {
  const announcing = records.map(joinTxt).filter((one) => /^v=STSv1\s*(;|$)/.test(one));
  if (announcing.length !== 1) return null;
  return /;\s*id=([A-Za-z0-9]{1,32})\s*(;|$)/.exec(announcing[0] ?? '')?.[1] ?? null;
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
    const [key, value] = fieldOf(line) ?? [];
    if (key === undefined || value === undefined) continue;
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

/** Key and value without the blanks around it; null where the line is no field. Not one pattern for the whole line: blanks
 *  that could belong to several parts of it are tried in every way, and a policy may have 64 KB of them. */
function fieldOf(line: string): readonly [key: string, value: string] | null {
  const colon = line.indexOf(':');
  const key = line.slice(0, Math.max(0, colon));
  if (!/^[A-Za-z0-9_.-]+$/.test(key) || /[\r\u2028\u2029]/.test(line)) return null;
  let [from, to] = [colon + 1, line.length];
  while (from < to && isBlank(line[from])) from += 1;
  while (to > from && isBlank(line[to - 1])) to -= 1;
  return [key, line.slice(from, to)];
}

function isBlank(one: string | undefined): boolean {
  return one === ' ' || one === '\t';
}
