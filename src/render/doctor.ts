// What `doctor` found, as lines and as a document. What fails comes last: the last lines are the ones that are read.

import type { CheckStatus, Finding } from '../app/doctor-finding.ts';
import type { Diagnosis } from '../app/doctor.ts';
import { sanitise } from '../model/text.ts';
import { formatInstant, iso } from './duration.ts';
import { hang, justify, pad, type Style, type Tone } from './terminal.ts';

const words: Readonly<Record<CheckStatus, string>> = { ok: 'ok', unknown: '?', warn: 'warn', fail: 'FAIL' };
const tones: Readonly<Record<CheckStatus, Tone>> = {
  ok: 'good',
  unknown: 'faint',
  warn: 'warn',
  fail: 'bad',
};
const order: readonly CheckStatus[] = ['ok', 'unknown', 'warn', 'fail'];
const wordWidth = 6;
/** The longest name of a check and a gap. */
const nameWidth = 11;

export function renderDiagnosis(diagnosis: Diagnosis, style: Style): string[] {
  const { findings, vantage, at } = diagnosis;
  const sorted = order.flatMap((status) => findings.filter((one) => one.status === status));
  return [
    ...justify(`doctor on ${sanitise(vantage)}`, formatInstant(at), style.width),
    ...sorted.flatMap((one) => findingLines(one, style)),
    summary(findings, style),
  ];
}

function findingLines({ check, subject, status, text, next }: Finding, style: Style): string[] {
  const word = style.paint(tones[status], pad(words[status], wordWidth));
  const lead = word + pad(check, nameWidth);
  const about = subject === null ? '' : `${sanitise(subject)}: `;
  const indent = ' '.repeat(wordWidth + nameWidth);
  return [
    ...hang(lead, about + text, style.width),
    ...(next === null ? [] : hang(`${indent}-> `, sanitise(next, 300), style.width)),
  ];
}

function summary(findings: readonly Finding[], style: Style): string {
  const counts = countsOf(findings);
  const parts = [
    counts.fail > 0 ? style.paint('bad', `${counts.fail} FAIL`) : null,
    counts.warn > 0 ? style.paint('warn', `${counts.warn} to look at`) : null,
    counts.unknown > 0 ? `${counts.unknown} not known from here` : null,
    `${counts.ok} ok`,
  ];
  return parts.filter((one) => one !== null).join(', ');
}

function countsOf(findings: readonly Finding[]): Readonly<Record<CheckStatus, number>> {
  const count = (status: CheckStatus) => findings.filter((one) => one.status === status).length;
  return { ok: count('ok'), warn: count('warn'), fail: count('fail'), unknown: count('unknown') };
}

export function doctorDocument({ vantage, at, findings }: Diagnosis): Record<string, unknown> {
  return {
    vantage,
    at: iso(at),
    counts: countsOf(findings),
    findings: findings.map(({ check, subject, status, text, next }) => ({
      check,
      subject,
      status,
      message: text,
      next,
    })),
  };
}
