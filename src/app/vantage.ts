// Us or them. When every hop of a route fails, the declared references are probed: if they fail too, the fault is
// here and nothing is decided. Without references any hop of another path or route that answers is the witness.

import type { VantageCheck } from '../change/guards/context.ts';
import type { Observation } from '../model/observation.ts';
import type { ProbePolicy, Route } from '../model/route.ts';
import type { ProbeTarget } from '../probes/probe.ts';
import { mapBounded } from './concurrency.ts';
import type { Deps } from './deps.ts';
import type { ProbeRun, RouteMeasurement } from './measure.ts';

const parallelReferences = 8;

/** True where no hop of any path of the route said anything in this run. */
export function isSilent(measurement: RouteMeasurement): boolean {
  const observations = [...measurement.hops.values()].flat().flatMap((one) => one.observations.at(-1) ?? []);
  return observations.length > 0 && observations.every((one) => !isAnswer(one));
}

/** Any reply at all, a refusal in words too, proves that the network between here and there works. */
function isAnswer(observation: Observation): boolean {
  return observation.verdict === 'pass' || observation.reply !== null;
}

export async function checkVantage(
  route: Route,
  measurement: RouteMeasurement,
  world: { readonly run: ProbeRun; readonly isWitnessed: boolean },
  deps: Pick<Deps, 'config' | 'probe'>,
  signal: AbortSignal,
): Promise<VantageCheck> {
  if (!isSilent(measurement)) return 'unproven';
  if (deps.config.references.length === 0) return world.isWitnessed ? 'ok' : 'fault';
  const answers = await mapBounded(deps.config.references, parallelReferences, async (reference) =>
    referenceAnswers(
      { ...reference, addresses: null, policy: referencePolicy(route.probe) },
      world.run,
      signal,
    ),
  );
  return answers.includes(true) ? 'ok' : 'fault';
}

/** References are strangers' servers: connect and greet, no more. */
function referencePolicy(policy: ProbePolicy): ProbePolicy {
  return { ...policy, stages: ['connect', 'banner', 'ehlo'], rcpt: null };
}

async function referenceAnswers(target: ProbeTarget, run: ProbeRun, signal: AbortSignal): Promise<boolean> {
  const found = await run.resolve(target, signal);
  if (found.outcome !== 'found') return false;
  for (const address of found.addresses) {
    const hop = { exchange: target.exchange, address, port: target.port };
    if (isAnswer(await run.observe(hop, target.policy, 0, signal))) return true;
  }
  return false;
}
