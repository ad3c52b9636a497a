import { readFile, stat } from 'node:fs/promises';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { parseConfig } from '../../../src/config/parse.ts';
import { postFault, readHops } from '../../../src/sandbox/control.ts';
import { deliver } from '../../../src/sandbox/delivery.ts';
import { hopPlans, mailDomain } from '../../../src/sandbox/map.ts';
import { startWorld, type World } from '../../../src/sandbox/world.ts';
import { parseZoneLine } from '../../../src/sandbox/zone.ts';
import { type ManualClock, manualClock } from './manual-clock.ts';

let clock: ManualClock;
let world: World;
let draws: number[];

beforeEach(async () => {
  clock = manualClock();
  draws = [];
  world = await startWorld({
    clock,
    random: () => draws.shift() ?? 0.5,
    ttl: 60,
    smtpTimeoutMs: 1000,
    retry: { delaysMs: [300_000], giveUpAfterMs: 86_400_000 },
  });
});

afterEach(async () => {
  await world.close();
});

const publish = (...lines: string[]) => {
  world.data.remove(mailDomain, 'MX');
  const [first, ...rest] = lines.map((line) => parseZoneLine(mailDomain, `@ 60 IN MX ${line}`));
  world.data.put({ ...first!, rdata: [...first!.rdata, ...rest.flatMap((one) => one.rdata)].sort() });
};

/** The life of a letter as a drawing: `mx1.filter 421 > mx2.filter 250`. */
const story = (number: number) =>
  world.sender.letters[number - 1]!.attempts.map(
    (one) =>
      `${world.hops.find((hop) => hop.exchange === one.exchange)?.name ?? 'dns'} ${one.text.slice(0, 3)}`,
  ).join(' > ');

/** Sends one letter and waits for the end of its first attempt over `sessions` hops. */
async function send(sessions: number): Promise<number> {
  const number = world.sender.send();
  await expect.poll(() => world.sender.letters[number - 1]?.attempts.length).toBe(sessions);
  return number;
}

async function drain() {
  world.sender.flush();
  for (const relay of world.relays.values()) relay.flush();
  await world.drained();
}

describe('the sender', () => {
  it.each([
    ['all is well', {}, 'mx1.filter 250'],
    ['the first refuses', { 'mx1.filter': 'down' }, 'mx1.filter con > mx2.filter 250'],
    ['the first defers at its greeting', { 'mx1.filter': '421' }, 'mx1.filter 421 > mx2.filter 250'],
    ['the first defers recipients', { 'mx1.filter': '451-rcpt' }, 'mx1.filter 451 > mx2.filter 250'],
    ['the first is silent', { 'mx1.filter': 'silent' }, 'mx1.filter no  > mx2.filter 250'],
    ['the whole proxy is down', { proxy: 'down' }, 'mx1.filter con > mx2.filter con > spool 250'],
  ] as const)('walks exchanges by preference when %s', async (_what, faults, expected) => {
    for (const [hop, fault] of Object.entries(faults)) await world.setFault(hop, fault);
    const number = world.sender.send();
    await drain();
    expect(story(number)).toBe(expected);
    expect(world.account()).toMatchObject({
      sent: 1,
      delivered: 1,
      lost: 0,
      bounced: 0,
      queued: 0,
      duplicated: 0,
    });
  });

  it('bounces on 5xx at RCPT without trying the healthy exchanges behind', async () => {
    await world.setFault('mx1.filter', '550-rcpt');
    const number = world.sender.send();
    await drain();
    expect(story(number)).toBe('mx1.filter 550');
    expect(world.account()).toMatchObject({ sent: 1, delivered: 0, bounced: 1, lost: 0, queued: 0 });
  });

  it('draws lots among equal preferences', async () => {
    publish('10 mx1.filter.example.net.', '10 mx2.filter.example.net.');
    draws = [0, 1];
    await send(1);
    // The first two draws went to the resolver's authorities; look-ups are cached now.
    world.resolver.flush();
    const first = new Set<string>();
    for (const lots of [
      [0, 1],
      [1, 0],
    ]) {
      await send(1);
      draws = lots;
      const number = await send(1);
      first.add(story(number));
    }
    expect([...first].sort()).toEqual(['mx1.filter 250', 'mx2.filter 250']);
  });

  it('keeps what everybody defers, looks MX up anew, and delivers where they point then', async () => {
    for (const hop of ['proxy', 'spool']) await world.setFault(hop, '421');
    const number = await send(3);
    expect(world.account()).toMatchObject({ queued: 1, delivered: 0, lost: 0 });
    publish('10 mx.shop.example.');
    clock.advance(59_999);
    world.sender.flush();
    // The resolver still holds the old answer: the same three again.
    await expect.poll(() => world.sender.letters[0]?.attempts.length).toBe(6);
    clock.advance(1);
    await drain();
    expect(story(number)).toBe(
      'mx1.filter 421 > mx2.filter 421 > spool 421 > mx1.filter 421 > mx2.filter 421 > spool 421 > mx.shop 250',
    );
    expect(world.account()).toMatchObject({ delivered: 1, lost: 0, maxDelayMs: 60_000 });
    expect(world.mailbox.arrivals[0]).toMatchObject({ number, hops: ['mx.shop.example'] });
  });

  it('retries by its schedule without being told', async () => {
    for (const hop of ['proxy', 'spool']) await world.setFault(hop, 'down');
    await send(3);
    for (const hop of ['proxy', 'spool']) await world.setFault(hop, 'ok');
    clock.advance(299_999);
    expect(world.sender.queued).toBe(1);
    await expect
      .poll(() => {
        clock.advance(1);
        return world.sender.queued;
      })
      .toBe(0);
    await drain();
    expect(world.account()).toMatchObject({ delivered: 1, lost: 0 });
  });

  it('gives up at the end of its schedule', async () => {
    for (const hop of ['proxy', 'spool']) await world.setFault(hop, 'down');
    await send(3);
    clock.advance(86_400_000);
    await drain();
    expect(world.account()).toMatchObject({ bounced: 1, queued: 0, lost: 0 });
  });

  it.each([
    ['a null MX', () => publish('0 .'), 'bounced', 1],
    ['an exchange without an address', () => publish('10 nowhere.example.net.'), 'bounced', 1],
    ['no zone anybody serves', () => publish('10 mx.elsewhere.invalid.'), 'queued', 0],
  ] as const)('handles %s', async (_what, change, whereabouts, bounced) => {
    change();
    await send(1);
    expect(world.account()).toMatchObject({ [whereabouts]: 1, bounced, lost: 0 });
  });

  it('falls back to the domain’s own address without any MX', async () => {
    world.data.remove(mailDomain, 'MX');
    world.data.put(parseZoneLine(mailDomain, '@ 60 IN A 127.0.2.1'));
    const number = world.sender.send();
    await drain();
    expect(world.sender.letters[number - 1]?.attempts).toMatchObject([
      { address: '127.0.2.1', stage: 'end-of-data' },
    ]);
    expect(world.account()).toMatchObject({ delivered: 1 });
  });
});

describe('the proxy and the spool', () => {
  it('keep what they took while the primary is down, and pass it on afterwards', async () => {
    await world.setFault('mx.shop', 'down');
    await send(1);
    await expect.poll(() => world.account().queued).toBe(1);
    expect(world.account()).toMatchObject({ sent: 1, delivered: 0, queued: 1, lost: 0 });
    await world.setFault('mx.shop', 'ok');
    clock.advance(5000);
    await drain();
    expect(world.account()).toMatchObject({ delivered: 1, queued: 0, lost: 0, maxDelayMs: 5000 });
    expect(world.mailbox.arrivals[0]?.hops).toEqual(['mx1.filter.example.net', 'mx.shop.example']);
  });

  it('return what the primary rejects', async () => {
    await world.setFault('mx.shop', '550-rcpt');
    await send(1);
    await drain();
    expect(world.account()).toMatchObject({ delivered: 0, bounced: 1, lost: 0 });
  });

  it('get through to a primary that admits nobody else, where a stranger bounces', async () => {
    await world.setFault('mx.shop', 'proxy-only');
    await send(1);
    await drain();
    publish('10 mx.shop.example.');
    clock.advance(60_000);
    await send(1);
    await drain();
    expect([story(1), story(2)]).toEqual(['mx1.filter 250', 'mx.shop 554']);
    expect(world.account()).toMatchObject({ sent: 2, delivered: 1, bounced: 1, lost: 0 });
  });
});

describe('the account', () => {
  it('counts a letter that arrives twice once, and as duplicated', async () => {
    await send(1);
    await drain();
    const { messageId } = world.sender.letters[0]!;
    const again = { from: 'a@b.example', to: ['c@shop.example'], text: `Message-ID: ${messageId}\r\n\r\n` };
    const [target] = world.hopsNamed('direct');
    await deliver(
      again,
      {
        address: target!.address,
        port: target!.port,
        localAddress: '127.0.0.9',
        ehloName: 'x.example',
        timeoutMs: 1000,
      },
      new AbortController().signal,
    );
    expect(world.account()).toMatchObject({ sent: 1, delivered: 1, duplicated: 1, lost: 0 });
  });
});

describe('a controller that is cut off', () => {
  it('reaches no hop and no reference, while mail flows', async () => {
    const probe = async (name: string) => {
      const [hop] = world.hopsNamed(name);
      const target = {
        address: hop!.address,
        port: hop!.port,
        localAddress: '127.0.0.1',
        ehloName: 'x.example',
      };
      const letter = { from: '', to: ['canary@shop.example'], text: '\r\n' };
      return deliver(letter, { ...target, timeoutMs: 1000 }, new AbortController().signal);
    };
    world.cutOffController();
    for (const hop of world.hops) expect(await probe(hop.name), hop.name).toMatchObject({ code: null });
    await send(1);
    await drain();
    expect(world.account()).toMatchObject({ delivered: 1 });
    world.reconnectController();
    expect(await probe('ref1')).toMatchObject({ code: 250 });
  });
});

describe('the switchboard', () => {
  it('sets a fault for whoever can read its file, and for nobody else', async () => {
    expect((await stat(world.controlFile)).mode & 0o777).toBe(0o600);
    const hops = await postFault(world.controlFile, 'mx1.filter', 'down');
    expect(hops.map((one) => one.fault)).toEqual(['down', 'ok', 'ok', 'ok', 'ok', 'ok']);
    expect(world.hopsNamed('mx1.filter')[0]?.fault).toBe('down');
    const { port } = JSON.parse(await readFile(world.controlFile, 'utf8')) as { port: number };
    const { status } = await fetch(`http://127.0.0.1:${port}/fault?hop=proxy&fault=ok`, {
      method: 'POST',
      headers: { authorization: `Bearer ${'0'.repeat(32)}`, connection: 'close' },
    });
    expect(status).toBe(403);
    expect((await readHops(world.controlFile))[0]?.fault).toBe('down');
  });

  it('says which hops and faults there are', async () => {
    await expect(postFault(world.controlFile, 'mx9', 'down')).rejects.toThrow(
      /no such hop; there are mx1\.filter/,
    );
    await expect(postFault(world.controlFile, 'mx1.filter', 'dwon')).rejects.toThrow(
      /no such fault; there are ok, down/,
    );
    await expect(postFault('/nonexistent/control.json', 'a', 'ok')).rejects.toThrow(/no sandbox is running/);
  });
});

describe('the world', () => {
  it('leaves nothing open, whatever was going on', async () => {
    const openCount = () =>
      process.getActiveResourcesInfo().filter((name) => /TCP|UDP|Pipe|HTTP/.test(name)).length;
    const before = openCount();
    const own = await startWorld({ smtpTimeoutMs: 60_000, sendIntervalMs: 50 });
    await own.setFault('mx1.filter', 'silent');
    await own.setFault('mx2.filter', 'tarpit');
    own.sender.start();
    await expect.poll(() => own.hopsNamed('mx1.filter')[0]?.connectionCount).toBeGreaterThan(1);
    expect(openCount()).toBeGreaterThan(before + 10);
    await own.close();
    await expect.poll(openCount).toBeLessThanOrEqual(before);
    await expect(stat(own.directory)).rejects.toThrow(/ENOENT/);
  });

  it('is described by a config that the program accepts', () => {
    const yaml = world.configYaml({ stateFile: '/tmp/state "quoted".db', mode: 'manual', ttl: 30 });
    const input = { configFile: '/tmp/mxctl.yaml', shownFile: 'mxctl.yaml', now: 0, hostname: 'here' };
    const config = parseConfig(yaml, input);
    const route = config.routes.get('shop');
    expect(config.stateUrl).toBe('sqlite:/tmp/state "quoted".db');
    expect(config.resolvers).toEqual([{ address: '127.0.0.1', port: world.resolver.port }]);
    expect(route).toMatchObject({ ttl: 30, prefer: 'proxy', failoverTo: ['direct'], keep: ['spool'] });
    expect(route?.failover).toMatchObject({ mode: 'manual', failback: 'manual', holdDownMs: 5000 });
    expect(route?.records[0]?.authorities?.map((one) => one.port)).toEqual([
      world.primary.port,
      world.secondary.port,
    ]);
    expect(route?.paths.flatMap((path) => (path.kind === 'mx' ? path.mx : []))).toEqual(
      hopPlans
        .filter((one) => one.path !== null)
        .map(({ preference, exchange }) => ({ preference, exchange, port: world.hopPort })),
    );
  });
});
