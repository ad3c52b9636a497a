// The JSON text of a domain's record (record.ts), octet for octet, put together from parts that thousands of domains share:
// a list as a rule is one file, and most of its domains publish what others do and have nothing else to tell.

import { displayName } from '../../model/domain-name.ts';
import { jsonText } from './escapes.ts';
import type { ComparedResult } from './output.ts';
import { domainRecord } from './record.ts';

/** Nothing in such a name stands for itself otherwise than in JSON. */
const plainName = /^[a-z0-9._-]+$/;

/** For the domains of one output. */
export function createDomainText(): (result: ComparedResult) => string {
  const fileText = lastText();
  const auditText = lastText();
  const mxTexts = new WeakMap<readonly string[], string>();
  const mxText = (mx: readonly string[]): string => {
    const known = mxTexts.get(mx);
    if (known !== undefined) return known;
    const text = jsonText(mx);
    mxTexts.set(mx, text);
    return text;
  };
  return (result) => {
    const { subject, findings, unknowns, held, sts } = result;
    const name = displayName(subject.domain);
    const isPlain = findings.length + unknowns.length + held.length === 0 && sts === null;
    if (!isPlain || !plainName.test(name)) return jsonText(domainRecord(result));
    const { file, line } = subject.source;
    const place = `"file":${fileText(file)},"line":${line},"audit":${auditText(subject.audit)}`;
    const rest = `"mx":${mxText(result.mx)},"findings":[],"unknowns":[],"held":[],"sts":null`;
    return `{"type":"domain","outcome":"${result.outcome}","domain":"${name}",${place},${rest}}`;
  };
}

/** JSON text of what is asked for, kept for the next time. */
function lastText(): (value: string | null) => string {
  let last: string | null = null;
  let text = 'null';
  return (value) => {
    if (value !== last) {
      last = value;
      text = jsonText(value);
    }
    return text;
  };
}
