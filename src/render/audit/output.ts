// What a format of the audit is: text in pieces, as the run goes on. An output never sees all domains at once, keeps at
// most a bounded number of findings, opens no file and knows no clock; whoever drives it writes what it returns, in the
// order of the calls, and nothing in between.

import type { BadRow, ComparedFinding, DomainResult, AuditSummary, Rule } from '../../model/audit.ts';
import type { Style } from '../terminal.ts';

/** What is said of a rule in reports. */
export type RuleWords = Pick<Rule, 'id' | 'severity' | 'title' | 'why' | 'reference'>;

/** A domain whose findings are compared with the run before. */
export interface ComparedResult extends Omit<DomainResult, 'findings'> {
  readonly findings: readonly ComparedFinding[];
  /** Findings of the run before that could not be looked for now, because something of the domain is unknown: neither
   *  found nor fixed. ndjson and json hand them on, so that they keep their age. */
  readonly held: readonly FixedFinding[];
}

/** A finding of the run before that is gone: its domain was judged and no longer has it. */
export type FixedFinding = Omit<ComparedFinding, 'isNew'>;

export interface AuditRun {
  /** Instant; ms. */
  readonly startedAt: number;
  readonly version: string;
  /** Of the configuration, in its order; empty where all domains were named by hand. */
  readonly audits: readonly string[];
  readonly rules: readonly RuleWords[];
  /** File of the run before, as given; null = nothing to compare with, and no finding is called new or old. */
  readonly baseline: string | null;
  /** Findings that the baseline has are left out, except where the next run reads them (json, ndjson). */
  readonly isNewOnly: boolean;
  /** `3/16`; null = all of the list. */
  readonly shard: string | null;
  /** Of the terminal or the file that human and table go to. */
  readonly style: Style;
}

/** One format of one run. Every method returns text to append as it is, line ends included; '' = nothing yet. */
export interface AuditOutput {
  begin(): string;
  domain(result: ComparedResult): string;
  badRow(row: BadRow): string;
  end(summary: AuditSummary, fixed: readonly FixedFinding[]): string;
}
