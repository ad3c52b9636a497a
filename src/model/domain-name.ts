// Domain names: absolute, lower case, A-labels, as one branded string with the trailing dot.
// Never holds what is not a name: parseDomainName is the only way in.
// RFC 1035 §2.3.4 (sizes), §5.1 (presentation escapes); RFC 5890 (A-labels); RFC 9499 (words).

declare const domainName: unique symbol;

/** Presentation form, e.g. `mx1.example.com.`; the root is `.`. Octets other than printable ASCII stand as `\DDD`. */
export type DomainName = string & { readonly [domainName]: true };

export type DomainNameError =
  'empty' | 'empty-label' | 'label-too-long' | 'name-too-long' | 'bad-escape' | 'bad-character' | 'bad-idn';

export type ParsedDomainName =
  { readonly ok: true; readonly name: DomainName } | { readonly ok: false; readonly error: DomainNameError };

/** RFC 1035 §2.3.4: octets in a label. */
const maxLabelOctets = 63;
/** RFC 1035 §2.3.4: octets of a name on the wire, length octets and root included. */
const maxNameOctets = 255;

export const root = '.' as DomainName;

/** Labels of an absolute name, escapes kept; none for the root. */
export function labelsOf(name: DomainName): string[] {
  return name === '.' ? [] : splitLabels(name.slice(0, -1));
}

function splitLabels(text: string): string[] {
  const labels: string[] = [];
  let label = '';
  for (let at = 0; at < text.length; at++) {
    const char = text.charAt(at);
    if (char === '\\') {
      const escaped = /^\d{3}/.test(text.slice(at + 1, at + 4)) ? 4 : 2;
      label += text.slice(at, at + escaped);
      at += escaped - 1;
    } else if (char === '.') {
      labels.push(label);
      label = '';
    } else {
      label += char;
    }
  }
  labels.push(label);
  return labels;
}

/** The octets of one label in presentation form, or null where an escape is malformed. */
export function labelOctets(label: string): Uint8Array | null {
  const octets: number[] = [];
  for (let at = 0; at < label.length; at++) {
    let code = label.charCodeAt(at);
    if (code === 0x5c) {
      const decimal = /^\d{3}/.exec(label.slice(at + 1))?.[0];
      code = decimal === undefined ? label.charCodeAt(at + 1) : Number(decimal);
      at += decimal === undefined ? 1 : 3;
      if (Number.isNaN(code) || code > 255) return null;
    }
    if (code > 255) return null;
    octets.push(code);
  }
  return Uint8Array.from(octets);
}

/** One label in canonical presentation form: lower case, `.` and `\` escaped, the unprintable as `\DDD`. */
export function formatLabel(octets: Uint8Array): string {
  let text = '';
  for (const octet of octets) {
    if (octet >= 0x41 && octet <= 0x5a) text += String.fromCharCode(octet + 32);
    else if (octet === 0x2e || octet === 0x5c) text += `\\${String.fromCharCode(octet)}`;
    else if (octet > 0x20 && octet < 0x7f && !'"();@$'.includes(String.fromCharCode(octet)))
      text += String.fromCharCode(octet);
    else text += `\\${String(octet).padStart(3, '0')}`;
  }
  return text;
}

/** A U-label as its A-label; null where it has none. Label by label, so that `0x7f.1` never becomes an address. */
function toAsciiLabel(label: string): string | null {
  // Beside U-label characters only those of a host name: `/`, `@`, `%` or `\` would be read as parts of a URL.
  // eslint-disable-next-line no-control-regex -- the question is exactly which of ASCII it holds
  if (/[\x00-\x7f]/.test(label.replace(/[\w-]/g, ''))) return null;
  // The WHATWG host parser is IDNA (UTS 46). A trailing fixed label keeps an all-digit result from being read
  // as IPv4.
  const host = URL.parse(`http://${label}.invalid/`)?.hostname;
  if (host?.endsWith('.invalid') !== true) return null;
  const ascii = host.slice(0, -'.invalid'.length);
  return ascii.includes('.') || ascii === '' ? null : ascii;
}

type CanonicalLabel =
  { readonly label: string; readonly octets: number } | { readonly error: DomainNameError };

function canonicalLabel(label: string): CanonicalLabel {
  if (label === '') return { error: 'empty-label' };
  // eslint-disable-next-line no-control-regex -- the question is exactly whether it is ASCII
  const ascii = /^[\x00-\x7f]*$/.test(label) ? label : toAsciiLabel(label);
  if (ascii === null) return { error: 'bad-idn' };
  if (/[\s"();@$]/.test(ascii.replace(/\\./g, ''))) return { error: 'bad-character' };
  const octets = labelOctets(ascii);
  if (octets === null) return { error: 'bad-escape' };
  if (octets.length > maxLabelOctets) return { error: 'label-too-long' };
  return { label: formatLabel(octets), octets: octets.length };
}

/** Labels that are canonical as they stand. */
const canonicalName = /^[a-z0-9_-]{1,63}(?:\.[a-z0-9_-]{1,63})*\.?$/;

/** Parses a name as a person or a zone file writes it; relative text is taken as absolute. */
export function parseDomainName(text: string): ParsedDomainName {
  // Nearly every name; the rest of this function is ten times as slow.
  if (text.length < maxNameOctets - 1 && canonicalName.test(text)) {
    return { ok: true, name: (text.endsWith('.') ? text : `${text}.`) as DomainName };
  }
  if (text === '') return { ok: false, error: 'empty' };
  if (text === '.') return { ok: true, name: root };
  const absolute = text.endsWith('.') && !/(^|[^\\])(\\\\)*\\\.$/.test(text) ? text.slice(0, -1) : text;
  const labels: string[] = [];
  let octets = 1;
  for (const label of splitLabels(absolute)) {
    const canonical = canonicalLabel(label);
    if ('error' in canonical) return { ok: false, error: canonical.error };
    labels.push(canonical.label);
    octets += 1 + canonical.octets;
  }
  if (octets > maxNameOctets) return { ok: false, error: 'name-too-long' };
  return { ok: true, name: `${labels.join('.')}.` as DomainName };
}

/** For names that are known to be good (literals, names built from parsed ones). Throws RangeError otherwise. */
export function domainNameOf(text: string): DomainName {
  const parsed = parseDomainName(text);
  if (!parsed.ok) throw new RangeError(`not a domain name (${parsed.error}): ${JSON.stringify(text)}`);
  return parsed.name;
}

/** True where `name` is `ancestor` or stands below it. */
export function isWithin(name: DomainName, ancestor: DomainName): boolean {
  if (ancestor === '.') return true;
  const below = labelsOf(name);
  const above = labelsOf(ancestor);
  return (
    above.length <= below.length && below.slice(below.length - above.length).join('.') === above.join('.')
  );
}

/** The name one label up; the root's parent is the root. */
export function parentOf(name: DomainName): DomainName {
  const labels = labelsOf(name).slice(1);
  return (labels.length === 0 ? '.' : `${labels.join('.')}.`) as DomainName;
}

/** As people read it: no trailing dot, except the root. */
export function displayName(name: DomainName): string {
  return name === '.' ? '.' : name.slice(0, -1);
}

/** RFC 1123 §2.1 host name (letters, digits, hyphen; last label not all-numeric): what an MTA will connect to. */
export function isHostName(name: DomainName): boolean {
  const labels = labelsOf(name);
  if (labels.length === 0 || /^\d+$/.test(labels.at(-1) ?? '')) return false;
  return labels.every((label) => /^[a-z0-9]([a-z0-9-]*[a-z0-9])?$/.test(label));
}
