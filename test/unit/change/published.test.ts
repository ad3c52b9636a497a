// Live zone lines against what each path would publish.

import { describe, expect, it } from 'vitest';

import { candidatesOf, desiredRrset, matchLive, placesOf } from '../../../src/change/published.ts';
import { domainNameOf } from '../../../src/model/domain-name.ts';
import { pathOf, type Route } from '../../../src/model/route.ts';
import { formatRrset } from '../../../src/model/rrset.ts';
import { liveOf, routeOf, supportRoute, textLines } from '../../support/worlds.ts';

/** What the match says, in a line. */
function matched(route: Route, lines: string): string {
  const match = matchLive(route, liveOf(lines));
  switch (match.kind) {
    case 'path':
      return `path ${match.path} ttl ${match.ttl.least}..${match.ttl.most}`;
    case 'mixed':
      return `mixed ${match.paths.map(([owner, path]) => `${owner}=${path}`).join(' ')}`;
    case 'drift':
      return `drift ${match.foreign.map(([place, live]) => `${place.owner} ${place.type} ${live?.rdata.join() ?? 'absent'}`).join('; ')}`;
    case 'unseen':
      return `unseen ${match.places.map((place) => `${place.owner} ${place.type}`).join('; ')}`;
  }
}

const proxyAt = (owner: string, ttl = 3600) => `
  ${owner} ${ttl} MX 10 mx1.filter.example.net.
  ${owner} ${ttl} MX 20 mx2.filter.example.net.
  ${owner} ${ttl} MX 90 spool.example.org.`;
const directAt = (owner: string, ttl = 60) => `
  ${owner} ${ttl} MX 10 mx.example.com.
  ${owner} ${ttl} MX 90 spool.example.org.`;

describe('the path that DNS publishes is found by comparing', () => {
  it.each([
    [
      'all owners the same path',
      proxyAt('example.com') + proxyAt('in.example.com'),
      'path proxy ttl 3600..3600',
    ],
    ['the other path', directAt('example.com') + directAt('in.example.com'), 'path direct ttl 60..60'],
    ['TTLs differ only', proxyAt('example.com', 60) + proxyAt('in.example.com', 7), 'path proxy ttl 7..60'],
    [
      'owners differ',
      proxyAt('example.com') + directAt('in.example.com'),
      'mixed example.com.=proxy in.example.com.=direct',
    ],
    [
      'the kept path is missing',
      `${proxyAt('example.com')}\nin.example.com 60 MX 10 mx.example.com.`,
      'drift in.example.com. MX 10 mx.example.com.',
    ],
    [
      'a value too many',
      `${proxyAt('example.com')}${directAt('in.example.com')}\nin.example.com 60 MX 5 evil.example.`,
      'drift in.example.com. MX 10 mx.example.com.,5 evil.example.,90 spool.example.org.',
    ],
    [
      'another preference',
      `${proxyAt('example.com')}\nin.example.com 60 MX 11 mx.example.com.\nin.example.com 60 MX 90 spool.example.org.`,
      'drift in.example.com. MX 11 mx.example.com.,90 spool.example.org.',
    ],
    [
      'no MX at all',
      `${proxyAt('example.com')}\nin.example.com MX absent`,
      'drift in.example.com. MX absent',
    ],
    ['one that nobody could read', proxyAt('example.com'), 'unseen in.example.com. MX'],
    ['nothing read', '', 'unseen example.com. MX; in.example.com. MX'],
    [
      'the kept path alone, which is no candidate',
      'example.com 60 MX 90 spool.example.org.\nin.example.com 60 MX 90 spool.example.org.',
      'drift example.com. MX 90 spool.example.org.; in.example.com. MX 90 spool.example.org.',
    ],
  ])('%s', (_, lines, expected) => {
    expect(matched(supportRoute(), lines)).toBe(expected);
  });

  it('where two paths publish the same, it is the preferred one', () => {
    const same = routeOf(`a: 10 mx.example.com\nb: 10 mx.example.com`, { prefer: 'b', failoverTo: ['a'] });
    expect(matched(same, 'example.com 60 MX 10 mx.example.com.')).toBe('path b ttl 60..60');
  });

  it('a path that is only declared can be active too', () => {
    const route = routeOf(`a: 10 a.example\nb: 10 b.example\nold: 10 old.example`, { failoverTo: ['b'] });
    expect(matched(route, 'example.com 60 MX 10 old.example.')).toBe('path old ttl 60..60');
    expect(candidatesOf(route).map((path) => path.name)).toEqual(['a', 'b', 'old']);
  });
});

describe('an address route stands on A and AAAA', () => {
  const route = routeOf(`
    owners mx1.example.com
    fra: mx1.example.com=192.0.2.10, mx1.example.com=2001:db8:f::10
    ams: mx1.example.com=198.51.100.10
    lon: mx1.example.com=2001:db8:b::10`);

  it('a path with IPv4 only has no AAAA', () => {
    const published = placesOf(route).map((place) => desiredRrset(route, pathOf(route, 'ams')!, place, 60));
    expect(published.map((one) => (one === null ? null : formatRrset(one)))).toEqual([
      ['mx1.example.com. 60 IN A 198.51.100.10'],
      null,
    ]);
  });

  it.each([
    [
      'both',
      'mx1.example.com 60 A 192.0.2.10\nmx1.example.com 60 AAAA 2001:db8:f::10',
      'path fra ttl 60..60',
    ],
    ['IPv4 only', 'mx1.example.com 60 A 198.51.100.10\nmx1.example.com AAAA absent', 'path ams ttl 60..60'],
    ['IPv6 only', 'mx1.example.com A absent\nmx1.example.com 60 AAAA 2001:db8:b::10', 'path lon ttl 60..60'],
    [
      'IPv4 only, with a forgotten AAAA',
      'mx1.example.com 60 A 198.51.100.10\nmx1.example.com 60 AAAA 2001:db8::bad',
      'drift mx1.example.com. AAAA 2001:db8::bad',
    ],
    [
      'the A of one path and the AAAA of another: a move that stopped half way',
      'mx1.example.com 60 A 198.51.100.10\nmx1.example.com 60 AAAA 2001:db8:f::10',
      'mixed mx1.example.com.=ams mx1.example.com.=fra',
    ],
    ['A read, AAAA not', 'mx1.example.com 60 A 192.0.2.10', 'unseen mx1.example.com. AAAA'],
  ])('%s', (_, lines, expected) => {
    expect(matched(route, lines)).toBe(expected);
  });
});

describe('kept paths', () => {
  it('stand beside whichever path is active, but not beside themselves', () => {
    const route = supportRoute();
    const at = { owner: domainNameOf('example.com'), type: 'MX' } as const;
    const of = (path: string) => desiredRrset(route, pathOf(route, path)!, at, 60)?.rdata;
    expect(of('direct')).toEqual(['10 mx.example.com.', '90 spool.example.org.']);
    expect(of('spool')).toEqual(['90 spool.example.org.']);
  });

  it('a value that both have stands there once', () => {
    const route = routeOf(`a: 10 a.example, 90 spool.example\nkeep spool: 90 spool.example`);
    const at = { owner: domainNameOf('example.com'), type: 'MX' } as const;
    expect(desiredRrset(route, pathOf(route, 'a')!, at, 60)?.rdata).toEqual([
      '10 a.example.',
      '90 spool.example.',
    ]);
  });
});

it('places come in config order', () => {
  const route = supportRoute();
  expect(placesOf(route).map((place) => `${place.owner} ${place.type}`)).toEqual(
    textLines('example.com. MX\nin.example.com. MX'),
  );
});
