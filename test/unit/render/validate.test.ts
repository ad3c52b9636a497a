import { describe, expect, it } from 'vitest';
import type { RouteBudget, Validation } from '../../../src/app/validate.ts';
import { plainStyle } from '../../../src/render/terminal.ts';
import { renderValidation, validationDocument } from '../../../src/render/validate.ts';

function budget(route: string, ttlSeconds: number, mode: RouteBudget['mode'] = 'auto'): RouteBudget {
  return {
    route,
    mode,
    domains: 1,
    budget: {
      detectSeconds: 152,
      writeSeconds: 10,
      ttlSeconds,
      totalSeconds: 162 + ttlSeconds,
      biggest: 'ttl',
      knob: 'ttl',
      silent: null,
    },
  };
}

function withCanary(one: RouteBudget, detectSeconds: number): RouteBudget {
  const { writeSeconds, ttlSeconds } = one.budget;
  const totalSeconds = detectSeconds + writeSeconds + ttlSeconds;
  const silent = { detectSeconds, totalSeconds, knob: 'canary.delayed_after' };
  return { ...one, budget: { ...one.budget, silent } };
}

function validation(routes: readonly RouteBudget[]): Validation {
  return { configFile: '/etc/mxctl/mxctl.yaml', routes, providers: [], warnings: [] };
}

const screen = (...routes: RouteBudget[]) => renderValidation(validation(routes), plainStyle);

describe('the validate screen', () => {
  it('shows what one route takes, and its knob', () => {
    expect(screen(budget('support', 3600)).join('\n')).toBe(
      `
/etc/mxctl/mxctl.yaml
ROUTE    MODE  DETECT  WRITE  OLD TTL  IN ALL  KNOB
support  auto   2m32s    10s       1h    1h3m  ttl
IN ALL is the longest from fault to mail on another path: noticing it, writing,
and the old TTL in caches. KNOB moves it most. Senders' own retries come on top.
Mail that a hop accepts and then holds or loses goes unnoticed: no route has a
canary.
ok: 1 route, recovers within 1h3m`.trimStart(),
    );
  });

  it('tells how soon canaries notice mail that is accepted and held', () => {
    const lines = screen(withCanary(budget('support', 3600), 1260));
    expect(lines.slice(-4).join('\n')).toBe(
      `
Mail that a hop accepts and then holds or loses is noticed within 21m by
canaries (every + delayed_after + a run; knob canary.delayed_after), in all
1h22m.
ok: 1 route, recovers within 1h3m`.trimStart(),
    );
  });

  it('tells of the slowest with canaries, and of how many routes have none', () => {
    const quick = withCanary(budget('quick', 60), 1260);
    const slow = withCanary(budget('slow', 3600), 2000);
    const text = screen(quick, slow, budget('a', 60), budget('b', 60)).join(' ');
    expect(text).toContain('noticed within 33m20s by canaries');
    expect(text).toContain('in all 1h34m; slowest: slow. Never where there are none: 2 routes.');
  });

  it('never tells a bound shorter than it is', () => {
    // 152 + 10 + 3600 s is 1 h 2 min 42 s; 86,562 s is a day and 2 min 42 s.
    expect(screen(budget('a', 3600)).at(-1)).toBe('ok: 1 route, recovers within 1h3m');
    expect(screen(budget('a', 86_400)).at(-1)).toBe('ok: 1 route, recovers within 1d1h');
    expect(screen(budget('a', 60)).at(-1)).toBe('ok: 1 route, recovers within 3m42s');
  });

  it('ends with the slowest, and says where a person comes in between', () => {
    const lines = screen(budget('slow', 3600), budget('quick', 60, 'manual'));
    expect(lines.filter((line) => /^(slow|quick) /.test(line))[0]).toMatch(/^quick /);
    expect(lines.join(' ')).toContain('where MODE is not auto the time until a person decides.');
    expect(lines.at(-1)).toBe('ok: 2 routes recover within 1h3m; slowest: slow');
  });

  it('is a screen for a thousand routes, alike or not', () => {
    const alike = Array.from({ length: 1000 }, (_, at) => budget(`customer-${at}`, 300));
    expect(screen(...alike).join('\n')).toMatch(/^customer-0 \+999 {2}auto/m);
    const name = 'a-name-of-sixty-four-letters-'.padEnd(64, 'x');
    const different = Array.from({ length: 1000 }, (_, at) => budget(name, at));
    const watched = [...different.map((one) => withCanary(one, 86_400)), budget('z', 86_400, 'manual')];
    for (const lines of [screen(...alike), screen(...different), screen(...watched)]) {
      expect(lines.length).toBeLessThanOrEqual(24);
      for (const line of lines.slice(0, -2)) expect(line.length).toBeLessThanOrEqual(80);
    }
    expect(screen(...different)[1]).toBe('988 faster routes not shown; all: mxctl validate --json');
  });

  it('says so where there are no routes', () => {
    expect(screen().at(-1)).toBe('ok: no routes');
  });
});

describe('the validate document', () => {
  it('has the budget in seconds', () => {
    expect(validationDocument(validation([budget('support', 3600)]))).toMatchObject({
      config: '/etc/mxctl/mxctl.yaml',
      routes: [
        {
          route: 'support',
          mode: 'auto',
          recovery: {
            detect_seconds: 152,
            write_seconds: 10,
            ttl_seconds: 3600,
            total_seconds: 3762,
            knob: 'ttl',
            silent: null,
          },
        },
      ],
    });
  });

  it('has how soon canaries notice', () => {
    const [route] = validationDocument(validation([withCanary(budget('support', 3600), 1260)]))[
      'routes'
    ] as unknown[];
    expect(route).toMatchObject({
      recovery: { silent: { detect_seconds: 1260, total_seconds: 4870, knob: 'canary.delayed_after' } },
    });
  });
});
