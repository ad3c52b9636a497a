import { Args } from '@oclif/core';
import { BaseCommand } from '../../base-command.ts';
import type { CommandContext, CommandResult } from '../../base-command.ts';
import { mergeAudits } from '../../app/audit-merge.ts';
import { openAuditResults } from '../../compose.ts';
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
  static override flags = auditOutcomeFlags;

  protected override async execute(context: CommandContext<typeof AuditMerge>): Promise<CommandResult> {
    const { args, flags, runtime } = context;
    const { rules, readRecords, seed } = await openAuditResults(runtime);
    const startedAt = runtime.clock.now();
    const run = {
      startedAt,
      version: this.config.version,
      audits: [],
      rules,
      // What is new was told apart by the runs that are joined.
      baseline: args.files[0] ?? null,
      isNewOnly: flags['new-only'],
      shard: null,
      style: context.style,
    };
    const files = args.files.map((file) => ({ file, values: readRecords(file) }));
    const request = { files, verdicts: verdictsOf(flags), seed, now: startedAt };
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
