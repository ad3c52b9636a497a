// The audit: rows of inventories become domains, facts of them are gathered, judged, compared with the run before and
// handed on, each as soon as it is settled. Nothing grows with the list but 64 bits a domain: rows are read when there
// is room for another domain in work, and there is room when what was written has gone out.

import type { ExitCode } from '../errors.ts';
import type { Gatherer, GatherWants } from '../gather/gather.ts';
import type { Inventory, InventoryRow } from '../inventory/inventory.ts';
import { judgeDomain } from '../audit/index.ts';
import type {
  AuditContext,
  AuditSubject,
  AuditSummary,
  BadRow,
  DomainFacts,
  DomainResult,
  Expectation,
} from '../model/audit.ts';
import type { DomainName } from '../model/domain-name.ts';
import { type AuditIgnore, isOver } from '../model/ignore.ts';
import { formatMx } from '../model/mx.ts';
import type { ComparedResult, FixedFinding } from '../render/audit/output.ts';
import type { Clock } from '../runtime/clock.ts';
import type { Baseline } from './audit-baseline.ts';
import { isInShard, type Shard, TextSet } from './audit-domain-set.ts';
import { Tally, type Verdicts } from './audit-tally.ts';

/** Domains that are judged alike. */
export interface AuditPart {
  /** Of the configuration; null = named by hand. */
  readonly audit: string | null;
  readonly inventory: Inventory;
  readonly expectation: Expectation | null;
  readonly ignores: readonly AuditIgnore[];
  readonly context: AuditContext;
  readonly wants: GatherWants;
}

export interface AuditRequest {
  /** When the run began; ms. */
  readonly startedAt: number;
  readonly parts: readonly AuditPart[];
  readonly verdicts: Verdicts;
  readonly shard: Shard | null;
  readonly baseline: Baseline;
  /** Domains in work at once; 1 = results come in the order of the rows. */
  readonly concurrency: number;
}

/** Where results go. */
export interface AuditSink {
  domain(result: ComparedResult): void;
  badRow(row: BadRow): void;
  /** Null where there is room for more, else resolves when there is. */
  room(): Promise<void> | null;
  /** True where nobody reads any more. */
  isClosed(): boolean;
}

export interface AuditDeps {
  readonly gatherer: Gatherer;
  /** A fingerprint, hex. */
  readonly digest: (text: string) => string;
  /** 32 bits of chance. */
  readonly seed: number;
  readonly clock: Clock;
}

export interface AuditProgress {
  readonly judged: number;
  readonly found: number;
  readonly unknown: number;
  /** Of the list that is left, 0 to 1; null where its size is not known. */
  readonly share: number | null;
}

export interface AuditEnd {
  readonly summary: AuditSummary;
  readonly fixed: readonly FixedFinding[];
  readonly exitCode: ExitCode;
}

/** Throws the signal's reason on abort; what was handed to the sink by then is true, and not all. */
export async function runAudit(
  request: AuditRequest,
  deps: AuditDeps,
  sink: AuditSink,
  signal: AbortSignal,
  onProgress: (progress: AuditProgress) => void,
): Promise<AuditEnd> {
  const run = new Run(request, deps, sink, signal);
  for (const [at, part] of request.parts.entries()) {
    if (sink.isClosed()) break;
    const share = () => shareOf(at, part.inventory.share(), request.parts.length);
    for await (const batch of part.inventory.rows) {
      for (const row of batch) await run.take(row, part);
      onProgress(run.progress(share()));
      if (sink.isClosed()) break;
    }
  }
  await run.settled();
  return run.end();
}

/** Parts count alike: how long one is, is known when it is read. */
function shareOf(done: number, share: number | null, parts: number): number | null {
  return share === null ? null : (done + share) / parts;
}

class Run {
  readonly #request: AuditRequest;
  readonly #deps: AuditDeps;
  readonly #sink: AuditSink;
  readonly #signal: AbortSignal;
  readonly #tally = new Tally();
  readonly #seen: TextSet;
  readonly #ignored = new Map<AuditPart, ReadonlySet<DomainName>>();
  #inWork = 0;
  /** What went wrong first: a bug, or the abort. */
  #failure: { readonly thrown: unknown } | null = null;
  #wake: () => void = () => {};

  constructor(request: AuditRequest, deps: AuditDeps, sink: AuditSink, signal: AbortSignal) {
    this.#request = request;
    this.#deps = deps;
    this.#sink = sink;
    this.#signal = signal;
    this.#seen = new TextSet(deps.seed);
    for (const part of request.parts) {
      const holding = part.ignores.filter((one) => !isOver(one, request.startedAt));
      this.#ignored.set(part, new Set(holding.map((one) => one.domain)));
    }
  }

  /** Resolves when there is room for the next row. */
  async take(row: InventoryRow, part: AuditPart): Promise<void> {
    this.#signal.throwIfAborted();
    if (row.kind === 'bad') {
      if (isInShard(row.row.text, this.#request.shard)) this.#takeBad(row.row);
      return;
    }
    if (!isInShard(row.domain, this.#request.shard)) return;
    this.#tally.rows += 1;
    // A domain of two audits is judged by what each expects.
    if (!this.#seen.add(`${row.domain} ${part.audit ?? ''}`)) {
      this.#tally.duplicates += 1;
      return;
    }
    const subject = {
      domain: row.domain,
      source: row.source,
      audit: part.audit,
      expectation: part.expectation,
    };
    await this.#start(subject, part);
  }

  /** Resolves when nothing is in work any more. Throws what went wrong. */
  async settled(): Promise<void> {
    while (this.#inWork > 0) await this.#change();
    this.#throwFailure();
  }

  progress(share: number | null): AuditProgress {
    const { found, unknown } = this.#tally.outcomes;
    return { judged: this.#tally.judged, found, unknown, share };
  }

  end(): AuditEnd {
    const { startedAt, baseline, shard, verdicts } = this.#request;
    const summary = this.#tally.summary({
      startedAt,
      finishedAt: this.#deps.clock.now(),
      fixed: baseline.fixed.length,
      lookups: this.#deps.gatherer.counters.lookups,
      shard: formatShard(shard),
    });
    return { summary, fixed: baseline.fixed, exitCode: this.#tally.exitCode(verdicts) };
  }

  #takeBad(row: BadRow): void {
    this.#tally.rows += 1;
    this.#tally.badRows += 1;
    this.#sink.badRow(row);
  }

  async #start(subject: AuditSubject, part: AuditPart): Promise<void> {
    while (this.#inWork >= this.#request.concurrency) await this.#change();
    const room = this.#sink.room();
    if (room !== null) await room;
    this.#throwFailure();
    this.#inWork += 1;
    void this.#judge(subject, part)
      .catch((thrown: unknown) => {
        this.#failure ??= { thrown };
      })
      .finally(() => {
        this.#inWork -= 1;
        this.#wake();
      });
  }

  async #judge(subject: AuditSubject, part: AuditPart): Promise<void> {
    const { gatherer, digest } = this.#deps;
    const { context } = part;
    if (this.#ignored.get(part)?.has(subject.domain) === true) {
      this.#hand(ignoredResult(subject, context));
      return;
    }
    const facts = await gatherer.gather(subject.domain, part.wants, this.#signal);
    this.#hand({
      subject,
      ...judgeDomain(facts, subject, context, digest),
      sts: policyOf(facts, context),
      mx: facts.mx.mx.map(formatMx),
    });
  }

  #hand(result: DomainResult): void {
    const compared = this.#request.baseline.compare(result, this.#request.startedAt);
    this.#tally.add(compared);
    this.#sink.domain(compared);
  }

  #change(): Promise<void> {
    return new Promise((resolve) => {
      this.#wake = resolve;
    });
  }

  #throwFailure(): void {
    if (this.#failure !== null) throw this.#failure.thrown;
  }
}

export function formatShard(shard: Shard | null): string | null {
  return shard === null ? null : `${shard.number}/${shard.of}`;
}

/** Nothing is asked of it; what was known of its policy is handed on. */
function ignoredResult(subject: AuditSubject, context: AuditContext): DomainResult {
  return {
    subject,
    outcome: 'ignored',
    findings: [],
    unknowns: [],
    sts: context.before(subject.domain),
    mx: [],
  };
}

/** Where it is unknown now, what the run before knew is handed on. */
function policyOf({ sts, stsId, domain }: DomainFacts, context: AuditContext): DomainResult['sts'] {
  if (sts === null || sts.mode === 'unknown') return context.before(domain);
  return sts.mode === 'absent' || stsId === null ? null : { stsId, patterns: sts.patterns };
}
