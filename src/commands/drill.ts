import { Args, Flags } from '@oclif/core';
import { BaseCommand } from '../base-command.ts';
import type { CommandContext, CommandResult } from '../base-command.ts';
import { drillCanary, drillPlaces } from '../app/drill-canary.ts';
import { drillLive, proposeLive, refuseDrill } from '../app/drill-live.ts';
import { rehearse } from '../app/drill-rehearse.ts';
import { pathNamed, routeNamed } from '../app/routes.ts';
import { openProgram } from '../compose.ts';
import { refuseUnlessYes } from '../front/consent.ts';
import { durationFlag } from '../front/flags.ts';
import {
  canaryDrillDocument,
  rehearsalDocument,
  renderCanaryDrill,
  renderRehearsal,
} from '../render/drill.ts';
import { liveDrillDocument, renderLiveDrill, renderLook } from '../render/drill-live.ts';
import { planDocument, renderPlan } from '../render/plan.ts';

type Context = CommandContext<typeof Drill>;

export default class Drill extends BaseCommand<typeof Drill> {
  static override summary = 'Try a failover before the night: plan only, a TXT record, or there and back.';
  static override description =
    'rehearse: everything of a failover but the write, for every candidate; for cron, once a week.\n' +
    'canary: writes, times and removes a TXT record _mxctl-drill in each zone; mail is not touched.\n' +
    'Its times go into what a plan says of a write.\n' +
    'live: moves the route, holds it, and brings the exact records back; Ctrl-C brings them back first.\n' +
    'No guard can be overridden: what would have to be is no drill.';
  static override examples = [
    '<%= config.bin %> drill support',
    '<%= config.bin %> drill support --depth canary --yes',
    '<%= config.bin %> drill support --depth live --to direct --hold 15m',
  ];
  static override args = { route: Args.string({ description: 'route to drill', required: true }) };
  static override flags = {
    depth: Flags.option({
      summary: 'how far to go',
      options: ['rehearse', 'canary', 'live'] as const,
      default: 'rehearse' as const,
    })(),
    to: Flags.string({ summary: 'live: path to move to', helpValue: 'PATH' }),
    hold: durationFlag({ summary: 'live: stay there so long; default 15m', default: 900_000 }),
    yes: Flags.boolean({ char: 'y', summary: 'answer yes to the question; overrides no guard' }),
    reason: Flags.string({ summary: 'why, for the journal and the history', helpValue: 'TEXT' }),
  };

  protected override execute(context: Context): Promise<CommandResult> {
    switch (context.flags.depth) {
      case 'rehearse':
        return this.#rehearse(context);
      case 'canary':
        return this.#measure(context);
      case 'live':
        return this.#live(context);
    }
  }

  async #rehearse({ args, flags, runtime }: Context): Promise<CommandResult> {
    const program = await openProgram(runtime, { configFile: flags.config });
    const rehearsal = await rehearse(routeNamed(args.route, program), program, runtime.signal);
    return {
      exitCode: rehearsal.exitCode,
      data: rehearsalDocument(rehearsal),
      text: (style) => renderRehearsal(rehearsal, style),
      error: rehearsal.error,
    };
  }

  async #measure({ args, flags, runtime, mayAsk }: Context): Promise<CommandResult> {
    const program = await openProgram(runtime, { configFile: flags.config });
    const route = routeNamed(args.route, program);
    const names = drillPlaces(route).map(({ owner }) => owner.slice(0, -1));
    const question = `Write a TXT record at ${names.join(', ')} and remove it again?`;
    const refusal = await refuseUnlessYes(flags.yes, question, { mayAsk, signal: runtime.signal });
    if (refusal !== null) return { data: null, text: () => [], error: refusal };
    const words = { by: program.person, reason: flags.reason ?? 'drill' };
    const drill = await drillCanary(route, words, program, runtime.signal);
    return {
      data: canaryDrillDocument(route.name, drill),
      text: (style) => renderCanaryDrill(drill, style),
      error: drill.error,
    };
  }

  async #live({ args, flags, runtime, mayAsk, print, emit }: Context): Promise<CommandResult> {
    const { signal } = runtime;
    const program = await openProgram(runtime, { configFile: flags.config });
    const route = routeNamed(args.route, program);
    const to = flags.to === undefined ? null : pathNamed(flags.to, route).name;
    const proposal = await proposeLive(route, to, program, signal);
    const { prepared } = proposal;
    const shown = { data: { depth: 'live', plan: planDocument(prepared) }, text: () => [] };
    print((style) => renderPlan(prepared, program.clock.now(), style));
    const names = { from: prepared.plan.from ?? '', to: prepared.plan.to ?? '' };
    const question = `Move ${route.name} to ${names.to} for ${flags.hold / 1000}s, and back to ${names.from}?`;
    const refusal = refuseDrill(proposal) ?? (await refuseUnlessYes(flags.yes, question, { mayAsk, signal }));
    if (refusal !== null) return { ...shown, error: refusal };
    const options = { by: program.person, reason: flags.reason ?? 'by hand', holdMs: flags.hold };
    const drill = await drillLive(proposal, options, program, signal, (look) => {
      print(() => [renderLook(look, names)]);
      emit({ look: { at: new Date(look.at).toISOString(), target: look.target, home: look.home } });
    });
    return {
      data: { ...shown.data, ...liveDrillDocument(drill) },
      text: (style) => renderLiveDrill(drill, style),
      error: drill.error,
    };
  }
}
