// The run before, as far as this one needs it: since when each finding is known, which are gone, which could not be
// looked for. In memory are its findings and the MTA-STS policies it saw; domains without either leave nothing.

import type { AuditContext, DomainResult, Finding } from '../model/audit.ts';
import type { DomainName } from '../model/domain-name.ts';
import type { ComparedResult, FixedFinding } from '../render/audit/output.ts';
import { isInShard, type Shard } from './audit-domain-set.ts';
import { type AuditRecord, readAuditRecord } from './audit-records.ts';

type Before = NonNullable<ReturnType<AuditContext['before']>>;

const noFindings: readonly never[] = [];

export class Baseline {
  readonly #findings = new Map<DomainName, FixedFinding[]>();
  readonly #policies = new Map<DomainName, Before>();
  /** Thousands of domains share a policy: each is held once. */
  readonly #known = new Map<string, Before>();
  readonly #fixed: FixedFinding[] = [];

  add(record: AuditRecord): void {
    if (record.type !== 'domain') return;
    const { subject, findings, held, sts } = record.result;
    const past: FixedFinding[] = [...findings, ...held];
    if (past.length > 0) this.#findings.set(subject.domain, [...this.#of(subject.domain), ...past]);
    if (sts !== null) this.#policies.set(subject.domain, this.#shared(sts));
  }

  /** Findings that are gone, in the order in which their domains were judged. */
  get fixed(): readonly FixedFinding[] {
    return this.#fixed;
  }

  before(domain: DomainName): Before | null {
    return this.#policies.get(domain) ?? null;
  }

  /** `now`: when the run began; ms. Each result once. */
  compare(result: DomainResult, now: number): ComparedResult {
    const { subject, outcome } = result;
    const past = this.#of(subject.domain);
    // Nearly every domain of a list that is in order.
    if (past.length === 0 && result.findings.length === 0)
      return { ...result, findings: noFindings, held: noFindings };
    const findings = result.findings.map((finding) => aged(finding, past, now));
    // What was found before under another audit, or before the domain was ignored, says nothing now.
    const gone =
      outcome === 'ignored'
        ? []
        : past.filter(
            (one) =>
              one.audit === subject.audit &&
              !findings.some(({ fingerprint }) => fingerprint === one.fingerprint),
          );
    if (result.unknowns.length > 0) return { ...result, findings, held: gone };
    this.#fixed.push(...gone);
    return { ...result, findings, held: [] };
  }

  /** A result that was compared before, or with nothing: what that run knew of the age of a finding still counts. `now`:
   *  when that run began; ms. */
  compareAgain(result: ComparedResult, now: number): ComparedResult {
    const compared = this.compare(result, now);
    const agesOf = new Map(result.findings.map((one) => [one.fingerprint, one.firstSeenAt]));
    const held = result.unknowns.length > 0 ? result.held : [];
    const known = new Set(compared.held.map(({ fingerprint }) => fingerprint));
    return {
      ...compared,
      findings: compared.findings.map((one) => ({
        ...one,
        firstSeenAt: Math.min(one.firstSeenAt, agesOf.get(one.fingerprint) ?? now),
      })),
      held: [...compared.held, ...held.filter(({ fingerprint }) => !known.has(fingerprint))],
    };
  }

  #of(domain: DomainName): readonly FixedFinding[] {
    return this.#findings.get(domain) ?? noFindings;
  }

  #shared(sts: Before): Before {
    const key = `${sts.stsId} ${sts.patterns.join(' ')}`;
    const known = this.#known.get(key);
    if (known === undefined) this.#known.set(key, sts);
    return known ?? sts;
  }
}

/** What of these records concerns the shard. */
export async function loadBaseline(
  values: AsyncIterable<readonly unknown[]>,
  shard: Shard | null,
): Promise<Baseline> {
  const baseline = new Baseline();
  for await (const batch of values) {
    for (const value of batch) {
      const record = readAuditRecord(value);
      if (record?.type === 'domain' && isInShard(record.result.subject.domain, shard)) baseline.add(record);
    }
  }
  return baseline;
}

function aged(finding: Finding, past: readonly FixedFinding[], now: number) {
  const before = past.filter(({ fingerprint }) => fingerprint === finding.fingerprint);
  const firstSeenAt = Math.min(now, ...before.map((one) => one.firstSeenAt));
  return { ...finding, isNew: before.length === 0, firstSeenAt };
}
