// A path as `PREFERENCE HOP HEALTH` lines: what a standard sender's message meets, walking them in order.

import { describe, expect, it } from 'vitest';

import { healthAsOf } from '../../../src/health/hop.ts';
import { pathHealth } from '../../../src/health/path.ts';
import { after, hops, hour, minute, noon, pathOfHops, thresholds } from '../../support/worlds.ts';

const verdict = (lines: string) => {
  const { status, fate } = pathOfHops(lines);
  return `${status} ${fate}`;
};

describe('a sender reaches the first hop that takes mail', () => {
  it.each([
    ['10 mx1 up', 'ok accepted'],
    ['10 mx1 up\n10 mx2 up', 'ok accepted'],
    ['10 mx1 deferring\n20 mx2 up', 'degraded delayed'],
    ['10 mx1 deferring\n10 mx2 up', 'degraded delayed'],
    ['10 mx1 deferring\n20 mx2 deferring\n30 mx3 up', 'degraded delayed'],
    ['20 mx2 up\n10 mx1 deferring', 'degraded delayed'],
    ['10 mx1 slow', 'degraded accepted'],
    ['10 mx1 greets554\n20 mx2 up', 'degraded delayed'],
  ])('%j', (lines, expected) => {
    expect(verdict(lines)).toBe(expected);
  });
});

describe('a hop that bounces or swallows poisons the hops behind and beside it', () => {
  it.each([
    ['10 mx1 bouncing\n20 mx2 up', 'down bounced'],
    ['10 mx1 bouncing\n10 mx2 up', 'down bounced'],
    ['10 mx1 up\n10 mx2 bouncing', 'down bounced'],
    ['10 mx1 deferring\n20 mx2 bouncing\n30 mx3 up', 'down bounced'],
    ['10 mx1 swallowing\n20 mx2 up', 'down swallowed'],
    ['10 mx1 blind\n20 mx2 bouncing\n30 mx3 up', 'down bounced'],
  ])('%j', (lines, expected) => {
    expect(verdict(lines)).toBe(expected);
  });

  it('but not those in front: no sender gets that far while they answer', () => {
    expect(verdict('10 mx1 up\n20 mx2 bouncing')).toBe('degraded accepted');
    expect(pathOfHops('10 mx1 up\n20 mx2 bouncing').reason).toContain('mx2.example.net');
  });
});

describe('no hop takes mail', () => {
  it.each([
    ['10 mx1 deferring', 'down deferred'],
    ['10 mx1 deferring\n20 mx2 deferring', 'down deferred'],
    // Exim bounces at the last host that greets with 5xx; where some other merely defers, nothing is lost yet.
    ['10 mx1 greets554', 'down bounced'],
    ['10 mx1 greets554\n20 mx2 greets554', 'down bounced'],
    ['10 mx1 greets554\n20 mx2 deferring', 'down deferred'],
    ['10 mx1 greets554\n20 mx2 blind', 'down bounced'],
    ['10 mx1 deferring\n20 mx2 unsettled', 'unknown unknown'],
    ['10 mx1 unsettled', 'unknown unknown'],
    ['10 mx1 blind', 'unknown unknown'],
    ['', 'unknown unknown'],
  ])('%j', (lines, expected) => {
    expect(verdict(lines)).toBe(expected);
  });
});

describe('a hop that cannot be seen from here does not hold back the others', () => {
  it.each([
    ['10 v6 blind\n10 v4 up', 'ok accepted'],
    ['10 v6 blind\n10 v4 deferring', 'down deferred'],
    ['10 v6 blind\n10 v4 bouncing', 'down bounced'],
  ])('%j', (lines, expected) => {
    expect(verdict(lines)).toBe(expected);
  });
});

describe('five addresses are considered, as Postfix does', () => {
  const five = [1, 2, 3, 4, 5].map((at) => `10 mx${at} deferring`).join('\n');

  it('a sixth that takes mail does not save the path', () => {
    expect(verdict(`${five}\n20 mx6 up`)).toBe('down deferred');
    expect(verdict(`${five.replace('mx5 deferring', 'mx5 up')}\n20 mx6 up`)).toBe('degraded delayed');
  });

  it('a sixth that bounces does not condemn it', () => {
    expect(verdict(`${five}\n20 mx6 bouncing`)).toBe('down deferred');
  });

  it('they are the five of best preference, however they are listed', () => {
    expect(verdict(`90 mx6 bouncing\n${five}`)).toBe('down deferred');
    expect(pathOfHops(`90 mx6 up\n${five}`)).toMatchObject({ upCount: 1, status: 'down' });
  });
});

describe('the line for people', () => {
  it.each([
    ['10 mx1 up', '250 ok'],
    ['10 mx1 deferring', 'mx1.example.net [192.0.2.1]: 421 at banner'],
    ['10 mx1 deferring\n20 mx2 up', 'mx1.example.net [192.0.2.1]: 421 at banner'],
    ['10 mx1 slow\n20 mx2 up', 'mx1.example.net [192.0.2.1]: slow'],
    ['10 mx1 unsettled', 'not every hop is measured yet'],
  ])('%j: %s', (lines, reason) => {
    expect(pathOfHops(lines).reason).toBe(reason);
  });

  it('a hop that fails slowly is told as failing, not as slow', () => {
    const [slow, up] = hops('10 mx1 deferring\n20 mx2 up');
    const health = { ...slow!.health, isSlow: true, summary: 'no answer for 30 s at banner' };
    expect(pathHealth([{ ...slow!, health }, up!]).reason).toContain('no answer for 30 s');
  });

  it('an exchange without addresses has its name only', () => {
    const [one] = hops('10 mx1 deferring');
    expect(pathHealth([{ ...one!, hop: { ...one!.hop, address: null } }]).reason).toMatch(
      /^mx1\.example\.net: /,
    );
  });
});

describe('since when a path fails', () => {
  const failing = (history: string, at: number) => after(history, { at });
  const two = (first: string, firstAt: number, second: string, secondAt: number) => {
    const [a, b] = hops('10 mx1 up\n20 mx2 up');
    return pathHealth([
      { ...a!, health: failing(first, firstAt) },
      { ...b!, health: failing(second, secondAt) },
    ]);
  };

  it('it does not, while some hop takes mail', () => {
    expect(two('---', noon, '+++', noon).failingSince).toBeNull();
    expect(two('+++', noon, '+++-', noon).failingSince).toBeNull();
  });

  it('since the last of its hops failed, not the first', () => {
    expect(two('---', noon, '---', noon + 90 * minute).failingSince).toBe(noon + 90 * minute);
  });

  it('since the hop that bounces did, whatever else fails', () => {
    expect(two('---', noon, 'xx', noon + 5 * minute).failingSince).toBe(noon + 5 * minute);
    expect(two('xx', noon, '---', noon + 5 * minute).failingSince).toBe(noon);
  });
});

describe('a hop that can no longer be seen from here holds nothing back', () => {
  const address = (text: string) => ({ ...hops('10 mx1 up')[0]!.hop, address: text });
  const fresh = (history: string) => ({ hop: address('192.0.2.1'), preference: 10, health: after(history) });
  const lost = {
    hop: address('2001:db8::1'),
    preference: 10,
    health: healthAsOf(after('+++', { at: noon - hour }), noon, thresholds),
  };

  it.each([
    ['+++', 'ok'],
    ['---', 'down'],
    ['++', 'unknown'],
  ])('IPv6 lost an hour ago, IPv4 %s: %s', (history, status) => {
    expect(pathHealth([lost, fresh(history)]).status).toBe(status);
  });

  it('but a path of which nothing can be seen is unknown', () => {
    expect(pathHealth([lost]).status).toBe('unknown');
  });

  it('and one that too few vantages see down is not such a hop', () => {
    const doubted = { ...fresh('---'), health: { ...after('---'), status: 'unknown' as const } };
    expect(pathHealth([doubted, fresh('---')]).status).toBe('unknown');
  });
});
