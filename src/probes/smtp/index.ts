// The SMTP probe: what a sender would meet at a hop, found out without sending a message. Holds no thresholds and no
// memory, only the bounds on sessions, so a process needs exactly one. RFC 5321.

import { isIPv6 } from 'node:net';

import type { Resolver } from '../../dns/reader.ts';
import type { Hop } from '../../model/hop.ts';
import type { Observation } from '../../model/observation.ts';
import type { ProbePolicy } from '../../model/route.ts';
import { sanitise } from '../../model/text.ts';
import type { SmtpClock } from '../../smtp/wait.ts';
import type { Probe } from '../probe.ts';
import { resolveExchange, unaddressed } from './addresses.ts';
import { worstOf } from './fate.ts';
import { SessionLimiter } from './limiter.ts';
import { runSession, type SessionReport, type SessionTask } from './session.ts';
import { createTrustStore } from './trust.ts';
import { summariseFailure, summarisePass } from './words.ts';

export interface SmtpProbeDeps {
  readonly resolver: Resolver;
  readonly clock: SmtpClock;
  /** Name of this place in observations. */
  readonly vantage: string;
  /** Where the policy names none: should resolve, with a PTR that agrees (RFC 5321 §4.1.4). */
  readonly ehloName: string;
  /** Over all addresses at once. */
  readonly maxSessions: number;
  readonly maxSessionsPerAddress?: number;
  /** ms to wait before a probe, so that probes of one run do not arrive in one instant. */
  readonly jitter: () => number;
  /** PEM; trusted besides the CAs Node trusts and those of a policy's `caFile`. */
  readonly caCertificates?: readonly string[];
}

/** One that probes and one that confirms. Postfix counts a client's connections by the minute (anvil), and small
 *  servers have few processes: more than a sender would open is not a measurement but a load. */
const defaultSessionsPerAddress = 2;

export function createSmtpProbe(deps: SmtpProbeDeps): Probe {
  const limiter = new SessionLimiter(
    deps.maxSessions,
    deps.maxSessionsPerAddress ?? defaultSessionsPerAddress,
  );
  const trust = createTrustStore(deps.caCertificates ?? []);

  const probeFrom = async (
    hop: Hop & { readonly address: string },
    sourceAddress: string | null,
    policy: ProbePolicy,
    signal: AbortSignal,
  ): Promise<Observation> => {
    const at = deps.clock.now();
    const task: SessionTask = {
      exchange: hop.exchange,
      endpoint: { address: hop.address, port: hop.port, sourceAddress },
      policy,
      ehloName: policy.ehloName ?? deps.ehloName,
      clock: deps.clock,
      tlsContext: () => trust(policy.caFile),
    };
    return observe(hop, policy, await runSession(task, signal), { vantage: deps.vantage, at });
  };

  const probeFromEach = async (
    hop: Hop & { readonly address: string },
    policy: ProbePolicy,
    signal: AbortSignal,
  ): Promise<Observation> => {
    const [first, ...others] = sourcesFor(hop.address, policy.sourceAddresses);
    if (first === undefined || others.length === 0) return probeFrom(hop, first ?? null, policy, signal);
    let worst = named(await probeFrom(hop, first, policy, signal), first);
    for (const source of others) {
      worst = worstOf(worst, named(await probeFrom(hop, source, policy, signal), source));
    }
    return worst;
  };

  return {
    resolve: (target, signal) => resolveExchange(target, deps.resolver, signal),

    async probe(hop, policy, signal) {
      signal.throwIfAborted();
      const { address } = hop;
      if (address === null) {
        const why = { outcome: 'unknown', reason: 'no address was given' } as const;
        return unaddressed(hop, why, { vantage: deps.vantage, at: deps.clock.now() });
      }
      return detached(signal, async (own) => {
        const pauseMs = deps.jitter();
        if (pauseMs > 0) await deps.clock.sleep(pauseMs, own);
        return limiter.admit(address, own, () => probeFromEach({ ...hop, address }, policy, own));
      });
    },

    withoutAddress: (target, why) =>
      unaddressed(target, why, { vantage: deps.vantage, at: deps.clock.now() }),
  };
}

/** Runs `work` under a signal of its own that follows `signal`. A probe waits some ten times; ten listeners of each of
 *  thousands of probes on the one signal of a run would make adding one a search through them all. */
async function detached<T>(signal: AbortSignal, work: (own: AbortSignal) => Promise<T>): Promise<T> {
  const own = new AbortController();
  const follow = (): void => own.abort(signal.reason);
  signal.addEventListener('abort', follow, { once: true });
  try {
    return await work(own.signal);
  } finally {
    signal.removeEventListener('abort', follow);
  }
}

/** Those of the hop's address family; where none is, the system chooses, as it does without any. */
function sourcesFor(address: string, sources: readonly string[]): readonly string[] {
  return sources.filter((one) => isIPv6(one) === isIPv6(address));
}

function named(observation: Observation, source: string): Observation {
  return { ...observation, summary: `${sanitise(observation.summary, 250)} (from ${source})` };
}

function observe(
  hop: Hop,
  policy: ProbePolicy,
  report: SessionReport,
  seen: { readonly vantage: string; readonly at: number },
): Observation {
  const { settled, elapsedMs, tls, offersStarttls } = report;
  const last = report.stages.findLast((one) => one.stage !== 'quit');
  const stage = settled?.stage ?? last?.stage ?? 'connect';
  const reply = settled === null ? (last?.reply ?? null) : settled.reply;
  const isSlow = settled === null && elapsedMs > policy.slowAfterMs;
  const wantsStarttls = policy.stages.includes('starttls');
  const slowMs = isSlow ? elapsedMs : null;
  return {
    exchange: hop.exchange,
    address: hop.address,
    port: hop.port,
    ...seen,
    elapsedMs,
    verdict: settled?.verdict ?? 'pass',
    // Taken as far as a probe goes. Whether it arrives only a canary message can tell.
    fate: settled?.fate ?? 'accepted',
    stage,
    stages: report.stages,
    reply,
    summary:
      settled === null
        ? summarisePass({ stage, reply, tls, offersStarttls, wantsStarttls, slowMs })
        : summariseFailure(settled),
    isSlow,
    tls,
    offersStarttls,
    takesCanary: report.takesCanary,
  };
}
