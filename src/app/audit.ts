// The audit: rows of inventories become domains, facts of them are gathered, judged, compared with the run before and
// handed on, each as soon as it is settled. Nothing grows with the list but 64 bits a domain: rows are read when there
// is room for another domain in work, and there is room when what was written has gone out.

import type { ExitCode } from '../errors.ts';
import type { FactsTaker, Gatherer, GatherWants } from '../gather/gather.ts';
import type { Inventory, InventoryRow } from '../inventory/inventory.ts';
import { createJudge } from '../audit/index.ts';
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
import { formatMx, type Mx } from '../model/mx.ts';
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
  const onAbort = () => run.fail(signal.reason);
  signal.addEventListener('abort', onAbort);
  try {
    for (const [at, part] of request.parts.entries()) {
      if (sink.isClosed()) break;
      const open = run.open(part);
      for await (const batch of part.inventory.rows) {
        for (const row of batch) {
          // Nearly always there is room: a promise for each row would cost more than the row.
          const room = run.take(row, open);
          if (room !== null) await room;
        }
        onProgress(run.progress(shareOf(at, part.inventory.share(), request.parts.length)));
        if (sink.isClosed()) break;
      }
    }
    await run.settled();
    return run.end();
  } finally {
    signal.removeEventListener('abort', onAbort);
  }
}

/** Parts count alike: how long one is, is known when it is read. */
function shareOf(done: number, share: number | null, parts: number): number | null {
  return share === null ? null : (done + share) / parts;
}

/** A part whose rows are read. */
interface OpenPart {
  readonly part: AuditPart;
  readonly judge: ReturnType<typeof createJudge>;
  readonly ignored: ReadonlySet<DomainName>;
  /** Domains that were named before, under this audit. */
  readonly seen: TextSet;
}

class Run {
  readonly #request: AuditRequest;
  readonly #deps: AuditDeps;
  readonly #sink: AuditSink;
  readonly #signal: AbortSignal;
  readonly #tally = new Tally();
  /** By audit: a domain of two is judged by what each expects. */
  readonly #seen = new Map<string | null, TextSet>();
  #inWork = 0;
  /** What went wrong first: a bug, or the abort. */
  #failure: { readonly thrown: unknown } | null = null;
  #wake: () => void = () => {};

  constructor(request: AuditRequest, deps: AuditDeps, sink: AuditSink, signal: AbortSignal) {
    this.#request = request;
    this.#deps = deps;
    this.#sink = sink;
    this.#signal = signal;
  }

  open(part: AuditPart): OpenPart {
    const holding = part.ignores.filter((one) => !isOver(one, this.#request.startedAt));
    const seen = this.#seen.get(part.audit) ?? new TextSet(this.#deps.seed);
    this.#seen.set(part.audit, seen);
    return {
      part,
      judge: createJudge(part.context, this.#deps.digest),
      ignored: new Set(holding.map((one) => one.domain)),
      seen,
    };
  }

  /** Null where the row is taken, else resolves when it is. */
  take(row: InventoryRow, open: OpenPart): Promise<void> | null {
    this.#signal.throwIfAborted();
    if (row.kind === 'bad') {
      if (isInShard(row.row.text, this.#request.shard)) this.#takeBad(row.row);
      return null;
    }
    const { domain, source } = row;
    if (!isInShard(domain, this.#request.shard)) return null;
    this.#tally.rows += 1;
    if (!open.seen.add(domain)) {
      this.#tally.duplicates += 1;
      return null;
    }
    const { audit, expectation } = open.part;
    const subject: AuditSubject = { domain, source, audit, expectation };
    if (this.#inWork >= this.#request.concurrency) return this.#startLater(subject, open);
    const room = this.#sink.room();
    if (room !== null) return this.#startAfter(room, subject, open);
    this.#start(subject, open);
    return null;
  }

  /** Resolves when nothing is in work any more. Throws what went wrong, as soon as it did. */
  async settled(): Promise<void> {
    while (this.#inWork > 0 && this.#failure === null) await this.#change();
    this.#throwFailure();
  }

  /** Only what goes wrong first counts. Nothing is handed on any more. */
  fail(thrown: unknown): void {
    this.#failure ??= { thrown };
    this.#wake();
  }

  /** The facts of a domain in work are here, or none will be. */
  judge(facts: DomainFacts, subject: AuditSubject, open: OpenPart): void {
    this.#inWork -= 1;
    if (this.#failure === null) {
      try {
        const { findings, unknowns, outcome } = open.judge(facts, subject);
        const sts = policyOf(facts, open.part.context);
        this.#hand({ subject, outcome, findings, unknowns, sts, mx: textsOf(facts.mx.mx) });
      } catch (thrown) {
        this.fail(thrown);
      }
    }
    this.#wake();
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

  async #startLater(subject: AuditSubject, open: OpenPart): Promise<void> {
    while (this.#inWork >= this.#request.concurrency && this.#failure === null) await this.#change();
    const room = this.#sink.room();
    if (room !== null) await room;
    this.#start(subject, open);
  }

  async #startAfter(room: Promise<void>, subject: AuditSubject, open: OpenPart): Promise<void> {
    await room;
    this.#start(subject, open);
  }

  #start(subject: AuditSubject, open: OpenPart): void {
    this.#throwFailure();
    if (open.ignored.has(subject.domain)) {
      this.#hand(ignoredResult(subject, open.part.context));
      return;
    }
    this.#inWork += 1;
    this.#deps.gatherer.gatherFor(subject.domain, open.part.wants, new DomainInWork(this, subject, open));
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

class DomainInWork implements FactsTaker {
  readonly #run: Run;
  readonly #subject: AuditSubject;
  readonly #open: OpenPart;

  constructor(run: Run, subject: AuditSubject, open: OpenPart) {
    this.#run = run;
    this.#subject = subject;
    this.#open = open;
  }

  take(facts: DomainFacts): void {
    this.#run.judge(facts, this.#subject, this.#open);
  }

  fail(error: Error): void {
    this.#run.fail(error);
  }
}

/** Of sets that were met: thousands of domains publish the same. */
const setTexts = new WeakMap<readonly Mx[], readonly string[]>();

function textsOf(mx: readonly Mx[]): readonly string[] {
  const known = setTexts.get(mx);
  if (known !== undefined) return known;
  const texts = mx.map(formatMx);
  setTexts.set(mx, texts);
  return texts;
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
