import { describe, expect, it } from 'vitest';
import { diagnoseCanaries } from '../../../src/health/canary-diagnosis.ts';
import type { Canary } from '../../../src/model/canary.ts';
import { canaryRemarks, canarySummary, renderHours, renderSentCanaries } from '../../../src/render/canary.ts';
import { hang, plainStyle } from '../../../src/render/terminal.ts';
import { canariesFrom, canaryPolicy, lookAt, msOf } from '../../support/canaries.ts';

const minute = 60_000;

/** What each path's canaries became, five minutes apart, as it is known at `at`. */
function reportOf(lines: Readonly<Record<string, string>>, at: string, change = (one: Canary) => one) {
  const now = msOf(at);
  const canaries = Object.entries(lines).flatMap(([path, line]) =>
    canariesFrom(line, { now, path }).map(change),
  );
  const policy = { ...canaryPolicy, paths: Object.keys(lines) };
  const report = diagnoseCanaries({ policy, canaries, look: lookAt(now), health: new Map(), now });
  return { report, canaries, now };
}

function summaryOf(lines: Readonly<Record<string, string>>, at: string): string {
  const { report, now } = reportOf(lines, at);
  return canarySummary(report, now);
}

describe('the line of canaries in status', () => {
  it.each([
    ['20s 20s', '3s 3s', '6m', 'proxy 20s, direct 3s; last sent 1m ago'],
    ['20s - -', '3s 3s 3s', '14m', 'proxy 20s (2 on the way, oldest 9m), direct 3s; last sent 4m ago'],
    ['- -', '3s 3s', '6m', 'proxy none arrived (2 on the way, oldest 6m), direct 3s; last sent 1m ago'],
    [
      '20s 450',
      '3s x',
      '6m',
      'proxy 20s (the last one deferred), direct 3s (the last one unreachable); last sent 1m ago',
    ],
    ['20s', '3s 3s 3s 3s', '16m', 'proxy 20s (last sent 16m ago), direct 3s; last sent 1m ago'],
  ])('of %s and %s at %s', (proxy, direct, at, text) => {
    expect(summaryOf({ proxy, direct }, at)).toBe(`canaries: ${text}`);
  });

  it('says that there are none', () => {
    const report = diagnoseCanaries({
      policy: canaryPolicy,
      canaries: [],
      look: null,
      health: new Map(),
      now: 0,
    });
    expect(canarySummary(report, 0)).toBe('canaries: none sent yet');
  });

  it('takes two lines of 80 columns for four paths of which one holds mail', () => {
    const lines = { 'proxy-eu': '20s - -', 'proxy-us': '9s 9s 9s', direct: '3s 3s 3s', dr: '4m 4m 4m' };
    expect(hang('   support  ', summaryOf(lines, '14m'), 80)).toEqual([
      '   support  canaries: proxy-eu 20s (2 on the way, oldest 9m), proxy-us 9s,',
      '            direct 3s, dr 4m; last sent 4m ago',
    ]);
  });

  it('remarks on the last that arrived, where it is spam or lost its header fields', () => {
    const { report } = reportOf({ proxy: '20s', direct: '3s' }, '1m', (one) => ({
      ...one,
      isSpam: one.path === 'proxy',
      isBySubject: one.path === 'direct',
    }));
    expect(canaryRemarks(report)).toEqual([
      expect.stringMatching(/^canary by proxy arrived as spam: /),
      expect.stringMatching(/^canary by direct known by its subject alone: /),
    ]);
  });
});

describe('the hours of canaries', () => {
  it('are told path by path, within 80 columns', () => {
    const hour = {
      route: 'support',
      handed: 12,
      arrived: 12,
      p50Ms: 20_000,
      p95Ms: 95_000,
      maxMs: 7_000_000,
    };
    const hours = [0, 60].flatMap((at) =>
      ['direct', 'proxy-eu', 'proxy-us', 'dr'].map((path) => ({ ...hour, path, hourAt: at * minute })),
    );
    const lines = renderHours(
      'support',
      [...hours, { ...hours[0]!, hourAt: 120 * minute, arrived: 0, p50Ms: null }],
      plainStyle,
    );
    expect(lines.slice(0, 5)).toEqual([
      '   support  canaries of the last day, by the hour of hand-over:',
      'PATH      HOUR (UTC)  HANDED  ARRIVED  P50    P95    MAX',
      'direct    01-01 00h       12       12  20s  1m35s  1h56m',
      'direct    01-01 01h       12       12  20s  1m35s  1h56m',
      'direct    01-01 02h       12        0    -  1m35s  1h56m',
    ]);
    expect(renderHours('support', [], plainStyle)).toEqual([]);
  });
});

describe('canaries by hand', () => {
  it('name the route of each, and a path that had no hop to hand one to', () => {
    const { report, canaries } = reportOf({ proxy: '20s', direct: '3s' }, '1m');
    const sent = { route: 'support', delayedAfterMs: 15 * minute, report };
    const lines = renderSentCanaries(
      [{ ...sent, canaries: canaries.filter((one) => one.path === 'proxy') }],
      plainStyle,
    );
    expect(lines).toEqual([
      '    ROUTE/PATH     HANDED TO         QUEUE ID  MAILBOX',
      'ok  support/proxy  mx.proxy.example  -         after 20s',
      ' ?  support/direct  not sent: no hop of it has an address now',
      '1 of 1 canaries arrived in time',
    ]);
  });
});
