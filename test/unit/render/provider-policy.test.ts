// The least rights at each kind of provider, from the routes that it serves.

import { describe, expect, it } from 'vitest';

import { grantsOf } from '../../../src/app/provider-grants.ts';
import { renderProviderPolicy } from '../../../src/render/provider-policy.ts';
import { configOf, route } from '../config/config-text.ts';

const providers = `
providers:
  r53: {type: route53, hosted_zones: {example.com: Z0AB12}}
  open: {type: route53, role_arn: "arn:aws-us-gov:iam::123456789012:role/mxctl"}
  cf: {type: cloudflare, token: {env: CF}, zone_ids: {shop.example: 0123456789abcdef0123456789abcdef}}
  ns: {type: rfc2136, server: 192.0.2.53, tsig: {name: mxctl, secret: {env: K}}}
  idle: {type: route53}
  pdns: {type: powerdns, url: "https://pdns.example:8081", api_key: {env: P}}
`;
const config = configOf(
  [
    'version: 1',
    providers.trim(),
    'routes:',
    route('mail', 'mx', {
      records:
        '[{provider: r53, zone: example.com, names: ["@", in]}, {provider: cf, zone: shop.example, names: ["@"]}, {provider: open, zone: gov.example, names: ["*.eu"]}]',
    }),
    route('other', 'mx', {
      records:
        '[{provider: r53, zone: example.com, names: [also]}, {provider: ns, zone: bind.example, names: ["@"]}, {provider: pdns, zone: pdns.example, names: ["@"]}]',
    }),
    route('hosted', 'address', {
      records: '[{provider: r53, zone: example.com, names: [mx1, mx2]}]',
    }),
  ].join('\n'),
);
const policyOf = (name: string) => renderProviderPolicy(grantsOf(name, config));

describe('the policy of route53', () => {
  it('names zones, names, types and actions, and nothing else', () => {
    const { lines, warnings } = policyOf('r53');
    const change = (sid: string, names: string[], types: string[]) => ({
      Sid: sid,
      Effect: 'Allow',
      Action: 'route53:ChangeResourceRecordSets',
      Resource: 'arn:aws:route53:::hostedzone/Z0AB12',
      Condition: {
        'ForAllValues:StringEquals': {
          'route53:ChangeResourceRecordSetsNormalizedRecordNames': names,
          'route53:ChangeResourceRecordSetsRecordTypes': types,
          'route53:ChangeResourceRecordSetsActions': ['CREATE', 'DELETE'],
        },
      },
    });
    expect(JSON.parse(lines.join('\n'))).toEqual({
      Version: '2012-10-17',
      Statement: [
        {
          Sid: 'ReadZones',
          Effect: 'Allow',
          Action: ['route53:GetHostedZone', 'route53:ListResourceRecordSets'],
          Resource: ['arn:aws:route53:::hostedzone/Z0AB12'],
        },
        {
          Sid: 'FollowChanges',
          Effect: 'Allow',
          Action: 'route53:GetChange',
          Resource: 'arn:aws:route53:::change/*',
        },
        change('ChangeRecords1', ['also.example.com', 'example.com', 'in.example.com'], ['MX']),
        change('ChangeRecords2', ['mx1.example.com', 'mx2.example.com'], ['A', 'AAAA']),
      ],
    });
    expect(warnings).toEqual([]);
  });

  it('allows to search where an id is not given, says so, and is in the partition of the role', () => {
    const { lines, warnings } = policyOf('open');
    const text = lines.join('\n');
    expect(text).toContain('"route53:ListHostedZonesByName"');
    expect(text).toContain('arn:aws-us-gov:route53:::hostedzone/*');
    // `*` as its octal escape: in the condition a bare one would be a name of its own.
    expect(text).toContain('"\\\\052.eu.gov.example"');
    expect(warnings.map((one) => one.message).join()).toContain(
      'ids of gov.example are not in the configuration',
    );
  });

  it('says what the caller of a role needs besides', () => {
    const { data, warnings } = policyOf('open');
    expect(data['caller_policy']).toEqual({
      Version: '2012-10-17',
      Statement: [
        {
          Sid: 'AssumeRole',
          Effect: 'Allow',
          Action: 'sts:AssumeRole',
          Resource: 'arn:aws-us-gov:iam::123456789012:role/mxctl',
        },
      ],
    });
    expect(warnings[0]).toMatchObject({ code: 'caller-rights', subject: 'provider open' });
    expect(policyOf('r53').data['caller_policy']).toBeNull();
  });

  it('allows whole zones where the names are too many for one policy, and says so', () => {
    const names = Array.from({ length: 500 }, (_, n) => `customer${n}`);
    const many = configOf(
      [
        'version: 1',
        providers.trim(),
        'routes:',
        route('mail', 'mx', { records: `[{provider: r53, zone: example.com, names: [${names.join()}]}]` }),
      ].join('\n'),
    );
    const { lines, warnings } = renderProviderPolicy(grantsOf('r53', many));
    expect(lines.join('').replaceAll(/\s/g, '').length).toBeLessThan(6144);
    expect(lines.join('\n')).toContain('"*.example.com"');
    expect(warnings).toMatchObject([{ code: 'wide-rights', subject: 'provider r53' }]);
  });
});

describe('the rights at other providers', () => {
  it('are the scopes of a token for cloudflare', () => {
    const { lines, data, warnings } = policyOf('cf');
    expect(lines).toContain('  Zone  DNS   Edit');
    expect(lines).toContain('  Include  Specific zone  shop.example  0123456789abcdef0123456789abcdef');
    expect(data).toMatchObject({ type: 'cloudflare', permission_groups: ['Zone Read', 'DNS Write'] });
    expect(warnings).toHaveLength(1);
  });

  it('are the rules of an update-policy and of an acl for rfc2136', () => {
    const { lines, warnings } = policyOf('ns');
    expect(lines).toContain('    grant mxctl. name bind.example. MX;');
    expect(lines).toContain('    update-owner-name: ["bind.example."]');
    expect(lines).toContain('    update-type: [MX]');
    expect(warnings).toEqual([]);
  });

  it('are all or nothing for powerdns, which is said', () => {
    const { lines, warnings } = policyOf('pdns');
    expect(lines.join('\n')).toContain('one key for the whole server');
    expect(warnings).toHaveLength(1);
  });

  it('are none where no route uses the provider', () => {
    expect(() => grantsOf('idle', config)).toThrow('no route uses provider idle');
  });

  it('are not told of a provider that there is none of', () => {
    expect(() => grantsOf('r35', config)).toThrow('there is no provider "r35"');
  });
});

describe('the policy with drills', () => {
  it('adds one TXT name a zone, and nothing without being asked', () => {
    const txt = (name: string, hasDrills: boolean) =>
      grantsOf(name, config, hasDrills)
        .zones.filter((one) => one.types.includes('TXT'))
        .map(({ zone, names, types }) => [zone, names, types]);
    expect(txt('r53', false)).toEqual([]);
    expect(txt('r53', true)).toEqual([['example.com.', ['_mxctl-drill.example.com.'], ['TXT']]]);
    expect(renderProviderPolicy(grantsOf('ns', config, true)).lines.join('\n')).toContain(
      'name _mxctl-drill.bind.example',
    );
  });
});
