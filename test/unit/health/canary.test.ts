import { describe, expect, it } from 'vitest';
import { canaryVerdict } from '../../../src/health/canary.ts';
import { canariesFrom, canaryPolicy, lookAt, msOf } from '../../support/canaries.ts';

/** One canary every 5 minutes, late after 15, swallowed after 4 h, fall 2, rise 3. */
function verdictOf(line: string, at: string, over: { readAt?: string; everyMs?: number } = {}) {
  const now = msOf(at);
  const readAt = over.readAt === undefined ? now : msOf(over.readAt);
  const canaries = canariesFrom(line, { now: Math.min(now, readAt) });
  return canaryVerdict('proxy', canaries, canaryPolicy, { ...lookAt(now), readAt }, now);
}

describe('the canaries of a path', () => {
  it.each([
    ['nothing is known before the first arrives', '-', '1m', 'unknown'],
    ['one that arrives is enough to begin with', '20s', '1m', 'ok'],
    ['one late arrival is no trouble', '20s 20s 16m 20s', '22m', 'ok'],
    ['two late arrivals are', '20s 20s 16m 20s 16m', '40m', 'delayed'],
    ['two that are overdue on their way are', '20s 20s - -', '31m', 'delayed'],
    ['what is younger than delayed_after is waited for', '20s 20s - -', '24m', 'ok'],
    ['the first overdue one and a usual multiple of the next is enough', '20s 20s 20s - -', '31m', 'delayed'],
    ['one lost between others is forgiven', '20s 20s - 20s 20s 20s 20s', '31m', 'ok'],
    ['a path that holds every other one is delayed', '20s - 20s - 20s - 20s', '36m', 'delayed'],
    ['late in a burst, then in time: not before rise in a row', '20s 30m 25m 20s 20s', '41m', 'delayed'],
    ['late in a burst, then rise in a row', '20s 30m 25m 20s 20s 20s', '41m', 'ok'],
    [
      'still on their way from the trouble: not well whatever follows',
      '20s - - 20s 20s 20s 20s',
      '45m',
      'delayed',
    ],
    ['accepted and never seen for swallowed_after', '20s 20s - -', '5h', 'swallowed'],
    ['a lost canary long ago is no trouble', '20s lost 20s lost 20s', '21m', 'ok'],
    ['swallowed ones are owed for ever', 'gone 20s 20s 20s 20s', '6h', 'swallowed'],
    ['bounced twice', '20s dsn dsn', '20m', 'bounced'],
    ['bounced once, then rise in time', '20s dsn dsn 20s 20s 20s', '26m', 'ok'],
    ['refused and unreachable ones say nothing of arrival', '20s 554 x 450 ?', '26m', 'ok'],
    ['a verdict on old canaries is none', '20s 20s 20s', '3h', 'unknown'],
  ])('%s: %s at %s', (_title, line, at, status) => {
    expect(verdictOf(line, at).status).toBe(status);
  });

  it('ages nothing that the mailbox could not show', () => {
    expect(verdictOf('20s 20s - -', '34m', { readAt: '12m' }).status).toBe('ok');
    expect(verdictOf('20s 20s - -', '34m').status).toBe('delayed');
  });

  it('says what is owed, since when, and how old the oldest on its way is', () => {
    const verdict = verdictOf('20s 20s - - 16m', '33m');
    expect(verdict).toMatchObject({ since: msOf('10m'), oldestMs: msOf('23m'), lastLatencyMs: msOf('20s') });
    expect(verdict.owed.map((one) => one.sentAt)).toEqual([msOf('10m'), msOf('15m'), msOf('20m')]);
  });

  it('is well again once a person says that what was swallowed is replayed', () => {
    const now = msOf('6h');
    const line = `20s - - ${'20s '.repeat(70)}`;
    const canaries = canariesFrom(line, { now });
    const judge = (list: typeof canaries) =>
      canaryVerdict('proxy', list, canaryPolicy, lookAt(now), now).status;
    expect(judge(canaries)).toBe('swallowed');
    expect(judge(canaries.map((one) => (one.arrivedAt === null ? { ...one, replayedAt: now } : one)))).toBe(
      'ok',
    );
  });

  it('tells a canary lost outside of any trouble from one that is owed', () => {
    const now = msOf('6h');
    const verdict = canaryVerdict(
      'proxy',
      canariesFrom(`20s - ${'20s '.repeat(70)}`, { now }),
      canaryPolicy,
      lookAt(now),
      now,
    );
    expect(verdict.lost.map((one) => one.sentAt)).toEqual([msOf('5m')]);
    expect(verdict.owed).toEqual([]);
  });
});
