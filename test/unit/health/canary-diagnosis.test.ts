import { describe, expect, it } from 'vitest';
import { diagnoseCanaries, withCanaries } from '../../../src/health/canary-diagnosis.ts';
import type { PathHealth } from '../../../src/model/hop-health.ts';
import { canariesFrom, canaryPolicy, lookAt, msOf } from '../../support/canaries.ts';

const well: PathHealth = {
  status: 'ok',
  fate: 'accepted',
  hops: [],
  upCount: 1,
  reason: '250',
  failingSince: null,
};
const dead: PathHealth = { ...well, status: 'down', fate: 'deferred', reason: 'refused', failingSince: 0 };

function diagnose(proxy: string, direct: string | null, at: string, proxyHealth = well) {
  const now = msOf(at);
  const health = new Map([
    ['proxy', proxyHealth],
    ['direct', well],
  ]);
  const canaries = [
    ...canariesFrom(proxy, { now }),
    ...(direct === null ? [] : canariesFrom(direct, { now, path: 'direct' })),
  ];
  const report = diagnoseCanaries({ policy: canaryPolicy, canaries, look: lookAt(now), health, now });
  return { findings: report.findings, health: withCanaries(health, report) };
}

describe('canaries by two paths side by side', () => {
  it('blame the proxy where direct is in time: it is down, and mail is late there', () => {
    const { findings, health } = diagnose('20s 20s - - -', '3s 3s 3s 3s 3s', '27m');
    expect(findings).toEqual([
      {
        kind: 'path',
        path: 'proxy',
        text: 'proxy holds 3 canaries, the oldest for 17m, direct delivers in 3s: the fault is in proxy',
      },
    ]);
    expect(health.get('proxy')).toMatchObject({ status: 'down', fate: 'delayed', failingSince: msOf('10m') });
    expect(health.get('direct')).toEqual(well);
  });

  it('blame the standby too, so that nothing moves there', () => {
    const { health } = diagnose('20s 20s 20s 20s 20s', '3s 3s - - -', '27m');
    expect(health.get('direct')).toMatchObject({ status: 'down', fate: 'delayed' });
  });

  it('blame the mailbox or the network where both are late, and no path', () => {
    const { findings, health } = diagnose('20s 20s - - -', '3s 3s - - -', '27m');
    expect(findings).toEqual([
      {
        kind: 'mailbox',
        path: null,
        text: 'canaries are late by proxy and direct alike: the mailbox or our network, not a path',
      },
    ]);
    expect(health.get('proxy')?.status).toBe('ok');
    expect(health.get('direct')?.status).toBe('ok');
  });

  it('blame nobody without another path to compare with', () => {
    const { findings, health } = diagnose('20s 20s - - -', null, '27m');
    expect(findings.map((one) => one.kind)).toEqual(['unproven']);
    expect(health.get('proxy')?.status).toBe('ok');
  });

  it('blame nobody where the mailbox stopped just after the other path had delivered', () => {
    // The second canary of direct came in time, the third is held up: who holds them is not known yet.
    const { health } = diagnose('20s 20s - - -', '3s 3s 3s - -', '27m');
    expect(health.get('proxy')?.status).toBe('ok');
  });

  it('keep the blame once it is proven, though the other path is gone or the mailbox stops', () => {
    const proxy = `20s 20s ${'- '.repeat(40)}`;
    for (const later of ['x', '-']) {
      const { health } = diagnose(proxy, `${'3s '.repeat(9)}${`${later} `.repeat(31)}`, '3h');
      expect(health.get('proxy')).toMatchObject({ status: 'down', fate: 'delayed' });
    }
  });

  it('blame nobody where the other path was last in time before the trouble began', () => {
    const { findings } = diagnose('20s 20s 20s 20s - -', '3s 3s', '37m');
    expect(findings.map((one) => one.kind)).toEqual(['unproven']);
  });

  it.each([
    ['while the newest is on its way', '20s dsn dsn -', '15m'],
    ['while the newest takes longer than letters that arrived', '20s dsn dsn -', '18m'],
    ['after one that arrived', '20s dsn dsn 20s -', '20m'],
  ])('say why they bounce %s', (_title, proxy, at) => {
    const { findings, health } = diagnose(proxy, '3s 3s 3s 3s 3s', at);
    expect(findings[0]?.text).toMatch(
      /^proxy bounces canaries \(5\.1\.1 no such user\), direct delivers in 3s/,
    );
    expect(health.get('proxy')).toMatchObject({ status: 'down', fate: 'bounced' });
  });

  it('say that this machine is at fault where no path takes a canary', () => {
    const { findings, health } = diagnose('20s x', '3s x', '6m');
    expect(findings).toEqual([
      {
        kind: 'vantage',
        path: null,
        text: 'no path took a canary from here (x): this machine or its network',
      },
    ]);
    expect(health.get('proxy')?.status).toBe('ok');
  });

  it.each([
    ['a refusal where SMTP probes pass is policy', '20s 554', '6m', ['policy']],
    ['a first 450 is greylisting', '20s 450', '6m', []],
    ['a 450 that lasts is policy', '20s 450', '30m', ['policy']],
    ['lost after DATA is nothing', '20s ?', '30m', []],
  ])('%s', (_title, proxy, at, kinds) => {
    const direct = '3s '.repeat(10);
    expect(diagnose(proxy, direct, at).findings.map((one) => one.kind)).toEqual(kinds);
  });

  it('say nothing of policy where the path does not answer at all', () => {
    expect(diagnose('20s 554', '3s 3s', '6m', dead).findings).toEqual([]);
  });

  it('leave a path that is down to what SMTP says', () => {
    const { health } = diagnose('20s 20s - - -', '3s 3s 3s 3s 3s', '27m', dead);
    expect(health.get('proxy')).toEqual(dead);
  });

  it('say that nothing is known where the mailbox could not be read, and age nothing', () => {
    const now = msOf('40m');
    const look = { ...lookAt(now, 'wrong password for canary at imap.example'), readAt: msOf('12m') };
    const canaries = [
      ...canariesFrom('20s 20s - - -', { now }),
      ...canariesFrom('3s 3s 3s 3s', { now: msOf('12m'), path: 'direct' }),
    ];
    const health = new Map([['proxy', well]]);
    const report = diagnoseCanaries({ policy: canaryPolicy, canaries, look, health, now });
    expect(report.findings).toEqual([
      {
        kind: 'mailbox-unread',
        path: null,
        text: 'canaries tell nothing now: wrong password for canary at imap.example (mailbox last read 28m ago)',
      },
    ]);
    expect(withCanaries(health, report).get('proxy')?.status).toBe('ok');
  });

  it.each([
    ['ahead', 3_600_000, ['the clock of the mailbox is 60m ahead: arrivals are placed by what was seen']],
    ['behind', -7_300_000, ['the clock of the mailbox is 2h behind: arrivals are placed by what was seen']],
    ['right', 4000, []],
  ])('say that the clock of the mailbox is %s', (_word, skewMs, texts) => {
    const now = msOf('6m');
    const look = { ...lookAt(now), skewMs };
    const canaries = canariesFrom('20s 20s', { now });
    const { findings } = diagnoseCanaries({ policy: canaryPolicy, canaries, look, health: new Map(), now });
    expect(findings.map((one) => one.text)).toEqual(texts);
  });

  it('say that forged ones lie in the mailbox', () => {
    const now = msOf('6m');
    const look = { ...lookAt(now), forged: 3 };
    const { findings } = diagnoseCanaries({
      policy: canaryPolicy,
      canaries: [],
      look,
      health: new Map(),
      now,
    });
    expect(findings.map((one) => one.kind)).toEqual(['forged']);
  });

  it('name the replay where new ones arrive and old ones never did', () => {
    const { findings } = diagnose(`20s - - ${'20s '.repeat(60)}`, '3s '.repeat(60), '5h');
    expect(findings[0]?.text).toContain('proxy accepted 2 canaries that never arrived');
    expect(findings[0]?.text).toContain('mxctl incident replayed');
  });
});
