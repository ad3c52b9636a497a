// Counts of an audit, and what follows from them for the exit code.

import { exitCodes, type ExitCode } from '../errors.ts';
import type { AuditSummary, Severity } from '../model/audit.ts';
import type { ComparedResult } from '../render/audit/output.ts';

/** What a person asked to be told by the exit code. */
export interface Verdicts {
  /** Findings from here up make it 2. */
  readonly failOn: 'error' | 'warn' | 'never';
  /** Only findings that the baseline does not have. */
  readonly isNewOnly: boolean;
  /** More domains than this without an answer make it 8: a share of those judged, or a number. */
  readonly maxUnknown: { readonly kind: 'share' | 'count'; readonly value: number };
}

export class Tally {
  rows = 0;
  badRows = 0;
  duplicates = 0;
  readonly #outcomes = { good: 0, found: 0, unknown: 0, ignored: 0 };
  readonly #bySeverity: Record<Severity, number> = { error: 0, warn: 0, note: 0 };
  readonly #newBySeverity: Record<Severity, number> = { error: 0, warn: 0, note: 0 };
  readonly #byRule: Record<string, number> = {};
  #held = 0;

  /** Domains that were looked at. */
  get judged(): number {
    return this.#outcomes.good + this.#outcomes.found + this.#outcomes.unknown;
  }

  get outcomes(): Readonly<Record<ComparedResult['outcome'], number>> {
    return this.#outcomes;
  }

  add(result: ComparedResult): void {
    this.#outcomes[result.outcome] += 1;
    this.#held += result.held.length;
    for (const { rule, severity, isNew } of result.findings) {
      this.#bySeverity[severity] += 1;
      if (isNew) this.#newBySeverity[severity] += 1;
      this.#byRule[rule] = (this.#byRule[rule] ?? 0) + 1;
    }
  }

  summary(
    rest: Pick<AuditSummary, 'startedAt' | 'finishedAt' | 'fixed' | 'lookups' | 'shard'>,
  ): AuditSummary {
    const news = this.#newBySeverity;
    return {
      startedAt: rest.startedAt,
      finishedAt: rest.finishedAt,
      rows: this.rows,
      badRows: this.badRows,
      duplicates: this.duplicates,
      ...this.#outcomes,
      bySeverity: { ...this.#bySeverity },
      byRule: Object.fromEntries(Object.entries(this.#byRule).sort(([a], [b]) => (a < b ? -1 : 1))),
      newFindings: news.error + news.warn + news.note,
      fixed: rest.fixed,
      held: this.#held,
      lookups: rest.lookups,
      shard: rest.shard,
    };
  }

  /** A finding is one, however much else is unknown. */
  exitCode({ failOn, isNewOnly, maxUnknown }: Verdicts): ExitCode {
    const found = isNewOnly ? this.#newBySeverity : this.#bySeverity;
    const failing = failOn === 'never' ? 0 : found.error + (failOn === 'warn' ? found.warn : 0);
    if (failing > 0) return exitCodes.found;
    const { unknown } = this.#outcomes;
    const most = maxUnknown.kind === 'count' ? maxUnknown.value : maxUnknown.value * this.judged;
    return unknown > most ? exitCodes.undecided : exitCodes.ok;
  }
}
