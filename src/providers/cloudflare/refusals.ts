// A refusal as an error that says who must do what. Pure. The codes are those seen in public reports, 2024 to 2026-11:
// the reference lists none of them.

import { type AppErrorOptions, type ErrorCode, exitCodes, ProviderError } from '../../errors.ts';
import { type DomainName, displayName } from '../../model/domain-name.ts';
import { sanitise } from '../../model/text.ts';
import type { RrType } from '../../model/rrset.ts';
import type { CloudflareZone, Failure } from './shapes.ts';

/** zones: the zone list; read: records; write: a batch. */
export type RefusedVerb = 'zones' | 'read' | 'write';

export interface Refused {
  readonly host: string;
  readonly verb: RefusedVerb;
  readonly zone: DomainName;
  readonly status: number;
  readonly failures: readonly Failure[];
}

/** Somebody was faster: the record is gone (81044), or one like it is there (81057, 81058). */
const raceCodes = [81_044, 81_057, 81_058];
/** The name is a CNAME, or has records beside which no CNAME may stand. */
const aliasCodes = [81_053, 81_054];
/** "This zone is managed by Email Routing. Disable Email Routing to add/modify MX records." */
const emailRoutingCodes = [1046, 890_190];
/** The token itself: its header malformed (6003, 6111), unknown or expired (1000, 9103, 9109). */
const tokenCodes = [1000, 6003, 6111, 9103, 9109];
/** "Authentication error": the token is good and may not do this. */
const rightCodes = [10_000];
/** "Could not route to …, perhaps your object identifier is invalid", "Zone not found". */
const zoneCodes = [1001, 7000, 7003];

const rights = {
  zones: 'Zone > Zone > Read',
  read: 'Zone > DNS > Edit',
  write: 'Zone > DNS > Edit',
} as const;

export function isRace({ failures }: Pick<Refused, 'failures'>): boolean {
  return has(failures, raceCodes);
}

const has = (failures: readonly Failure[], codes: readonly number[]) =>
  failures.some((one) => codes.includes(one.code));

export function refusalOf(refused: Refused): ProviderError {
  const [code, message, options] = describe(refused);
  return new ProviderError(code, message, options);
}

type Refusal = readonly [code: ErrorCode, message: string, options: AppErrorOptions];

function describe({ host, verb, zone, status, failures }: Refused): Refusal {
  const name = displayName(zone);
  const told = toldBy(status, failures);
  if (has(failures, emailRoutingCodes)) return locked(name);
  if (isAboutRights(status, failures)) return missingRight({ host, verb, zone, status, failures }, told);
  if (status === 401 || status === 403 || (status < 500 && has(failures, tokenCodes) && status !== 404))
    return badToken(host, told);
  if (status === 404 || has(failures, zoneCodes))
    return [
      'zone-unknown',
      `${host} has no zone ${name} under this id (${told})`,
      { hint: 'Compare zone_ids with the zone id on the overview page of the zone.' },
    ];
  if (has(failures, aliasCodes))
    return [
      'provider-refused',
      `${host}: a name of the batch for zone ${name} is an alias (CNAME), or has what none may stand beside (${told})`,
      { hint: 'Remove the CNAME, or name the owner that it leads to.', exitCode: exitCodes.refused },
    ];
  if (status >= 500)
    return [
      'provider-unreachable',
      `${host} failed at zone ${name} (${told})`,
      { hint: 'Try again; www.cloudflarestatus.com tells of outages.', retryable: true },
    ];
  if (failures.length === 0)
    return [
      'provider-protocol',
      `${host} answered HTTP ${status} without an error of the API`,
      { hint: 'See whether a proxy stands between, and whether the endpoint is that of the API.' },
    ];
  return [
    'provider-refused',
    `${host} refused the ${verb === 'write' ? 'batch' : 'request'} for zone ${name}: ${told}`,
    { hint: 'Nothing was changed; the message is Cloudflare’s own.', exitCode: exitCodes.refused },
  ];
}

function isAboutRights(status: number, failures: readonly Failure[]): boolean {
  if (has(failures, rightCodes)) return true;
  // 9109 is both "Invalid access token" and "Unauthorized to access requested resource".
  return status === 403 && failures.some((one) => one.code === 9109 && /unauthori[sz]ed/i.test(one.message));
}

function missingRight({ host, verb, zone }: Refused, told: string): Refusal {
  return [
    'provider-credentials',
    `the API token may not ${verb === 'write' ? 'write' : 'read'} ${
      verb === 'zones' ? `zone ${displayName(zone)}` : `the records of zone ${displayName(zone)}`
    } at ${host} (${told})`,
    {
      hint: `Give the token the permission ${rights[verb]}, for this zone or for all. If it has it, see whether it has expired.`,
    },
  ];
}

function badToken(host: string, told: string): Refusal {
  return [
    'provider-credentials',
    `${host} does not take the API token (${told})`,
    {
      hint:
        'It is wrong, expired, revoked or bound to other addresses: compare it under My Profile > API Tokens. ' +
        'It needs Zone > Zone > Read and Zone > DNS > Edit.',
    },
  ];
}

function locked(zone: string): Refusal {
  return [
    'provider-refused',
    `the MX records of zone ${zone} are locked by Cloudflare Email Routing`,
    {
      hint: 'Unlock them, or disable Email Routing, under Email > Email Routing > Settings; nothing was changed.',
      exitCode: exitCodes.refused,
    },
  ];
}

export function lockedError(zone: DomainName): ProviderError {
  const [code, message, options] = locked(displayName(zone));
  return new ProviderError(code, message, options);
}

export function proxiedError(owner: DomainName, type: RrType): ProviderError {
  return new ProviderError(
    'provider-refused',
    `${displayName(owner)} ${type} is proxied by Cloudflare, whose HTTP proxies answer for it and take no mail`,
    { hint: 'Set these records to DNS only (grey cloud); nothing was changed.', exitCode: exitCodes.refused },
  );
}

function toldBy(status: number, failures: readonly Failure[]): string {
  const [first] = failures;
  return first === undefined ? `HTTP ${status}` : `${first.code} ${sanitise(first.message, 200)}`;
}

/** `outcome`: what that meant for a batch, e.g. `the batch was not applied`. */
export function noAnswerError(host: string, reason: string, outcome = ''): ProviderError {
  return new ProviderError(
    'provider-unreachable',
    `no answer from ${host}: ${reason}${outcome === '' ? '' : `; ${outcome}`}`,
    { hint: 'Check that this machine reaches the API over HTTPS.', retryable: true },
  );
}

export function throttledError(host: string, retryAfterMs: number): ProviderError {
  const seconds = Math.ceil(retryAfterMs / 1000);
  return new ProviderError(
    'provider-unreachable',
    `${host} takes no requests of this token for ${seconds} s: its rate limit is used up (HTTP 429)`,
    {
      hint: 'All tools and the dashboard of this user share 1,200 requests in 5 minutes; try again then.',
      retryable: true,
    },
  );
}

export function strangeAnswer(host: string, why: string): ProviderError {
  return new ProviderError(
    'provider-protocol',
    `${host} gave an answer that cannot be used: ${sanitise(why)}`,
    {
      hint: 'See whether the endpoint is that of the API, and what stands between.',
    },
  );
}

export function neverAgreed(host: string, zone: DomainName, attempts: number): ProviderError {
  return new ProviderError(
    'provider-protocol',
    `${host} turned down ${attempts} batches for zone ${displayName(zone)}, made from the records that it lists`,
    { hint: 'Others may be changing these records without a pause.', retryable: true },
  );
}

export function tooLarge(zone: DomainName, owner: DomainName, size: number, most: number): ProviderError {
  return new ProviderError(
    'provider-refused',
    `${displayName(owner)} takes ${size} operations on records, and one batch for zone ${displayName(zone)} has ${most}`,
    {
      hint: 'An RRset is written in one batch: give it fewer values, or name the plan of the zone.',
      exitCode: exitCodes.refused,
    },
  );
}

/** None of the zones of that name can be written. */
export function noZone(host: string, zone: DomainName, seen: readonly CloudflareZone[]): ProviderError {
  const name = displayName(zone);
  const [one] = seen;
  if (one !== undefined) {
    const state = one.status === 'active' ? `of type ${one.type ?? ''}` : one.status;
    return new ProviderError(
      'zone-unknown',
      `zone ${name} at ${host} is ${sanitise(state, 40)}, not in service`,
      {
        hint: 'Only an active zone of type full answers for its names: see its overview page.',
      },
    );
  }
  return new ProviderError('zone-unknown', `${host} shows this token no zone ${name}`, {
    hint: 'Check the name and account_id, and that the token has Zone > Zone > Read for this zone.',
  });
}

export function ambiguousZone(
  host: string,
  zone: DomainName,
  seen: readonly CloudflareZone[],
): ProviderError {
  const accounts = seen.map((one) => `${one.id} in account ${one.account.id}`).join(', ');
  return new ProviderError(
    'zone-unknown',
    `${host} has ${seen.length} active zones ${displayName(zone)}: ${accounts}`,
    { hint: 'Say which: account_id, or zone_ids with the id of the one that is delegated to.' },
  );
}
