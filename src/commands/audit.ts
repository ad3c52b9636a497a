import { Args, Flags } from '@oclif/core';
import { BaseCommand } from '../base-command.ts';
import type { CommandContext, CommandResult } from '../base-command.ts';
import { formatShard, runAudit } from '../app/audit.ts';
import { loadBaseline } from '../app/audit-baseline.ts';
import { auditParts } from '../app/audit-parts.ts';
import { openAuditing } from '../compose.ts';
import { UsageError } from '../errors.ts';
import { auditOutcomeFlags, carryOutAudit, verdictsOf } from '../front/audit-run.ts';
import { shardFlag } from '../front/flags.ts';

export default class Audit extends BaseCommand<typeof Audit> {
  static override summary = 'Check whether the MX records of many domains are what they should be.';
  static override description =
    'Audits the lists of the configuration, or what is named here. Only looks, at DNS and MTA-STS policies.\n' +
    'Exit 2 where --fail-on finds something, 8 where too many domains had no answer: a timeout is no finding.\n' +
    'Every rule is explained in docs/rules.md. -o ndjson=FILE is what the next run takes as --baseline.';
  static override examples = [
    '<%= config.bin %> audit',
    '<%= config.bin %> audit example.com --expect mx1.example.net',
    '<%= config.bin %> audit --domains list.csv --as customers -o human -o sarif=audit.sarif',
    '<%= config.bin %> audit --baseline last.ndjson --new-only -o human -o ndjson=new.ndjson',
    '<%= config.bin %> audit --shard 3/16 -o ndjson=3.ndjson',
  ];
  static override args = {
    names: Args.string({
      name: 'DOMAIN|AUDIT',
      description: 'domains, or audits of the configuration; else all of those',
      multiple: true,
    }),
  };
  static override flags = {
    domains: Flags.string({
      summary: 'list of domains: CSV, NDJSON or a line each; - is stdin',
      helpValue: 'FILE|-',
      multiple: true,
      multipleNonGreedy: true,
    }),
    column: Flags.string({
      summary: 'column or key of --domains; default domain',
      helpValue: 'NAME',
      dependsOn: ['domains'],
    }),
    expect: Flags.string({
      summary: 'exchange that domains named here should publish; repeat for more',
      helpValue: 'EXCHANGE',
      multiple: true,
      multipleNonGreedy: true,
    }),
    match: Flags.custom<'exact' | 'contains' | 'any'>({
      summary: 'these and no others, at least these, or one of these; default exact',
      options: ['exact', 'contains', 'any'],
      dependsOn: ['expect'],
    })(),
    as: Flags.string({ summary: 'judge domains named here as this audit does', helpValue: 'AUDIT' }),
    ...auditOutcomeFlags,
    baseline: Flags.string({ summary: 'result of the last run, ndjson or json', helpValue: 'FILE' }),
    shard: shardFlag({ summary: 'this part of the list only, such as 3/16' }),
    quick: Flags.boolean({ summary: 'MX and addresses only', default: false }),
    deep: Flags.boolean({ summary: 'speak SMTP to every exchange as well, once each', default: false }),
    resolver: Flags.string({
      summary: 'ask this resolver, or DNS over HTTPS; repeat for more',
      helpValue: 'ADDRESS[:PORT]|URL',
      multiple: true,
      multipleNonGreedy: true,
    }),
    qps: Flags.integer({
      summary: 'most questions a second to one resolver; default 1000, on loopback no limit',
      helpValue: 'N',
      min: 1,
    }),
    concurrency: Flags.integer({
      summary: 'most domains in work, and questions out to one resolver, at once',
      helpValue: 'N',
      min: 1,
      max: 10_000,
    }),
  };

  protected override async execute(context: CommandContext<typeof Audit>): Promise<CommandResult> {
    const { args, flags, runtime } = context;
    if (flags['new-only'] && flags.baseline === undefined)
      throw new UsageError('usage', '--new-only needs --baseline FILE to know what is not new');
    const startedAt = runtime.clock.now();
    const auditing = await openAuditing(runtime, {
      configFile: flags.config,
      resolvers: flags.resolver ?? [],
      qps: flags.qps ?? null,
      concurrency: flags.concurrency ?? null,
    });
    const { config, lists, rules, deps } = auditing;
    const shard = flags.shard ?? null;
    const records = flags.baseline === undefined ? noRecords() : auditing.readRecords(flags.baseline);
    const baseline = await loadBaseline(records, shard);
    const selection = {
      names: args.names ?? [],
      lists: flags.domains ?? [],
      column: flags.column ?? null,
      expect: flags.expect ?? [],
      match: flags.match ?? 'exact',
      as: flags.as ?? null,
      isQuick: flags.quick,
      isDeep: flags.deep,
    } as const;
    const parts = auditParts(selection, config, lists, startedAt, (domain) => baseline.before(domain));
    const audits = [...new Set(parts.flatMap(({ audit }) => audit ?? []))];
    const run = {
      startedAt,
      version: this.config.version,
      audits,
      rules,
      baseline: flags.baseline ?? null,
      isNewOnly: flags['new-only'],
      shard: formatShard(shard),
      style: context.style,
    };
    const { concurrency } = auditing;
    const request = { startedAt, parts, verdicts: verdictsOf(flags), shard, baseline, concurrency };
    return carryOutAudit(flags.output, run, context, (sink, onProgress) =>
      runAudit(request, deps, sink, runtime.signal, onProgress),
    );
  }
}

async function* noRecords(): AsyncGenerator<readonly unknown[]> {
  await Promise.resolve();
  yield [];
}
