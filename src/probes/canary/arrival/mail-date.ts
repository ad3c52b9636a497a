// The date of a header or trace field. Pure. RFC 5322 §3.3, and the obsolete forms of §4.3.

const months = ['jan', 'feb', 'mar', 'apr', 'may', 'jun', 'jul', 'aug', 'sep', 'oct', 'nov', 'dec'];

/** Hours from UTC. RFC 5322 §4.3. */
const namedZones: Readonly<Record<string, number>> = {
  ...{ ut: 0, gmt: 0, utc: 0, est: -5, edt: -4, cst: -6, cdt: -5, mst: -7, mdt: -6, pst: -8, pdt: -7 },
};

const form =
  /^(?:[a-z]{3,9}\s*,?\s*)?(\d{1,2})[\s-]+([a-z]{3})[a-z]*[\s-]+(\d{2,4})\s+(\d{1,2})\s*:\s*(\d{2})(?:\s*:\s*(\d{2})(?:\.\d+)?)?\s*([+-]\d{4}|[a-z]{1,5})?(?:\s|$)/i;

/** ms since the epoch; null where it is no date. */
export function parseMailDate(text: string): number | null {
  // A date has some 31 characters, with comments twice that: 200 bound the work, not the dates.
  const bare = withoutComments(text.slice(0, 200)).trim();
  const found = form.exec(bare);
  if (found === null) return null;
  const [, day, name = '', yearText = '', hour, minute, second = '0', zone = ''] = found;
  const month = months.indexOf(name.toLowerCase());
  const offsetMinutes = parseZone(zone.toLowerCase());
  if (month < 0 || offsetMinutes === null) return null;
  const parts = [fullYear(yearText), month, Number(day), Number(hour), Number(minute)] as const;
  // RFC 5322 §3.3: 60 is a leap second. Date.UTC counts it on.
  const isPossible = parts[2] >= 1 && parts[3] <= 23 && parts[4] <= 59 && Number(second) <= 60;
  const at = Date.UTC(...parts, Number(second)) - offsetMinutes * 60_000;
  // Date.UTC turns 31 February into 3 March.
  const isDay = new Date(Date.UTC(parts[0], month, parts[2])).getUTCDate() === parts[2];
  return isPossible && isDay ? at : null;
}

/** RFC 5322 §4.3: two digits up to 49 are of this century, three are counted from 1900. */
function fullYear(text: string): number {
  const year = Number(text);
  if (text.length === 2 && year < 50) return 2000 + year;
  return text.length < 4 ? 1900 + year : year;
}

function parseZone(zone: string): number | null {
  const digits = /^([+-])(\d{2})(\d{2})$/.exec(zone);
  if (digits !== null) {
    const minutes = Number(digits[2]) * 60 + Number(digits[3]);
    return digits[1] === '-' ? -minutes : minutes;
  }
  // RFC 5322 §4.3 reads military letters and names it does not know as -0000. Letters are read so; a name is not, nor is
  // a zone that is missing: hours of waiting at a hop that come from a guess would point at the wrong one.
  if (/^[a-ik-z]$/.test(zone)) return 0;
  const hours = namedZones[zone];
  return hours === undefined ? null : hours * 60;
}

/** Nested ones too: RFC 5322 §3.2.2. */
function withoutComments(text: string): string {
  let depth = 0;
  let kept = '';
  for (const char of text) {
    if (char === '(') depth += 1;
    else if (char === ')') {
      depth = Math.max(0, depth - 1);
      kept += ' ';
    } else if (depth === 0) kept += char;
  }
  return kept;
}
