// Checks of `doctor` on what a probe needs of this machine: a way out for 25/tcp, the families of the hops, and a name
// for EHLO that others believe. Talks to the declared references, or to the routes' own hops; no further than EHLO.

import { type DomainName, displayName, isHostName, labelsOf, parseDomainName } from '../model/domain-name.ts';
import type { Observation } from '../model/observation.ts';
import { reverseNameOf } from '../model/reverse-name.ts';
import type { ProbePolicy } from '../model/route.ts';
import type { ProbeTarget } from '../probes/probe.ts';
import { mapBounded } from './concurrency.ts';
import { probedExchangesOf } from './measure.ts';
import { fail, type Finding, ok, type Opened, unknown, warn } from './doctor-finding.ts';

/** As many as tell a dead host from a closed way out. */
const mostReferences = 4;
/** Exchanges whose addresses are looked up. */
const mostExchanges = 100;
const parallelLookups = 16;
/** A way out that is closed keeps silent; longer than that no live reference takes to accept a connection. ms. */
const longestWaitMs = 10_000;

interface Target extends ProbeTarget {
  readonly isReference: boolean;
}

export async function checkPort25(deps: Opened, signal: AbortSignal): Promise<Finding[]> {
  const targets = witnesses(deps);
  if (targets.length === 0)
    return [unknown('port-25', null, 'nobody to ask', 'declare references: exchanges that always answer')];
  const asked = await Promise.all(targets.map((target) => ask(target, deps, signal)));
  const seen = asked.flatMap((one) => one ?? []);
  const answering = seen.filter((one) => one.verdict === 'pass' || one.reply !== null);
  const names = seen.map((one) => displayName(one.exchange)).join(', ');
  if (seen.length === 0) {
    const all = targets.map((one) => displayName(one.exchange)).join(', ');
    return [unknown('port-25', null, `no address was found for ${all}`, 'see the findings on resolvers')];
  }
  if (answering.length === 0) return [closedWay(seen, names)];
  return [...intercepted(answering), ...mixed(seen, answering, targets[0]?.isReference ?? false)];
}

/** References where there are some: the route's own hops may be down for reasons of their own. */
function witnesses({ config }: Opened): Target[] {
  const [route] = config.routes.values();
  if (route === undefined) return [];
  const policy: ProbePolicy = {
    ...route.probe,
    stages: ['connect', 'banner', 'ehlo'],
    rcpt: null,
    timeoutMs: Math.min(route.probe.timeoutMs, longestWaitMs),
  };
  const declared = config.references.map((one) => ({ ...one, addresses: null, policy, isReference: true }));
  if (declared.length > 0) return declared.slice(0, mostReferences);
  return hopTargets(config, policy).slice(0, mostReferences);
}

/** Every exchange of every route, once. */
function hopTargets({ routes }: Opened['config'], policy: ProbePolicy): Target[] {
  const all = [...routes.values()].flatMap((route) =>
    route.paths.flatMap((path) =>
      probedExchangesOf(path).map((one) => ({ ...one, policy, isReference: false })),
    ),
  );
  return [...new Map(all.map((one) => [`${one.exchange}:${one.port}`, one])).values()];
}

/** Null where it has no address that we could reach. */
async function ask(
  target: Target,
  { program, machine }: Opened,
  signal: AbortSignal,
): Promise<Observation | null> {
  const found = await program.probe.resolve(target, signal);
  if (found.outcome !== 'found') return null;
  const usable = found.addresses.filter((one) => machine.families.ipv6 || !one.includes(':'));
  const address = usable.find((one) => !one.includes(':')) ?? usable[0];
  if (address === undefined) return null;
  const { exchange, port, policy } = target;
  return program.probe.probe({ exchange, address, port }, policy, signal);
}

/** Names resolve, so there is a network; that several hosts keep silent at once is then the way out. */
function closedWay(seen: readonly Observation[], names: string): Finding {
  const isClosed = seen.every((one) => one.stage === 'connect');
  const [first] = seen;
  const text = `${names}: ${first?.summary ?? 'no answer'}`;
  if (!isClosed)
    return fail(
      'port-25',
      null,
      text,
      'no mail server gets as far as EHLO: look for a firewall or proxy on 25/tcp',
    );
  const ports = [...new Set(seen.map((one) => one.port))].join(', ');
  return fail(
    'port-25',
    null,
    `${ports}/tcp looks blocked on the way out: ${text}`,
    'AWS, Azure, Google Cloud and most other clouds block 25/tcp until asked; have it opened, or measure from elsewhere',
  );
}

function mixed(
  seen: readonly Observation[],
  answering: readonly Observation[],
  isDeclared: boolean,
): Finding[] {
  const what = isDeclared ? 'references' : 'hops';
  const text = `${answering.length} of ${seen.length} ${what} answer`;
  const silent = seen.find((one) => !answering.includes(one));
  if (silent === undefined) return [ok('port-25', null, text)];
  const reason = `${text}; ${displayName(silent.exchange)}: ${silent.summary}`;
  return isDeclared
    ? [warn('port-25', null, reason, 'a reference that does not answer is none: name another')]
    : [ok('port-25', null, reason)];
}

/** Some networks lead every 25/tcp to a relay of their own: then a probe measures that. */
function intercepted(answering: readonly Observation[]): Finding[] {
  const greeters = answering.flatMap((one) => greeterOf(one) ?? []);
  const isOne = new Set(greeters).size === 1 && greeters.length > 1;
  const exchanges = new Set(answering.map((one) => one.exchange));
  if (!isOne || exchanges.size < 2) return [];
  const [name = ''] = greeters;
  return [
    warn(
      'port-25',
      null,
      `${greeters.length} different hosts all greet as ${name}: something answers in their place`,
      'a probe from here measures that, not them; ask who runs the network',
    ),
  ];
}

/** RFC 5321 §4.2: the greeting begins with the server's name. */
function greeterOf({ stages }: Observation): string | null {
  const greeting = stages.find((one) => one.stage === 'banner')?.reply?.text ?? '';
  const parsed = parseDomainName(greeting.split(/\s/)[0] ?? '');
  return parsed.ok && labelsOf(parsed.name).length > 1 ? parsed.name : null;
}

export async function checkFamilies(opened: Opened, signal: AbortSignal): Promise<Finding[]> {
  const { config, machine, program } = opened;
  const [route] = config.routes.values();
  if (route === undefined) return [];
  const targets = hopTargets(config, route.probe).slice(0, mostExchanges);
  const found = await mapBounded(targets, parallelLookups, (target) => program.probe.resolve(target, signal));
  const addresses = found.flatMap((one) => (one.outcome === 'found' ? one.addresses : []));
  const far = addresses.filter((one) => one !== '::1' && !one.startsWith('127.'));
  const [v6, v4] = [far.filter((one) => one.includes(':')), far.filter((one) => !one.includes(':'))];
  const findings: Finding[] = [];
  if (v4.length > 0 && !machine.families.ipv4)
    findings.push(
      fail(
        'families',
        null,
        `${hops(v4.length)} IPv4 alone, this machine has no IPv4`,
        'measure from one that has',
      ),
    );
  if (v6.length > 0 && !machine.families.ipv6)
    findings.push(
      warn(
        'families',
        null,
        `${hops(v6.length)} on IPv6, this machine is not: senders meet them, mxctl cannot see them`,
        'give it IPv6, or add a vantage that has it',
      ),
    );
  if (findings.length > 0) return findings;
  if (addresses.length === 0) return [unknown('families', null, 'no hop has an address that could be found')];
  const here = v6.length > 0 ? 'IPv4 and IPv6' : 'IPv4';
  return [ok('families', null, `reaches the families of all ${addresses.length} hops (${here})`)];
}

const hops = (count: number) => (count === 1 ? '1 hop is' : `${count} hops are`);

/** Distinct names of --ehlo that are looked at. */
const mostEhloNames = 5;

export async function checkEhlo(opened: Opened, signal: AbortSignal): Promise<Finding[]> {
  const { config, machine } = opened;
  const names = new Set([...config.routes.values()].map((one) => one.probe.ehloName ?? machine.hostname));
  const checked = await Promise.all(
    [...names].slice(0, mostEhloNames).map((name) => checkEhloName(name, opened, signal)),
  );
  return checked.flat();
}

const setName = 'set probe.ehlo_name to a name whose address points back to it (PTR)';

async function checkEhloName(text: string, { program }: Opened, signal: AbortSignal): Promise<Finding[]> {
  const parsed = parseDomainName(text);
  if (!parsed.ok || !isHostName(parsed.name) || labelsOf(parsed.name).length < 2)
    return [warn('ehlo', text, 'no full domain name: filters refuse such (RFC 5321 §4.1.4)', setName)];
  const [a, aaaa] = await Promise.all([
    program.resolver.lookup(parsed.name, 'A', signal),
    program.resolver.lookup(parsed.name, 'AAAA', signal),
  ]);
  const addresses = [...(a.rrset?.rdata ?? []), ...(aaaa.rrset?.rdata ?? [])];
  if (addresses.length === 0) {
    if (a.outcome === 'failed') return [unknown('ehlo', text, a.reason ?? 'could not be looked up')];
    return [warn('ehlo', text, 'has no address: filters refuse such (RFC 5321 §4.1.4)', setName)];
  }
  const back = await Promise.all(
    addresses.slice(0, 4).map((one) => pointsBack(one, parsed.name, program, signal)),
  );
  if (back.includes('yes')) return [ok('ehlo', text, `${addresses.join(', ')}, and back (PTR)`)];
  if (back.includes('unknown')) return [unknown('ehlo', text, 'its PTR could not be looked up')];
  return [warn('ehlo', text, `no PTR of ${addresses.join(', ')} points back to it`, setName)];
}

async function pointsBack(
  address: string,
  name: DomainName,
  { resolver }: Pick<Opened['program'], 'resolver'>,
  signal: AbortSignal,
): Promise<'yes' | 'no' | 'unknown'> {
  const reverse = reverseNameOf(address);
  if (reverse === null) return 'unknown';
  const { outcome, rrset } = await resolver.lookup(reverse, 'PTR', signal);
  if (outcome === 'failed') return 'unknown';
  return rrset?.rdata.includes(name) === true ? 'yes' : 'no';
}
