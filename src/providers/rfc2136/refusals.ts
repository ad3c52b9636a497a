// A server's refusal as an error that says who must do what. Pure. NOTAUTH means two things (RFC 2136 §3.1.1: not my
// zone; RFC 8945 §5.2: your TSIG is no good), REFUSED three: the TSIG error field and the signature tell them apart.

import { type Message, rcodes } from '../../dns/message.ts';
import { serverTimeOf, type TsigKey } from '../../dns/tsig.ts';
import { type AppErrorOptions, type ErrorCode, ProviderError } from '../../errors.ts';
import { type DomainName, displayName } from '../../model/domain-name.ts';
import type { RrType } from '../../model/rrset.ts';
import type { Answer, NoAnswer } from './api.ts';

export interface RefusedRequest {
  /** e.g. `192.0.2.53`. */
  readonly server: string;
  readonly zone: DomainName;
  readonly key: Pick<TsigKey, 'name' | 'algorithm'> | null;
  readonly verb: 'query' | 'update';
  /** Seconds since the epoch. */
  readonly nowSeconds: number;
}

type Refused = RefusedRequest & { readonly isVerified: boolean };

type Refusal = readonly [code: ErrorCode, message: string, options: AppErrorOptions];

const rcodeNames = new Map(Object.entries(rcodes).map(([name, number]) => [number as number, name]));

export function refusalOf({ message: reply, isVerified }: Answer, request: RefusedRequest): ProviderError {
  const refused = { ...request, isVerified };
  const [code, message, options] = tsigRefusal(reply, request) ?? rcodeRefusal(reply, refused);
  return new ProviderError(code, message, options);
}

/** `outcome`: what that meant for an update, e.g. `the update was not applied`. */
export function noAnswerOf(server: string, { kind, reason }: NoAnswer, outcome = ''): ProviderError {
  const tail = outcome === '' ? '' : `; ${outcome}`;
  if (kind === 'disbelieved')
    return new ProviderError(
      'provider-protocol',
      `${server} gave a reply that cannot be trusted: ${reason}${tail}`,
      {
        hint: 'See whether the address is that of the primary itself, and what stands between.',
      },
    );
  return new ProviderError('provider-unreachable', `no answer from ${server} over TCP: ${reason}${tail}`, {
    hint: 'Check the address, the port, and that TCP gets through.',
    retryable: true,
  });
}

export function zoneUnknown(server: string, zone: DomainName): ProviderError {
  return new ProviderError('zone-unknown', `${server} is not authoritative for a zone ${displayName(zone)}`, {
    hint: 'Name the primary as `server`, and the zone as the server has it.',
  });
}

export function otherZone(server: string, zone: DomainName, owner: DomainName): ProviderError {
  const what = `${displayName(owner)} is not in zone ${displayName(zone)} on ${server}`;
  return new ProviderError('name-outside-zone', `${what}: it is delegated, or in a zone of its own`, {
    hint: 'Name the zone that holds it under `records`.',
  });
}

export function aliased(owner: DomainName, type: RrType): ProviderError {
  return new ProviderError(
    'provider-refused',
    `${displayName(owner)} is an alias (CNAME): no ${type} can stand there`,
    { hint: 'Remove the CNAME, or name the owner that it leads to.' },
  );
}

/** Turned down again and again for records that the server itself answers. */
export function neverAgreed(server: string, zone: DomainName, attempts: number): ProviderError {
  return new ProviderError(
    'provider-protocol',
    `${server} turned down ${attempts} updates of zone ${displayName(zone)}, though it answers what they required`,
    {
      hint:
        'Others may be changing the zone without a pause, or the answers do not come from this zone: ' +
        'a wildcard, a zone below it, or another view.',
      retryable: true,
    },
  );
}

function tsigRefusal(reply: Message, { server, key, nowSeconds }: RefusedRequest): Refusal | null {
  if (reply.tsig === null || key === null || reply.rcode !== rcodes.NOTAUTH) return null;
  const name = displayName(key.name);
  switch (reply.tsig.error) {
    case rcodes.BADKEY:
      return [
        'provider-credentials',
        `${server} knows no TSIG key ${name} with ${key.algorithm} (BADKEY)`,
        { hint: "Compare the key's name and algorithm with those in the server's configuration." },
      ];
    case rcodes.BADSIG:
      return [
        'provider-credentials',
        `${server} knows TSIG key ${name} with another secret (BADSIG)`,
        { hint: 'Take the base64 secret anew from the key file of the server.' },
      ];
    case rcodes.BADTIME:
      return clockSkew(server, serverTimeOf(reply.tsig), nowSeconds);
    case rcodes.BADTRUNC:
      return [
        'provider-protocol',
        `${server} wants another length of TSIG signature (BADTRUNC)`,
        { hint: 'Allow the full length of the algorithm on the server.' },
      ];
    default:
      return null;
  }
}

function clockSkew(server: string, serverTime: number | null, nowSeconds: number): Refusal {
  const options = {
    hint: 'Set the clock of whichever is wrong (timedatectl, chronyc tracking), then try again.',
  };
  if (serverTime === null)
    return ['clock-skew', `the clocks of ${server} and this machine differ too much (BADTIME)`, options];
  const skew = serverTime - nowSeconds;
  // 48 bits of seconds reach beyond what a Date can say.
  const at = serverTime < 8.64e12 ? ` (${new Date(serverTime * 1000).toISOString()})` : '';
  const direction = skew < 0 ? 'behind' : 'ahead of';
  return [
    'clock-skew',
    `the clock of ${server}${at} is ${Math.abs(skew)} s ${direction} this machine's (BADTIME)`,
    options,
  ];
}

function rcodeRefusal(reply: Message, request: Refused): Refusal {
  const { server, verb, isVerified } = request;
  const zone = displayName(request.zone);
  const rcode = rcodeNames.get(reply.rcode) ?? `rcode ${reply.rcode}`;
  switch (reply.rcode) {
    case rcodes.NOTAUTH:
      return notAuth(request);
    case rcodes.NOTZONE:
      return [
        'name-outside-zone',
        `${server} says that a name of the update is not in zone ${zone} (NOTZONE)`,
        { hint: 'Name the zone that holds it under `records`.' },
      ];
    case rcodes.REFUSED:
      return isVerified && request.key !== null ? signedRefused(request) : unsignedRefused(request);
    case rcodes.SERVFAIL:
      return [
        'provider-protocol',
        `${server} failed at the ${verb} for zone ${zone} (SERVFAIL)`,
        {
          // Knot 3.2, seen 2026-08.
          hint: 'Its log says why. Knot answers so to every change when its journal directory is missing or read-only.',
          retryable: true,
        },
      ];
    case rcodes.NOTIMP:
      return [
        'provider-protocol',
        `${server} does not do dynamic updates (NOTIMP)`,
        { hint: 'Turn them on, or take another provider type for this zone.' },
      ];
    default:
      return [
        'provider-protocol',
        `${server} answered the ${verb} for zone ${zone} with ${rcode}${isVerified ? '' : ', unsigned'}`,
        { hint: 'Its log says why.' },
      ];
  }
}

/** The key is good; it may not do this, or this is not served. */
function signedRefused({ server, zone, key, verb }: RefusedRequest): Refusal {
  const who = key === null ? 'us' : `key ${displayName(key.name)}`;
  if (verb === 'query')
    return [
      'zone-unknown',
      `${server} does not serve zone ${displayName(zone)} to ${who} (REFUSED)`,
      { hint: 'Name the zone as the server has it; let the key query it (allow-query).' },
    ];
  return [
    'provider-refused',
    `${server} refused the update of zone ${displayName(zone)} by ${who} (REFUSED)`,
    {
      // BIND 9.18 (check-mx, update.c), seen 2026-08.
      hint:
        'Either the key may not write these names (update-policy, allow-update, acl), or the content was refused: ' +
        'BIND takes no MX whose exchange is in the zone and has no address, or is an alias.',
    },
  ];
}

/** NOTAUTH without a TSIG error that explains it. No query is answered so for the zone's sake. */
function notAuth({ server, zone, key, verb }: Refused): Refusal {
  const isAboutKey = key === null || verb === 'query';
  const wants = key === null ? 'wants a TSIG key' : `does not take TSIG key ${displayName(key.name)}`;
  return [
    isAboutKey ? 'provider-credentials' : 'zone-unknown',
    `${server} ${isAboutKey ? `${wants}, or ` : ''}is not the primary of zone ${displayName(zone)} (NOTAUTH)`,
    { hint: 'Name the primary as `server`, the zone as the server has it, and a key that it knows.' },
  ];
}

/**
 * A query: Knot 3.2 so refuses a zone that it does not have, before it looks at the TSIG (seen 2026-08).
 * An UPDATE: BIND and Knot to those who do not sign, PowerDNS 4.7 also to an unknown key or a wrong secret (2026-08).
 */
function unsignedRefused({ server, zone, key, verb }: RefusedRequest): Refusal {
  const name = displayName(zone);
  if (verb === 'query')
    return [
      'zone-unknown',
      `${server} does not serve zone ${name} to us (REFUSED)`,
      {
        hint: 'Name the zone as the server has it; check that the server lets us, or our `tsig` key, query it.',
      },
    ];
  if (key === null)
    return [
      'provider-credentials',
      `${server} refused the unsigned update of zone ${name} (REFUSED)`,
      { hint: 'Give the provider a `tsig` key that the server allows.' },
    ];
  return [
    'provider-credentials',
    `${server} refused the update of zone ${name} and did not sign its answer (REFUSED)`,
    { hint: `Check that it knows key ${displayName(key.name)} with this secret, and that the clocks agree.` },
  ];
}
