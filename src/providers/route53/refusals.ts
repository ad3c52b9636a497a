// A call that failed as an error that says who must do what. Pure.

import { type AppErrorOptions, type ErrorCode, exitCodes, ProviderError } from '../../errors.ts';
import { type DomainName, displayName } from '../../model/domain-name.ts';
import { sanitise } from '../../model/text.ts';
import type { CallFailure } from './failures.ts';

export interface RefusedCall {
  /** Of the provider block. */
  readonly provider: string;
  readonly zone: DomainName;
  /** e.g. `Z0AB12`; null while it is looked for. */
  readonly zoneId: string | null;
}

type Refusal = readonly [code: ErrorCode, message: string, options: AppErrorOptions];

/** `outcome`: what that meant for a change, e.g. `the change was not applied`. */
export function refusalOf(failure: CallFailure, call: RefusedCall, outcome = ''): ProviderError {
  const [code, message, options] = partsOf(failure, call);
  const tail = outcome === '' ? '' : `; ${outcome}`;
  return new ProviderError(code, sanitise(`${message}${tail}`, 600), { ...options, cause: failure });
}

function partsOf(failure: CallFailure, call: RefusedCall): Refusal {
  const { kind, action, code, message } = failure;
  const zone = displayName(call.zone);
  const where = call.zoneId === null ? `zone ${zone}` : `zone ${zone} (${call.zoneId})`;
  switch (kind) {
    case 'denied':
      return [
        'provider-credentials',
        `AWS does not allow ${action} for ${where}: ${message}`,
        { hint: `The least policy it needs: mxctl provider policy ${call.provider}` },
      ];
    case 'credentials':
      return [
        'provider-credentials',
        code.endsWith('ProviderError')
          ? `there are no credentials for AWS: ${message}`
          : `AWS does not take these credentials: ${message}`,
        { hint: credentialHint(code) },
      ];
    case 'clock-skew':
      return [
        'clock-skew',
        `AWS refused the time of this machine's signature (${code})`,
        {
          hint: 'Set the clock (timedatectl, chronyc tracking), then try again.',
          exitCode: exitCodes.credentials,
        },
      ];
    case 'no-zone':
      return [
        'zone-unknown',
        `Route 53 has no hosted ${where} for these credentials`,
        {
          hint: 'Check `hosted_zones`, and that the account, the profile and the role are those of the zone.',
        },
      ];
    case 'throttled':
    case 'busy':
      return [
        'provider-unreachable',
        kind === 'throttled'
          ? `AWS went on throttling ${action} (${message})`
          : `Route 53 was still busy with another change of ${where}`,
        { hint: 'Something else uses up the API of this account; stop it, or try again.', retryable: true },
      ];
    case 'batch-refused':
      return batchRefusal(message, where);
    case 'odd':
      return [
        'provider-refused',
        `Route 53 refused ${action} for ${where}: ${code}: ${message}`,
        { hint: 'Nothing was changed. The code is explained in the Route 53 API reference.' },
      ];
    case 'not-sent':
    case 'lost':
      if (isStrange(failure))
        return [
          'provider-protocol',
          `what answers ${action} is not Route 53, or not as documented: ${message}`,
          { hint: 'Check `endpoint`, and what stands between: a proxy, a login page.' },
        ];
      return [
        'provider-unreachable',
        `no answer from Route 53 to ${action}: ${message}`,
        { hint: 'Check the network, `endpoint` and `region`; then try again.', retryable: true },
      ];
  }
}

/** Answered, but not in the documented shape; that it may have been carried out is the writing's matter. */
function isStrange({ code, message }: CallFailure): boolean {
  return code === 'HTTP 200' || message.includes('is not as documented');
}

function credentialHint(code: string): string {
  if (code.startsWith('ExpiredToken'))
    return 'They have expired: sign in again (aws sso login), then try again.';
  if (code.endsWith('ProviderError'))
    return 'Give them as the AWS tools take them: AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, a profile, or a role of this machine.';
  return 'Wrong, deleted, or of another partition (`region`)? Try the same ones with: aws sts get-caller-identity';
}

function batchRefusal(message: string, where: string): Refusal {
  if (/protect/i.test(message))
    return [
      'provider-refused',
      `a record set of ${where} is protected: ${message}`,
      { hint: 'Whoever protected it must lift that first (DeleteResourceRecordSetProtections).' },
    ];
  return [
    'provider-refused',
    `Route 53 refused the batch for ${where}: ${message}`,
    { hint: 'Nothing was changed. Its reason says which record set is in the way.' },
  ];
}

export function zoneUnknown(provider: string, zone: DomainName, nearest: DomainName | null): ProviderError {
  return new ProviderError(
    'zone-unknown',
    `Route 53 has no public hosted zone ${displayName(zone)} for these credentials`,
    {
      hint:
        nearest === null
          ? `Check the account that provider ${provider} uses, and the zone under \`records\`.`
          : `There is ${displayName(nearest)}: name that as the zone under \`records\`.`,
    },
  );
}

export function otherZone(zone: DomainName, owner: DomainName, inner: DomainName): ProviderError {
  return new ProviderError(
    'name-outside-zone',
    `${displayName(owner)} is in hosted zone ${displayName(inner)}, not in ${displayName(zone)}`,
    { hint: 'Name the zone that holds it under `records`; or give the id under `hosted_zones`.' },
  );
}

export function zonesAmbiguous(zone: DomainName, ids: readonly string[], why: string): ProviderError {
  return new ProviderError(
    'zone-unknown',
    `${ids.length} public hosted zones are called ${displayName(zone)} (${ids.join(', ')}), ${why}`,
    { hint: `Say which: hosted_zones: {${displayName(zone)}: ${ids[0] ?? 'Z0AB12'}}` },
  );
}

export function wrongZone(zone: DomainName, id: string, what: string): ProviderError {
  return new ProviderError('zone-unknown', `hosted zone ${id}, given for ${displayName(zone)}, ${what}`, {
    hint: 'Correct the id under `hosted_zones`.',
  });
}
