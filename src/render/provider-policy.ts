// The least rights that mxctl needs at a provider, in that provider's own words: an IAM policy, the scopes of a token,
// the access rules of a name server. What cannot be said there is a warning.

import type { ProviderGrants, ZoneGrant } from '../app/provider-grants.ts';
import { type DomainName, displayName, labelOctets, labelsOf } from '../model/domain-name.ts';
import type { Warning } from './envelope.ts';

export interface ProviderPolicy {
  readonly lines: readonly string[];
  readonly data: Record<string, unknown>;
  readonly warnings: readonly Warning[];
}

export function renderProviderPolicy(grants: ProviderGrants): ProviderPolicy {
  switch (grants.type) {
    case 'route53':
      return route53Policy(grants);
    case 'cloudflare':
      return cloudflareScopes(grants);
    case 'rfc2136':
      return updateRules(grants);
    case 'powerdns':
      return powerdnsNote(grants);
  }
}

function policyOf(
  { provider, type }: ProviderGrants,
  lines: readonly string[],
  more: Record<string, unknown>,
  notes: readonly string[],
): ProviderPolicy {
  return {
    lines,
    data: { provider, type, ...more },
    warnings: notes.map((message) => ({ code: 'wide-rights', message, subject: `provider ${provider}` })),
  };
}

/** Most characters of a managed policy, white space not counted (IAM quotas). */
const maxPolicyCharacters = 6144;

function route53Policy(grants: ProviderGrants): ProviderPolicy {
  const partition = partitionOf(grants);
  const exact = iamPolicy(grants, partition, false);
  const isTooLong = JSON.stringify(exact).length > maxPolicyCharacters;
  const policy = isTooLong ? iamPolicy(grants, partition, true) : exact;
  const unknown = [...new Set(grants.zones.filter((one) => one.zoneId === null).map((one) => one.zone))];
  const notes = [
    ...(unknown.length > 0
      ? [
          `the ids of ${unknown.map(displayName).join(', ')} are not in the configuration, so every hosted zone is named; give them under hosted_zones`,
        ]
      : []),
    ...(isTooLong
      ? [
          `too many names for one policy of ${maxPolicyCharacters} characters: whole zones are allowed instead`,
        ]
      : []),
  ];
  const { roleArn } = grants;
  const caller = roleArn === null ? null : callerPolicy(roleArn);
  const told = policyOf(
    grants,
    JSON.stringify(policy, null, 2).split('\n'),
    { policy, caller_policy: caller },
    notes,
  );
  if (roleArn === null) return told;
  const message = `this is what ${roleArn} must be allowed; whoever assumes it needs sts:AssumeRole on it, and its trust policy must let them (--json: caller_policy)`;
  return {
    ...told,
    warnings: [{ code: 'caller-rights', message, subject: `provider ${grants.provider}` }, ...told.warnings],
  };
}

/** Of the user or instance that mxctl runs as, where the rights are those of a role. */
function callerPolicy(roleArn: string): Record<string, unknown> {
  return {
    Version: '2012-10-17',
    Statement: [{ Sid: 'AssumeRole', Effect: 'Allow', Action: 'sts:AssumeRole', Resource: roleArn }],
  };
}

/** The part of AWS that an ARN is in. */
function partitionOf({ roleArn, region }: ProviderGrants): string {
  const ofRole = roleArn?.split(':')[1];
  if (ofRole !== undefined) return ofRole;
  if (region?.startsWith('cn-') === true) return 'aws-cn';
  return region?.startsWith('us-gov-') === true ? 'aws-us-gov' : 'aws';
}

function iamPolicy({ zones }: ProviderGrants, partition: string, isWide: boolean): Record<string, unknown> {
  const arnOf = (id: string | null) => `arn:${partition}:route53:::hostedzone/${id ?? '*'}`;
  const arns = [...new Set(zones.map((one) => arnOf(one.zoneId)))];
  const resources = arns.includes(arnOf(null)) ? [arnOf(null)] : arns;
  const isSearched = zones.some((one) => one.zoneId === null);
  return {
    Version: '2012-10-17',
    Statement: [
      // This one knows no resource: it lists what the account has.
      ...(isSearched
        ? [{ Sid: 'FindZones', Effect: 'Allow', Action: 'route53:ListHostedZonesByName', Resource: '*' }]
        : []),
      {
        Sid: 'ReadZones',
        Effect: 'Allow',
        Action: ['route53:GetHostedZone', 'route53:ListResourceRecordSets'],
        Resource: resources,
      },
      {
        Sid: 'FollowChanges',
        Effect: 'Allow',
        Action: 'route53:GetChange',
        Resource: `arn:${partition}:route53:::change/*`,
      },
      ...zones.map((grant, at) => changeStatement(grant, at, arnOf(grant.zoneId), isWide)),
    ],
  };
}

/** ForAllValues: every record of a batch must be among these. A batch is never empty, so that is no loophole here. */
function changeStatement(
  { zone, names, types }: ZoneGrant,
  at: number,
  resource: string,
  isWide: boolean,
): Record<string, unknown> {
  const prefix = 'route53:ChangeResourceRecordSets';
  const namesKey = `${prefix}NormalizedRecordNames`;
  const above = normalizedName(zone);
  const others = { [`${prefix}RecordTypes`]: types, [`${prefix}Actions`]: ['CREATE', 'DELETE'] };
  return {
    Sid: `ChangeRecords${at + 1}`,
    Effect: 'Allow',
    Action: 'route53:ChangeResourceRecordSets',
    Resource: resource,
    Condition: isWide
      ? {
          'ForAllValues:StringEquals': others,
          'ForAllValues:StringLike': { [namesKey]: [above, `*.${above}`] },
        }
      : { 'ForAllValues:StringEquals': { [namesKey]: names.map(normalizedName), ...others } },
  };
}

/** As the condition key has it: lower case, no last dot, all but letters, digits, `-` and `_` as octal escapes. */
function normalizedName(name: DomainName): string {
  return labelsOf(name)
    .map((label) =>
      [...(labelOctets(label) ?? [])]
        .map((octet) => {
          const char = String.fromCharCode(octet);
          return /[a-z0-9_-]/.test(char) ? char : `\\${octet.toString(8).padStart(3, '0')}`;
        })
        .join(''),
    )
    .join('.');
}

/** Tokens know zones, and neither names nor types. */
function cloudflareScopes(grants: ProviderGrants): ProviderPolicy {
  const zones = [...new Map(grants.zones.map(({ zone, zoneId }) => [zone, zoneId]))];
  return policyOf(
    grants,
    [
      'API token (My Profile > API Tokens > Create Custom Token)',
      'Permissions',
      '  Zone  Zone  Read',
      '  Zone  DNS   Edit',
      'Zone Resources',
      ...zones.map(
        ([zone, id]) => `  Include  Specific zone  ${displayName(zone)}${id === null ? '' : `  ${id}`}`,
      ),
    ],
    {
      // Names of the permission groups in the API.
      permission_groups: ['Zone Read', 'DNS Write'],
      zones: zones.map(([zone, id]) => ({ zone: displayName(zone), id })),
    },
    ['a token cannot be held to single names or types: it may write every record of these zones'],
  );
}

function updateRules(grants: ProviderGrants): ProviderPolicy {
  const key = grants.keyName ?? 'mxctl.';
  const byZone = [...Map.groupBy(grants.zones, (one) => one.zone)];
  const bind = byZone.flatMap(([zone, own]) => [
    `zone "${displayName(zone)}" {`,
    '  update-policy {',
    // update-policy has no rule for a name that only looks like a wildcard: `name` compares it as it is.
    ...own.flatMap(({ names, types }) =>
      names.map((name) => `    grant ${key} name ${name} ${types.join(' ')};`),
    ),
    '  };',
    '};',
  ]);
  const knot = byZone.flatMap(([zone, own]) =>
    own.flatMap(({ names, types }, at) => [
      `  - id: ${displayName(zone)}-mxctl${at === 0 ? '' : `-${at + 1}`}`,
      `    key: ${key}`,
      '    action: update',
      `    update-type: [${types.join(', ')}]`,
      '    update-owner: name',
      '    update-owner-match: equal',
      `    update-owner-name: [${names.map((name) => `"${name}"`).join(', ')}]`,
    ]),
  );
  return policyOf(
    grants,
    [
      '# BIND 9, named.conf',
      ...bind,
      '',
      '# Knot DNS, knot.conf; name these under the acl of each zone',
      'acl:',
      ...knot,
    ],
    { bind: `${bind.join('\n')}\n`, knot: `acl:\n${knot.join('\n')}\n` },
    [],
  );
}

function powerdnsNote(grants: ProviderGrants): ProviderPolicy {
  const zones = [...new Set(grants.zones.map((one) => displayName(one.zone)))];
  return policyOf(
    grants,
    [
      'The API of PowerDNS has one key for the whole server: it may write every zone.',
      'Let only this machine use it, in pdns.conf:',
      '  webserver-allow-from=127.0.0.1,::1',
      `mxctl writes only in ${zones.join(', ')}.`,
      'Where rights must be narrower, use rfc2136 on the same server, with a TSIG key',
      'for each zone:',
      ...zones.map((zone) => `  pdnsutil set-meta ${zone} TSIG-ALLOW-DNSUPDATE mxctl`),
    ],
    { zones },
    ['the key cannot be held to zones, names or types'],
  );
}
