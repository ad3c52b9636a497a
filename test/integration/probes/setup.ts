// What the probe tests share: a policy, a probe with a clock that stands still, and one call.
import { domainNameOf } from '../../../src/model/domain-name.ts';
import type { Observation, Stage } from '../../../src/model/observation.ts';
import type { ProbePolicy } from '../../../src/model/route.ts';
import type { Lookup, Resolver } from '../../../src/dns/reader.ts';
import { createSmtpProbe, type SmtpProbeDeps } from '../../../src/probes/smtp/index.ts';
import { policy } from '../../support/probe-policy.ts';
import { ManualClock, playSmtp, type ScriptedHop, type ScriptOptions } from '../../support/smtp-script.ts';

export const exchange = domainNameOf('mx.example.com');

export { policy };

export const upTo = (...stages: Stage[]): ProbePolicy => ({ ...policy, stages });

/** Answers from a table of `name type`; what is not in it failed. */
export function resolverOf(answers: Readonly<Record<string, Partial<Lookup>>> = {}): Resolver {
  const lookup = (name: string, type: string): Promise<Lookup> =>
    Promise.resolve({
      outcome: 'failed',
      rrset: null,
      aliases: [],
      negativeTtl: null,
      isAuthenticated: false,
      reason: 'SERVFAIL',
      server: { address: '127.0.0.1', port: 53 },
      elapsedMs: 0,
      ...answers[`${name} ${type}`],
    });
  return { lookup, lookupAt: (_server, name, type) => lookup(name, type), close: () => {} };
}

export function probeWith(clock: ManualClock, deps: Partial<SmtpProbeDeps> = {}) {
  return createSmtpProbe({
    resolver: resolverOf(),
    clock,
    vantage: 'test',
    ehloName: 'probe.example',
    maxSessions: 10,
    jitter: () => 0,
    ...deps,
  });
}

export interface Probed {
  readonly observation: Observation;
  readonly said: readonly string[];
  readonly asked: readonly string[];
  readonly deviations: readonly string[];
}

/** Probes a hop that plays the transcript, once, and waits until the hop has seen the end of it. */
export async function probeScript(
  script: string,
  probePolicy: ProbePolicy = policy,
  options: ScriptOptions & { readonly deps?: Partial<SmtpProbeDeps> } = {},
): Promise<Probed> {
  const clock = new ManualClock();
  await using hop = await playSmtp(script, { ...options, clock });
  const observation = await probeWith(clock, options.deps).probe(
    hopOf(hop),
    probePolicy,
    AbortSignal.timeout(20_000),
  );
  await hop.idle();
  return { observation, said: hop.said, asked: hop.asked, deviations: hop.deviations };
}

export function hopOf(hop: ScriptedHop) {
  return { exchange, address: hop.address, port: hop.port };
}

/** Stages as one line: `connect banner! quit`, where `!` marks what went wrong. */
export function stagesOf(observation: Observation): string {
  return observation.stages.map((one) => `${one.stage}${one.ok ? '' : '!'}`).join(' ');
}
