import { BaseCommand } from '../base-command.ts';
import type { CommandContext, CommandResult } from '../base-command.ts';
import { diagnose } from '../app/doctor.ts';
import { openDiagnosis } from '../compose.ts';
import { doctorDocument, renderDiagnosis } from '../render/doctor.ts';

export default class Doctor extends BaseCommand<typeof Doctor> {
  static override summary = 'Check whether this machine can watch and move mail, and say what to mend.';
  static override description =
    'The way out for 25/tcp, clock, resolvers, IPv6, EHLO name, files, rights, state store, leases, TTLs.\n' +
    'Writes to no zone. Asks only servers that the configuration names; with a broken one it says so first.\n' +
    'Exit 2 where something fails, 4 where a provider or the store refuses us, 78 for the configuration.';
  static override examples = ['<%= config.bin %> doctor', '<%= config.bin %> doctor --json'];

  protected override async execute({
    flags,
    runtime,
  }: CommandContext<typeof Doctor>): Promise<CommandResult> {
    const deps = await openDiagnosis(runtime, { configFile: flags.config });
    const diagnosis = await diagnose(deps, runtime.signal);
    return {
      exitCode: diagnosis.exitCode,
      data: doctorDocument(diagnosis),
      text: (style) => renderDiagnosis(diagnosis, style),
    };
  }
}
