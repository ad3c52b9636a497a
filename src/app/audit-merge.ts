// `audit merge`: results of several runs, the shards of a list, as those of one. Nothing is looked up again. A shard that
// is missing or that did not come to its end leaves the whole undecided.

import { exitCodes, UsageError, type ExitCode } from '../errors.ts';
import type { AuditSummary } from '../model/audit.ts';
import type { FixedFinding } from '../render/audit/output.ts';
import type { AuditSink } from './audit.ts';
import type { Baseline } from './audit-baseline.ts';
import { TextSet } from './audit-domain-set.ts';
import { readAuditRecord, type AuditRecord } from './audit-records.ts';
import { Tally, type Verdicts } from './audit-tally.ts';

/** The records of one file, as they stand in it. */
export interface RecordFile {
  /** As people see it. */
  readonly file: string;
  readonly values: AsyncIterable<readonly unknown[]>;
}

export interface MergeRequest {
  readonly files: readonly RecordFile[];
  readonly verdicts: Verdicts;
  /** Compared with instead of what each run was; null = ages stand as the files have them. */
  readonly baseline: Baseline | null;
  /** 32 bits of chance. */
  readonly seed: number;
  /** ms; stands in where no file says when it was made. */
  readonly now: number;
}

export interface MergeEnd {
  readonly summary: AuditSummary;
  readonly fixed: readonly FixedFinding[];
  readonly exitCode: ExitCode;
  /** What is missing, a line each; empty where the whole list is there. */
  readonly gaps: readonly string[];
}

/** Throws UsageError for a file without records, or two of the same shard, and the signal's reason on abort. */
export async function mergeAudits(
  { files, verdicts, baseline, seed, now }: MergeRequest,
  sink: AuditSink,
  signal: AbortSignal,
): Promise<MergeEnd> {
  const merge = new Merge(sink, seed, baseline);
  for (const { file, values } of files) {
    merge.begin(file);
    for await (const batch of values) {
      signal.throwIfAborted();
      for (const value of batch) {
        const record = readAuditRecord(value);
        if (record !== null) merge.add(record);
      }
      const room = sink.room();
      if (room !== null) await room;
    }
    merge.finish(file);
  }
  return merge.end(verdicts, now);
}

/** What the run that a file is of was compared with, as it says at its head, and the same values from their beginning:
 *  a pipe cannot be read twice. */
export async function readBaselineName(
  values: RecordFile['values'],
): Promise<{ readonly baseline: string | null; readonly values: RecordFile['values'] }> {
  const iterator = values[Symbol.asyncIterator]();
  const read: (readonly unknown[])[] = [];
  let baseline: string | null = null;
  for (let isFound = false; !isFound;) {
    const next = await iterator.next();
    if (next.done === true) break;
    read.push(next.value);
    for (const one of next.value) {
      const record = readAuditRecord(one);
      isFound ||= record !== null;
      if (record?.type === 'run') baseline ??= record.baseline;
    }
  }
  async function* fromTheStart() {
    yield* read;
    yield* { [Symbol.asyncIterator]: () => iterator };
  }
  return { baseline, values: fromTheStart() };
}

class Merge {
  readonly #sink: AuditSink;
  readonly #tally = new Tally();
  readonly #seen: TextSet;
  readonly #baseline: Baseline | null;
  readonly #fixed: FixedFinding[] = [];
  #startedAt = 0;
  readonly #summaries: AuditSummary[] = [];
  readonly #gaps: string[] = [];
  /** Shard -> file. */
  readonly #shards = new Map<string, string>();
  #records = 0;
  #domains = 0;
  #badRows = 0;
  #file = '';
  #isWhole = false;

  constructor(sink: AuditSink, seed: number, baseline: Baseline | null) {
    this.#sink = sink;
    this.#baseline = baseline;
    this.#seen = new TextSet(seed);
  }

  begin(file: string): void {
    this.#file = file;
    this.#records = 0;
    this.#isWhole = false;
  }

  add(record: AuditRecord): void {
    this.#records += 1;
    switch (record.type) {
      case 'run':
        this.#takeShard(record.shard);
        this.#startedAt = record.startedAt;
        return;
      case 'domain': {
        const { domain } = record.result.subject;
        if (!this.#seen.add(`${domain} ${record.result.subject.audit ?? ''}`)) {
          this.#tally.duplicates += 1;
          return;
        }
        const result = this.#baseline?.compareAgain(record.result, this.#startedAt) ?? record.result;
        this.#domains += 1;
        this.#tally.add(result);
        this.#sink.domain(result);
        return;
      }
      case 'bad-row':
        this.#badRows += 1;
        this.#sink.badRow(record.row);
        return;
      case 'fixed':
        if (this.#baseline === null) this.#fixed.push(record.finding);
        return;
      case 'summary':
        this.#isWhole = true;
        this.#summaries.push(record.summary);
    }
  }

  finish(file: string): void {
    if (this.#records === 0) {
      throw new UsageError('usage', `${file} is no result of an audit`, {
        hint: 'merge takes what -o ndjson=FILE or -o json=FILE wrote',
      });
    }
    if (!this.#isWhole) this.#gaps.push(`${file} ends before its summary: that run did not come to its end`);
  }

  end(verdicts: Verdicts, now: number): MergeEnd {
    this.#noteMissingShards();
    const sum = (count: (one: AuditSummary) => number) =>
      this.#summaries.reduce((all, one) => all + count(one), 0);
    // A file that was cut short has rows and no totals.
    this.#tally.badRows = Math.max(
      sum((one) => one.badRows),
      this.#badRows,
    );
    this.#tally.rows = Math.max(
      sum((one) => one.rows),
      this.#domains + this.#badRows,
    );
    this.#tally.duplicates += sum((one) => one.duplicates);
    const fixed = this.#baseline?.fixed ?? this.#fixed;
    const instants = this.#summaries.flatMap((one) => [one.startedAt, one.finishedAt]);
    const summary = this.#tally.summary({
      startedAt: instants.length === 0 ? now : Math.min(...instants),
      finishedAt: instants.length === 0 ? now : Math.max(...instants),
      fixed: fixed.length,
      lookups: sum((one) => one.lookups),
      shard: null,
    });
    const exitCode = this.#tally.exitCode(verdicts);
    const isUndecided = exitCode === exitCodes.ok && this.#gaps.length > 0;
    return {
      summary,
      fixed,
      exitCode: isUndecided ? exitCodes.undecided : exitCode,
      gaps: this.#gaps,
    };
  }

  #takeShard(shard: string | null): void {
    if (shard === null) return;
    const before = this.#shards.get(shard);
    if (before !== undefined)
      throw new UsageError('usage', `${before} and ${this.#file} are both of shard ${shard}`, {
        hint: 'name each file once; of two runs take the newer',
      });
    this.#shards.set(shard, this.#file);
  }

  #noteMissingShards(): void {
    const [first] = this.#shards.keys();
    const of = Number(first?.split('/')[1] ?? 0);
    const missing = Array.from({ length: Math.min(of, mostShards) }, (_, at) => `${at + 1}/${of}`).filter(
      (shard) => !this.#shards.has(shard),
    );
    if (missing.length > 0) this.#gaps.push(`there is no file of shard ${missing.slice(0, 10).join(', ')}`);
  }
}

/** As many as `--shard` takes. */
const mostShards = 10_000;
