import { Args, Flags } from '@oclif/core';
import { BaseCommand } from '../../base-command.ts';
import type { CommandContext, CommandResult } from '../../base-command.ts';
import { loadBaseline } from '../../app/audit-baseline.ts';
import { mergeAudits, readBaselineName } from '../../app/audit-merge.ts';
import { openAuditResults } from '../../compose.ts';
import { UsageError } from '../../errors.ts';
import { auditOutcomeFlags, carryOutAudit, verdictsOf } from '../../front/audit-run.ts';

export default class AuditMerge extends BaseCommand<typeof AuditMerge> {
  static override summary = 'Join the results of audits, such as the shards of a list, into one.';
  static override description =
    'Takes what audit -o ndjson=FILE or -o json=FILE wrote, writes any format, asks nobody.\n' +
    'The exit code is that of one audit of the whole list; 8 where a shard is missing or did not end.';
  static override examples = [
    '<%= config.bin %> audit merge shard-*.ndjson -o human -o sarif=audit.sarif',
    '<%= config.bin %> audit merge 1.ndjson 2.ndjson -o ndjson=last.ndjson --fail-on warn',
  ];
  static override args = {
    files: Args.string({
      name: 'FILE',
      description: 'results, ndjson or json',
      multiple: true,
      required: true,
    }),
  };
  static override flags = {
    ...auditOutcomeFlags,
    baseline: Flags.string({
      summary: 'result of the last run, for results that were made without; ndjson or json',
      helpValue: 'FILE',
    }),
  };

  protected override async execute(context: CommandContext<typeof AuditMerge>): Promise<CommandResult> {
    const { args, flags, runtime } = context;
    const { rules, readRecords, seed } = await openAuditResults(runtime);
    const startedAt = runtime.clock.now();
    const [first, ...others] = args.files.map((file) => ({ file, values: readRecords(file) }));
    const begun = first === undefined ? null : await readBaselineName(first.values);
    const files =
      first === undefined || begun === null ? [] : [{ ...first, values: begun.values }, ...others];
    const compared = flags.baseline ?? begun?.baseline ?? null;
    if (flags['new-only'] && compared === null)
      throw new UsageError(
        'usage',
        '--new-only needs results of runs with --baseline, or --baseline FILE here',
      );
    const run = {
      startedAt,
      version: this.config.version,
      audits: [],
      rules,
      baseline: compared,
      isNewOnly: flags['new-only'],
      shard: null,
      style: context.style,
    };
    const baseline =
      flags.baseline === undefined ? null : await loadBaseline(readRecords(flags.baseline), null);
    const request = { files, verdicts: verdictsOf(flags), baseline, seed, now: startedAt };
    let gaps: readonly string[] = [];
    const result = await carryOutAudit(flags.output, run, context, async (sink) => {
      const end = await mergeAudits(request, sink, runtime.signal);
      ({ gaps } = end);
      return end;
    });
    return {
      ...result,
      warnings: gaps.map((message) => ({ code: 'shard-missing', message, subject: null })),
    };
  }
}
