// The hops of the standard world: one port for all of them, the primary fills the mailbox, the others relay to it.

import { displayName } from '../model/domain-name.ts';
import type { Clock } from '../runtime/clock.ts';
import type { CertificateAuthority } from './certificates.ts';
import { type HopOptions, type SandboxHop, startHop } from './hop.ts';
import type { Letter } from './letter.ts';
import type { Mailbox } from './mailbox.ts';
import { type HopPlan, hopPlans } from './map.ts';
import { Relay } from './relay.ts';
import type { RetrySchedule } from './retry-queue.ts';

interface HopsContext {
  readonly clock: Clock;
  readonly certificates: CertificateAuthority;
  readonly cutOff: ReadonlySet<string>;
  readonly mailbox: Mailbox;
  readonly retry: RetrySchedule;
  readonly smtpTimeoutMs: number;
  readonly tarpitMs: number;
  readonly port: number;
}

/** How many ports are tried until one is free on all hop addresses. */
const maxPortTries = 10;

/** The hops on one common port; where it is 0, the first hop finds one and another is tried where it is not free. */
export async function startHops(
  context: HopsContext,
): Promise<{ hops: SandboxHop[]; relays: Map<string, Relay> }> {
  for (let left = maxPortTries; ; left--) {
    const hops: SandboxHop[] = [];
    const relays = new Map<string, Relay>();
    try {
      for (const plan of hopPlans) {
        const accept = acceptance(plan, context, hops, relays);
        hops.push(await startHop(hopOptions(plan, context, hops[0]?.port ?? context.port, accept)));
      }
      return { hops, relays };
    } catch (error) {
      await Promise.all(hops.map((hop) => hop.close()));
      if (hops.length === 0 || context.port !== 0 || left <= 1) throw error;
    }
  }
}

function hopOptions(plan: HopPlan, context: HopsContext, port: number, accept: HopOptions['accept']) {
  const { certificates, clock, tarpitMs, cutOff } = context;
  return {
    ...plan,
    port,
    certificates,
    clock,
    tarpitMs,
    accept,
    giveBack: (notification: Letter) => context.mailbox.deliver(notification),
    isCutOff: (source: string) => cutOff.has(source),
    admits: hopPlans.filter((one) => one.role === 'proxy' || one.role === 'backup').map((one) => one.address),
  };
}

/** The primary fills the mailbox, proxy and backup relay to the primary, references keep nothing. */
function acceptance(
  plan: HopPlan,
  context: HopsContext,
  hops: readonly SandboxHop[],
  relays: Map<string, Relay>,
): HopOptions['accept'] {
  if (plan.role === 'primary') return (letter) => context.mailbox.deliver(letter);
  if (plan.role === 'reference') return () => {};
  const relay = new Relay({
    clock: context.clock,
    retry: context.retry,
    nextHop: () => {
      const primary = hops.find((one) => one.role === 'primary');
      return {
        address: primary?.address ?? '',
        port: primary?.port ?? 0,
        localAddress: plan.address,
        ehloName: displayName(plan.exchange),
        timeoutMs: context.smtpTimeoutMs,
      };
    },
  });
  relays.set(plan.name, relay);
  return (letter) => relay.accept(letter);
}
