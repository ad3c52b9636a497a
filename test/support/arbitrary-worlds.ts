// Arbitrary routes, live RRsets and sightings for property tests: valid as the config would let them be.

import fc from 'fast-check';

import { desiredRrset, placesOf, rrsetKey } from '../../src/change/published.ts';
import { domainNameOf } from '../../src/model/domain-name.ts';
import type { MailPath } from '../../src/model/mail-path.ts';
import type { Route } from '../../src/model/route.ts';
import { rrsetOf, type Rrset } from '../../src/model/rrset.ts';
import type { Sighting } from '../../src/model/sighting.ts';
import { routeOf } from './worlds.ts';

export const propertyRuns = { numRuns: Number(process.env['MXCTL_PROPERTY_RUNS'] ?? 200) };

const ttl = fc.integer({ min: 0, max: 86_400 });
const names = ['a', 'b', 'c', 'd'] as const;

const mxText = fc
  .array(
    fc.tuple(fc.nat(100), fc.constantFrom('mx1.a.example', 'mx2.a.example', 'mx.b.example', 'mx.c.example')),
    {
      minLength: 1,
      maxLength: 4,
    },
  )
  .map((values) => values.map(([preference, exchange]) => `${preference} ${exchange}`).join(', '));

const mxRoute = fc
  .record({
    owners: fc.uniqueArray(
      fc.constantFrom('example.com', 'in.example.com', 'x.example.com', 'y.example.com'),
      { minLength: 1 },
    ),
    ttl,
    failoverTtl: ttl,
    paths: fc.array(mxText, { minLength: 2, maxLength: 3 }),
    keep: fc.option(mxText),
  })
  .map((one) =>
    routeOf(
      [
        `owners ${one.owners.join(' ')}`,
        `ttl ${Math.max(one.ttl, one.failoverTtl)}/${Math.min(one.ttl, one.failoverTtl)}`,
        ...one.paths.map((mx, at) => `${names[at] ?? ''}: ${mx}`),
        ...(one.keep === null ? [] : [`keep spool: ${one.keep}`]),
      ].join('\n'),
    ),
  );

const addressText = fc.constantFrom('192.0.2.1', '192.0.2.2', '198.51.100.1', '2001:db8::1', '2001:db8::2');
const addresses = fc.uniqueArray(addressText, { minLength: 1, maxLength: 4 });

const addressRoute = fc
  .record({
    owners: fc.uniqueArray(fc.constantFrom('mx1.example.com', 'mx2.example.com', 'mx3.example.com'), {
      minLength: 1,
    }),
    paths: fc.array(fc.tuple(addresses, addresses, addresses), { minLength: 2, maxLength: 4 }),
    ttl,
  })
  .map((one) =>
    routeOf(
      [
        `owners ${one.owners.join(' ')}`,
        `ttl ${one.ttl}/${Math.min(60, one.ttl)}`,
        ...one.paths.map((lists, at) => {
          const items = one.owners.flatMap((owner, which) =>
            (lists[which] ?? []).map((address) => `${owner}=${address}`),
          );
          return `${names[at] ?? ''}: ${items.join(', ')}`;
        }),
      ].join('\n'),
    ),
  );

const route = fc.oneof(mxRoute, addressRoute);

/** Live RRsets of the route: each what some path publishes, somebody's own, or absent. */
function liveFor(one: Route): fc.Arbitrary<Map<string, Rrset | null>> {
  const each = placesOf(one).map((place) => {
    const strange =
      place.type === 'MX'
        ? ['10 strange.example.', '0 .']
        : [place.type === 'A' ? '203.0.113.9' : '2001:db8::9'];
    return fc
      .oneof(
        {
          weight: 4,
          arbitrary: fc
            .tuple(fc.constantFrom(...one.paths), ttl)
            .map(([path, of]) => desiredRrset(one, path, place, of)),
        },
        fc
          .tuple(fc.constantFrom(...strange), ttl)
          .map(([value, of]) => rrsetOf(place.owner, place.type, of, [value])),
        fc.constant(null),
      )
      .map((rrset) => [rrsetKey(place.owner, place.type), rrset] as const);
  });
  return fc.tuple(...each).map((entries) => new Map(entries));
}

export const world = route.chain((one) =>
  fc.record({
    route: fc.constant(one),
    live: liveFor(one),
    path: fc.constantFrom<MailPath>(...one.paths.filter((path) => !one.keep.includes(path.name))),
    ttl,
  }),
);

export const sighting: fc.Arbitrary<Sighting> = fc
  .record({
    server: fc.constantFrom('192.0.2.53#53', '192.0.2.54#53'),
    ttl: fc.oneof(ttl, fc.integer({ min: 0, max: 2 ** 31 - 1 })),
    rdata: fc.constantFrom<string[]>([], ['10 a.'], ['10 b.']),
    firstSeenAt: fc.nat(1_000_000_000),
    forMs: fc.nat(1_000_000_000),
    isReplaced: fc.boolean(),
  })
  .map(({ forMs, isReplaced, ...one }) => ({
    ...one,
    owner: domainNameOf('example.com'),
    type: 'MX',
    lastSeenAt: one.firstSeenAt + forMs,
    replacedAt: isReplaced ? one.firstSeenAt + forMs + 1 : null,
  }));
