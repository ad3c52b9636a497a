// Findings at the exchanges, told as zone lines.

import { describe, expect, it } from 'vitest';

import { findingLines } from '../../support/audit-facts.ts';

const two = `
  example.com. 3600 IN MX 10 mx1.example.net.
  example.com. 3600 IN MX 20 mx2.example.net.`;
const ids = (text: string) => findingLines(text).map((line) => line.split(':')[0]);

describe('names', () => {
  it.each([
    ['192.0.2.1.', ['error exchange-literal 192.0.2.1']],
    ['[192.0.2.1].', ['error exchange-literal [192.0.2.1]']],
    ['2001:db8::1.', ['error exchange-literal 2001']],
    ['mail_1.example.net.', ['warn exchange-name mail_1.example.net']],
    ['-mail.example.net.', ['warn exchange-name -mail.example.net']],
    ['xn--mller-kva.example.', []],
    ['mx1.example.123.', ['warn exchange-name mx1.example.123']],
    ['1.2.3.example.', []],
  ])('MX 5 %s: %j', (exchange, findings) => {
    expect(ids(`${two}\nexample.com. 3600 IN MX 5 ${exchange}`)).toEqual(findings);
  });
});

describe('addresses', () => {
  it.each([
    ['; nxdomain mx1.example.net', ['warn exchange-no-address mx1.example.net']],
    ['; nodata mx1.example.net', ['warn exchange-no-address mx1.example.net']],
    [
      '; nodata mx1.example.net mx2.example.net',
      ['error exchange-no-address mx1.example.net', 'error exchange-no-address mx2.example.net'],
    ],
    // What is unknown may have an address, so not all is lost.
    ['; nodata mx1.example.net\n; unknown mx2.example.net', ['warn exchange-no-address mx1.example.net']],
    [
      '; unregistered example.net',
      ['error exchange-dangling mx1.example.net', 'error exchange-dangling mx2.example.net'],
    ],
    [
      'mx1.example.net. 300 IN CNAME a.example.\na.example. 300 IN A 192.0.2.1',
      ['error exchange-cname mx1.example.net'],
    ],
    ['mx1.example.net. 300 IN A 10.0.0.1', ['error exchange-private mx1.example.net']],
    [
      'mx1.example.net. 300 IN A 10.0.0.1\nmx1.example.net. 300 IN A 192.0.2.1',
      ['warn exchange-private mx1.example.net'],
    ],
  ])('%s: %j', (zone, findings) => {
    expect(ids(`${zone}${two}`)).toEqual(findings);
  });

  it.each([
    ['127.0.0.1', true],
    ['0.0.0.0', true],
    ['9.255.255.255', false],
    ['10.255.255.255', true],
    ['11.0.0.0', false],
    ['100.63.255.255', false],
    ['100.64.0.0', true],
    ['100.127.255.255', true],
    ['100.128.0.0', false],
    ['169.254.1.1', true],
    ['172.15.255.255', false],
    ['172.16.0.0', true],
    ['172.31.255.255', true],
    ['172.32.0.0', false],
    ['192.168.1.1', true],
    ['192.169.0.0', false],
    ['224.0.0.1', true],
    ['255.255.255.255', true],
    ['::', true],
    ['::1', true],
    ['::2', false],
    ['::ffff:a00:1', true],
    ['fe80::1', true],
    ['febf::1', true],
    ['fec0::1', false],
    ['fbff::1', false],
    ['fc00::1', true],
    ['fdff::1', true],
    ['ff02::1', true],
    ['2001:db8::1', false],
    ['2606:2800:220:1:248:1893:25c8:1946', false],
  ])('%s is out of reach: %s', (address, isBad) => {
    const type = address.includes(':') ? 'AAAA' : 'A';
    const found = ids(`${two}\nmx1.example.net. 300 IN ${type} ${address}`);
    expect(found.includes('error exchange-private mx1.example.net')).toBe(isBad);
  });
});

describe('hosts that take no mail', () => {
  const proxied = `${two}\nmx1.example.net. 300 IN A 104.16.132.229`;

  it.each([
    ['104.16.0.0', true],
    ['104.15.255.255', false],
    ['104.27.255.255', true],
    ['104.28.0.0', false],
    ['172.71.255.255', true],
    ['172.72.0.0', false],
    ['151.101.1.1', true],
    ['2606:4700::6810:84e5', true],
    ['2606:4701::1', false],
    ['2a06:98c7::1', true],
    ['2a06:98c8::1', false],
  ])('%s is an HTTP proxy: %s', (address, isBad) => {
    const type = address.includes(':') ? 'AAAA' : 'A';
    const found = ids(`${two}\nmx1.example.net. 300 IN ${type} ${address}`);
    expect(found).toEqual(isBad ? ['error exchange-not-mail mx1.example.net'] : []);
  });

  it('mail services of the same provider are none', () => {
    expect(
      ids(`
        example.com. 300 IN MX 10 route1.mx.cloudflare.net.
        example.com. 300 IN MX 20 mx2.example.net.
        route1.mx.cloudflare.net. 300 IN A 162.159.205.11`),
    ).toEqual([]);
  });

  it.each([
    ['answers', 'shows c0ffee00', []],
    ['could not be judged from here', 'inconclusive', []],
    ['is silent', 'silent', ['error exchange-not-mail mx1.example.net']],
    ['refuses', 'refused', ['error exchange-not-mail mx1.example.net']],
  ])('an address of a proxy that %s', (_, kind, findings) => {
    expect(ids(`${proxied}\n; probe mx1.example.net 104.16.132.229 ${kind}`)).toEqual(findings);
  });

  const pair = `${two}\nmx1.example.net. 300 IN A 192.0.2.1\nmx1.example.net. 300 IN A 192.0.2.2`;
  it.each([
    ['both refuse', 'refused', 'refused', ['error exchange-not-mail mx1.example.net']],
    ['one answers', 'refused', 'shows c0ffee00', []],
    ['one is silent: that may be our own network', 'refused', 'silent', []],
    ['one could not be judged', 'refused', 'inconclusive', []],
  ])('of two addresses %s', (_, first, second, findings) => {
    const probes = `; probe mx1.example.net 192.0.2.1 ${first}\n; probe mx1.example.net 192.0.2.2 ${second}`;
    expect(ids(`${pair}\n${probes}`)).toEqual(findings);
  });

  it('an address that was not probed may answer', () => {
    expect(ids(`${pair}\n; probe mx1.example.net 192.0.2.1 refused`)).toEqual([]);
  });
});

describe('fate', () => {
  it.each([
    ['the same address', '192.0.2.1', '192.0.2.1', 'at the same address as'],
    ['the same /24', '192.0.2.1', '192.0.2.200', 'in the same network as'],
    ['another /24', '192.0.2.1', '192.0.3.1', null],
    ['the same /48', '2001:db8:1::1', '2001:db8:1:ffff::1', 'in the same network as'],
    ['another /48', '2001:db8:1::1', '2001:db8:2::1', null],
    ['an address that another network also has', '192.0.2.1', '192.0.2.2 198.51.100.1', null],
  ])('%s', (_, primary, backup, how) => {
    const of = (host: string, addresses: string) =>
      addresses.split(' ').map((one) => `${host}. 300 IN ${one.includes(':') ? 'AAAA' : 'A'} ${one}`);
    const zone = [two, ...of('mx1.example.net', primary), ...of('mx2.example.net', backup)].join('\n');
    expect(findingLines(zone)).toEqual(
      how === null
        ? []
        : [`warn shared-fate mx2.example.net: mx2.example.net is ${how} mx1.example.net: they fail together`],
    );
  });

  it('of level exchanges the others stand in for the first', () => {
    expect(
      ids(`
        example.com. 300 IN MX 10 mx1.example.net.
        example.com. 300 IN MX 10 mx2.example.net.
        mx1.example.net. 300 IN A 192.0.2.1
        mx2.example.net. 300 IN A 192.0.2.2`),
    ).toEqual(['warn shared-fate mx2.example.net']);
  });

  it.each([
    ['ns1.dns.example.', ['note shared-fate spool.example.org']],
    ['ns9.dns.example.', ['note shared-fate spool.example.org']],
    ['ns1.other.example.', []],
  ])('a declared backup served by %s', (server, findings) => {
    expect(
      ids(`
        ; ours mx1.example.net spool.example.org
        ; backup spool.example.org
        example.com. 300 IN MX 10 mx1.example.net.
        example.com. 300 IN MX 90 spool.example.org.
        example.net. 300 IN NS ns1.dns.example.
        example.org. 300 IN NS ${server}`),
    ).toEqual(findings);
  });

  it.each([
    [4, []],
    [5, ['warn hidden-backup mx2.example.net']],
  ])('%i addresses before the backup', (count, findings) => {
    const records = Array.from({ length: count }, (_, at) => `mx1.example.net. 300 IN A 192.0.2.${at + 1}`);
    expect(ids([two, ...records].join('\n'))).toEqual(findings);
  });
});
