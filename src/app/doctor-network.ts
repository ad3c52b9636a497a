// Checks of `doctor` on what everything else is measured with: the clock, and the resolvers.

import type { Lookup } from '../dns/reader.ts';
import { StoreError } from '../errors.ts';
import { type DomainName, displayName, domainNameOf, root } from '../model/domain-name.ts';
import type { ServerAddress } from '../model/route.ts';
import { hasSameRdata } from '../model/rrset.ts';
import { formatDuration } from '../render/duration.ts';
import { mapBounded } from './concurrency.ts';
import { fail, type Finding, type HttpTime, ok, type Opened, unknown, warn } from './doctor-finding.ts';
import { measureSkew } from './shared-clock.ts';

/** RFC 9110 §5.6.7: a Date has whole seconds, cut off; half of one on average. ms. */
const dateRoundingMs = 500;
/** Beyond it instants in history do not fit those in mail logs; ms. */
const unpleasantSkewMs = 5000;
/** Leases last a minute and signatures (TSIG's fudge, AWS) five: beyond the first the second is near. ms. */
const dangerousSkewMs = 60_000;

/** By servers that the configuration names, for nobody else is asked. */
export async function checkClock(deps: Opened, signal: AbortSignal): Promise<Finding[]> {
  const { config, machine } = deps;
  const urls = [...new Set([...config.providers.values()].flatMap(timeSourceOf))];
  const store = await checkAgainstStore(deps);
  if (urls.length === 0 && store.length === 0) {
    const signed = [...config.providers.values()].some((one) => one.type === 'rfc2136');
    const text = signed
      ? 'no provider tells the time; one that takes our signatures sees it within five minutes'
      : 'no provider tells the time';
    return [unknown('clock', null, text, 'see that this machine keeps it: timedatectl, chronyc tracking')];
  }
  const told = urls.map(async (url) => judgeTime(url, await machine.httpTime(url, signal)));
  return [...store, ...(await Promise.all(told))];
}

/** The database that machines share: what they all write is ordered by its time and theirs. */
async function checkAgainstStore({ program, clock, storeFault, isStoreNew }: Opened): Promise<Finding[]> {
  if (storeFault !== null || isStoreNew) return [];
  try {
    const skew = await measureSkew(program.store, clock);
    if (skew === null) return [];
    return [judgeSkew(storeClock, skew, 'one of the two is wrong; on both: timedatectl')];
  } catch (error) {
    if (!(error instanceof StoreError)) throw error;
    return [unknown('clock', storeClock, `did not tell the time: ${error.message}`, error.hint)];
  }
}

const storeClock = 'state store';

/** Where the API of this provider answers HTTP, with a Date whoever asks (RFC 9110 §6.6.1). */
function timeSourceOf(
  block: Opened['config']['providers'] extends ReadonlyMap<string, infer B> ? B : never,
): string[] {
  switch (block.type) {
    case 'route53':
      return [block.endpoint ?? 'https://route53.amazonaws.com/'];
    case 'cloudflare':
      return [block.endpoint ?? 'https://api.cloudflare.com/'];
    case 'powerdns':
      return [block.url];
    case 'rfc2136':
      return [];
  }
}

const keepTime = 'let it keep time: timedatectl set-ntp true, or chronyd';

function judgeTime(url: string, time: HttpTime): Finding {
  const host = new URL(url).host;
  if ('fault' in time) {
    return time.isCertificateTime
      ? fail(
          'clock',
          host,
          `its certificate does not hold at the time we think it is: ${time.fault}`,
          keepTime,
        )
      : unknown('clock', host, `did not tell the time: ${time.fault}`);
  }
  const { serverAt, sentAt, receivedAt } = time;
  const skewMs = (sentAt + receivedAt) / 2 - (serverAt + dateRoundingMs);
  return judgeSkew(host, { skewMs, accuracyMs: dateRoundingMs + (receivedAt - sentAt) / 2 }, keepTime);
}

function judgeSkew(
  subject: string,
  { skewMs, accuracyMs }: { readonly skewMs: number; readonly accuracyMs: number },
  next: string,
): Finding {
  const surelyMs = Math.abs(skewMs) - accuracyMs;
  const within = `give or take ${formatDuration(Math.ceil(accuracyMs))}`;
  if (surelyMs <= unpleasantSkewMs) return ok('clock', subject, `agrees with it, ${within}`);
  const text = `${formatDuration(Math.abs(skewMs))} ${skewMs > 0 ? 'ahead of' : 'behind'} it, ${within}`;
  return surelyMs > dangerousSkewMs ? fail('clock', subject, text, next) : warn('clock', subject, text, next);
}

/** Routes whose MX the resolvers are compared by. */
const mostCompared = 5;
const parallelResolvers = 8;

export async function checkResolvers(deps: Opened, signal: AbortSignal): Promise<Finding[]> {
  const { resolvers } = deps;
  const invented = await inventedName(deps, signal);
  const single = await mapBounded(resolvers, parallelResolvers, (server) =>
    checkResolver(server, invented, deps, signal),
  );
  return [...single, ...(await compareResolvers(deps, signal))];
}

/** A name that every authority of a route's zone denies; null where there is none such (a wildcard). */
async function inventedName({ config, program }: Opened, signal: AbortSignal): Promise<DomainName | null> {
  const [records] = [...config.routes.values()].flatMap((route) => route.records);
  if (records === undefined) return null;
  const { zone, authorities } = records;
  const label = `mxctl-doctor-${Math.floor(program.random() * 1e9).toString(36)}`;
  const owner = domainNameOf(zone === root ? label : `${label}.${zone}`);
  const { answers } = await program.reader.readPublished({ zone, owner, type: 'A', authorities }, signal);
  const isDenied = answers.length > 0 && answers.every((one) => one.outcome === 'absent');
  return isDenied ? owner : null;
}

async function checkResolver(
  server: ServerAddress,
  invented: DomainName | null,
  { program }: Opened,
  signal: AbortSignal,
): Promise<Finding> {
  const name = server.port === 53 ? server.address : `${server.address}#${server.port}`;
  const [known, lie] = await Promise.all([
    program.resolver.lookupAt(server, root, 'NS', signal),
    invented === null ? null : program.resolver.lookupAt(server, invented, 'A', signal),
  ]);
  if (known.outcome === 'failed' && lie?.outcome !== 'found' && (lie === null || lie.outcome === 'failed'))
    return fail(
      'resolver',
      name,
      known.reason ?? 'no answer',
      "name others under resolvers, or none for the system's",
    );
  if (lie?.outcome === 'found' && lie.rrset !== null)
    return fail(
      'resolver',
      name,
      `answers ${lie.rrset.rdata.slice(0, 2).join(', ')} for a name that does not exist`,
      'name one that does not invent answers under resolvers: mail to dead exchanges would look alive',
    );
  const honest = lie === null || lie.outcome === 'failed' ? '' : ', invents nothing';
  if (known.outcome !== 'found')
    return ok('resolver', name, `answers${honest}; whether it validates DNSSEC is not known (no root)`);
  const spent = `answers in ${formatDuration(known.elapsedMs)}`;
  return known.isAuthenticated
    ? ok('resolver', name, `${spent}, validates DNSSEC${honest}`)
    : warn(
        'resolver',
        name,
        `${spent}${honest}, but does not validate DNSSEC, so DANE cannot be seen`,
        'name one that sets AD under resolvers',
      );
}

/** The same question to each: what differs is a change under way, or one that lies. */
async function compareResolvers(
  { config, program, resolvers }: Opened,
  signal: AbortSignal,
): Promise<Finding[]> {
  if (resolvers.length < 2) return [];
  const owners = [...config.routes.values()]
    .filter((route) => route.strategy === 'mx')
    .flatMap((route) => route.records[0]?.owners[0] ?? [])
    .slice(0, mostCompared);
  const compared = await mapBounded(owners, mostCompared, async (owner) => {
    const answers = await Promise.all(
      resolvers.map((server) => program.resolver.lookupAt(server, owner, 'MX', signal)),
    );
    return isOneAnswer(answers.filter((one) => one.outcome !== 'failed')) ? [] : [owner];
  });
  const differing = compared.flat();
  if (differing.length === 0) return [];
  const names = differing.map(displayName).join(', ');
  return [
    warn(
      'resolver',
      null,
      `they do not agree on the MX of ${names}`,
      'a change under way? mxctl watch shows who has what',
    ),
  ];
}

function isOneAnswer(answers: readonly Lookup[]): boolean {
  return answers.every((one) => hasSameRdata(one.rrset, answers[0]?.rrset ?? null));
}
