// What `doctor` finds of a machine and its world: real resolvers, authorities, provider and store; of the machine itself
// only what the system would say is made up.

import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { describe, expect, it, onTestFinished } from 'vitest';
import { runRound } from '../../../src/app/rounds.ts';
import { diagnose, type Diagnosis } from '../../../src/app/doctor.ts';
import type { CheckName, DoctorDeps, FileFacts, Machine } from '../../../src/app/doctor-finding.ts';
import type { Config } from '../../../src/config/config.ts';
import { ConfigError, StoreError } from '../../../src/errors.ts';
import { domainNameOf } from '../../../src/model/domain-name.ts';
import { providerKinds } from '../../../src/providers/kinds.ts';
import { AppWorld, type WorldOptions } from '../../support/app-world.ts';
import { soundMachine } from '../../support/sound-machine.ts';

const never = new AbortController().signal;
const minute = 60_000;

const providers: Config['providers'] = new Map([
  [
    'bind',
    {
      type: 'rfc2136',
      server: { address: '127.0.0.1', port: 53 },
      timeoutMs: 1000,
      tsig: { name: domainNameOf('mxctl.'), algorithm: 'hmac-sha256', secret: { file: '/run/tsig' } },
    } as const,
  ],
]);

interface Over {
  readonly world?: WorldOptions;
  readonly machine?: Partial<Machine>;
  readonly config?: Partial<Config>;
  readonly deps?: Partial<DoctorDeps>;
  readonly prepare?: (world: AppWorld) => void | Promise<void>;
}

const ptr = `
  ops.example.com. 300 A 192.0.2.7
  7.2.0.192.in-addr.arpa. 300 PTR ops.example.com.`;

async function depsOf(world: AppWorld, over: Over = {}): Promise<DoctorDeps> {
  await over.prepare?.(world);
  const config: Config = { ...world.config(), ...over.config };
  return {
    machine: { ...soundMachine, ...over.machine },
    clock: world.clock,
    startedAt: world.clock.now(),
    config,
    configFault: null,
    program: world.deps({ config }),
    storeFault: null,
    isStoreNew: false,
    resolvers: config.resolvers,
    promiseOf: (type) => providerKinds[type],
    ...over.deps,
  };
}

async function look(over: Over = {}): Promise<Diagnosis> {
  const world = await AppWorld.open(over.world ?? { references: ['mx.reference.example'] });
  world.cached(ptr);
  return diagnose(await depsOf(world, over), never);
}

/** `status text` of a check, and what to do behind an arrow. */
const of = ({ findings }: Diagnosis, check: CheckName): string[] =>
  findings
    .filter((one) => one.check === check)
    .map(({ status, subject, text, next }) =>
      [status, subject === null ? '' : ` ${subject}`, `: ${text}`, next === null ? '' : ` -> ${next}`].join(
        '',
      ),
    );

describe('doctor', () => {
  it('finds nothing to complain of on a machine that is well', async () => {
    const found = await look({
      prepare: async (world) => {
        await runRound(world.deps(), never);
      },
    });
    expect(found.findings.filter((one) => one.status === 'fail')).toEqual([]);
    expect(found.exitCode).toBe(0);
    expect(of(found, 'port-25')).toEqual(['ok: 1 of 1 references answer']);
    expect(of(found, 'ehlo')).toEqual(['ok ops.example.com: 192.0.2.7, and back (PTR)']);
    expect(of(found, 'families')).toEqual(['ok: reaches the families of all 4 hops (IPv4)']);
  });

  it('begins with a broken configuration, and looks at nothing that needs one', async () => {
    const world = await AppWorld.open();
    const configFault = new ConfigError(
      'config-invalid',
      'mxctl.yaml has 1 problem\nmxctl.yaml:2:1: rutes: unknown',
      {
        hint: 'correct the file',
      },
    );
    const found = await diagnose(
      await depsOf(world, { deps: { config: null, program: null, configFault } }),
      never,
    );
    expect(found.exitCode).toBe(78);
    expect(found.findings[0]).toMatchObject({ check: 'config', status: 'fail', next: null });
    expect(of(found, 'config')[1]).toBe('fail: mxctl.yaml:2:1: rutes: unknown -> correct the file');
    expect(new Set(found.findings.map((one) => one.check))).toEqual(new Set(['config', 'node', 'store']));
  });

  it('is not held up by a check that hangs, nor ended by one that breaks', async () => {
    const world = await AppWorld.open({ references: ['mx.reference.example'] });
    const deps = await depsOf(world, {
      machine: {
        stat: () => new Promise<FileFacts>(() => {}),
        freeBytes: () => Promise.reject(new Error('broken')),
      },
    });
    const found = await diagnose(deps, never, 300);
    expect(of(found, 'files')).toEqual(['unknown: not found out within 0.3 s']);
    expect(of(found, 'store')).toEqual(['unknown: the check itself failed: broken']);
    expect(of(found, 'provider')[0]).toMatch(/^ok bind: /);
  });
});

describe('the way out for 25/tcp', () => {
  const references = ['mx.one.example', 'mx.two.example'];

  it('is called blocked where all references keep silent though their names resolve', async () => {
    const summary = 'no connection for 10 s';
    const found = await look({
      world: { references },
      prepare: ({ hops }) => {
        for (const name of references) {
          hops.set(name, '0');
          hops.over.set(name, { stage: 'connect', reply: null, summary });
        }
      },
    });
    expect(of(found, 'port-25')).toEqual([
      expect.stringMatching(/^fail: 25\/tcp looks blocked on the way out: .*no connection for 10 s -> AWS/),
    ]);
    expect(found.exitCode).toBe(2);
  });

  it('is not called so where one of them is merely dead', async () => {
    const found = await look({
      world: { references },
      prepare: ({ hops }) => {
        hops.set('mx.two.example', '0');
        hops.over.set('mx.two.example', { stage: 'connect', reply: null, summary: 'connection refused' });
      },
    });
    expect(of(found, 'port-25')).toEqual([
      'warn: 1 of 2 references answer; mx.two.example: connection refused -> a reference that does not answer is none: name another',
    ]);
  });

  it('is suspected where different hosts greet with one name', async () => {
    const banner = { code: 220, enhanced: null, text: 'relay.hotel.example ESMTP' };
    const stages = [{ stage: 'banner', ok: true, elapsedMs: 1, reply: banner, fault: null }] as const;
    const found = await look({
      world: { references },
      prepare: ({ hops }) => references.forEach((name) => hops.over.set(name, { stages })),
    });
    expect(of(found, 'port-25')[0]).toMatch(/^warn: 2 different hosts all greet as relay\.hotel\.example\./);
  });

  it('is asked of the hops where there are no references', async () => {
    expect(of(await look({ world: {} }), 'port-25')).toEqual(['ok: 4 of 4 hops answer']);
  });
});

describe('the clock', () => {
  async function serverAt(at: number | null, headers: Record<string, string> = {}): Promise<string> {
    const server: Server = createServer((_request, response) => {
      response.sendDate = false;
      response.writeHead(401, at === null ? headers : { ...headers, Date: new Date(at).toUTCString() });
      response.end();
    });
    onTestFinished(() => void server.close());
    await new Promise<void>((done) => void server.listen(0, '127.0.0.1', done));
    return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  }

  async function clockAgainst(
    offsetMs: number | null,
    headers: Record<string, string> = {},
  ): Promise<string[]> {
    const url = await serverAt(offsetMs === null ? null : Date.now() + offsetMs, headers);
    const { thisMachine } = await import('../../../src/diagnosis.ts');
    const block = {
      type: 'powerdns',
      url,
      apiKey: { env: 'KEY' },
      serverId: 'localhost',
      timeoutMs: 1000,
    } as const;
    const { httpTime } = thisMachine();
    const providers = new Map([['pdns', block]]) as Config['providers'];
    return of(await look({ machine: { httpTime }, config: { providers } }), 'clock');
  }

  it('agrees within what a Date header can tell', async () => {
    const [found] = await clockAgainst(0);
    expect(found).toMatch(/^ok 127\.0\.0\.1:\d+: agrees with it, give or take \d+ms$/);
  });

  it('is wrong where a signature or a lease would notice', async () => {
    expect((await clockAgainst(-3_600_000))[0]).toMatch(
      /^fail .*: (1h|59m5\ds) ahead of it, give or take .* -> let it keep time/,
    );
    expect((await clockAgainst(20_000))[0]).toMatch(/^warn .*: (19|20|21)s behind it/);
  });

  it('is not judged by an answer that tells no time of its own', async () => {
    expect((await clockAgainst(null))[0]).toMatch(
      /^unknown .*: did not tell the time: its answer has no Date$/,
    );
    expect((await clockAgainst(0, { Age: '7200' }))[0]).toMatch(/^unknown .*: a cache answered$/);
  });

  it('is not known where no provider speaks HTTP', async () => {
    expect(of(await look(), 'clock')[0]).toMatch(/^unknown: no provider tells the time/);
  });
});

describe('resolvers', () => {
  /** The name that is made up where chance says 0.5. */
  const denied = `mxctl-doctor-${(5e8).toString(36)}.example.com.`;

  it('are found out when they answer for a name that every authority denies', async () => {
    const found = await look({
      prepare: (world) => world.cached(`${ptr}\n${denied} 60 A 198.51.100.66`),
    });
    expect(of(found, 'resolver')).toEqual([
      expect.stringMatching(/^fail 127\.\S+: answers 198\.51\.100\.66 for a name that does not exist -> /),
    ]);
  });

  it('are told when they do not validate', async () => {
    const found = await look({ prepare: (world) => world.cached(`${ptr}\n. 60 NS a.root-servers.net.`) });
    expect(of(found, 'resolver')[0]).toMatch(/^warn .*does not validate DNSSEC, so DANE cannot be seen/);
  });

  it('that are dead are a failure', async () => {
    const dead = { address: '127.0.0.1', port: 1 };
    const found = await look({ deps: { resolvers: [dead] } });
    expect(of(found, 'resolver')).toEqual([expect.stringMatching(/^fail 127\.0\.0\.1#1: /)]);
  });
});

describe('the name for EHLO', () => {
  it.each([
    ['has no address', '', /^warn ops\.example\.com: has no address/],
    [
      'is not pointed back to',
      'ops.example.com. 60 A 192.0.2.7',
      /^warn ops\.example\.com: no PTR of 192\.0\.2\.7/,
    ],
    [
      'is pointed to by another name',
      'ops.example.com. 60 A 192.0.2.7\n7.2.0.192.in-addr.arpa. 60 PTR static.isp.example.',
      /^warn .* points back to it -> set probe\.ehlo_name/,
    ],
  ])('%s', async (_what, cached, expected) => {
    const found = await look({ prepare: (world) => world.cached(cached) });
    expect(of(found, 'ehlo')[0]).toMatch(expected);
  });

  it('must be a full one', async () => {
    expect(of(await look({ machine: { hostname: 'fra-ops' } }), 'ehlo')[0]).toMatch(
      /^warn fra-ops: no full domain name/,
    );
  });
});

describe('families', () => {
  it('warns of hops that only senders can see from elsewhere', async () => {
    const found = await look({
      prepare: ({ hops }) => {
        hops.addresses.set('mx.example.com', ['192.0.2.1', '2001:db8::1']);
      },
    });
    expect(of(found, 'families')[0]).toMatch(/^warn: 1 hop is on IPv6, this machine is not/);
  });
});

describe('files', () => {
  const modes =
    (config: number, secret: number | string): Machine['stat'] =>
    (file) =>
      Promise.resolve(
        file.endsWith('.yaml')
          ? { mode: config }
          : typeof secret === 'number'
            ? { mode: secret }
            : { fault: secret },
      );
  it.each([
    [0o600, 0o600, ["ok: the configuration and 1 secret are nobody else's"]],
    [0o666, 0o600, [/^fail .*mxctl\.yaml: everybody on this machine may write it -> chmod o-w/]],
    [0o664, 0o600, [/^warn .*mxctl\.yaml: its group may write it/]],
    [0o600, 0o444, [/^warn \/run\/tsig: everybody on this machine may read this secret -> chmod 600/]],
    [0o600, 'ENOENT', [/^fail \/run\/tsig: this secret cannot be read: ENOENT/]],
  ] as const)('of mode %o and %s', async (config, secret, expected) => {
    const found = of(
      await look({ machine: { stat: modes(config, secret) }, config: { providers } }),
      'files',
    );
    expect(found).toHaveLength(expected.length);
    expected.forEach((one, at) => expect(found[at]).toMatch(one));
  });
});

describe('the state store', () => {
  it('that cannot be used is a failure with its own exit code', async () => {
    const storeFault = new StoreError('store-unavailable', 'state store x cannot be opened', {
      hint: 'give rights',
    });
    const found = await look({ deps: { storeFault } });
    expect(of(found, 'store')).toEqual(['fail: state store x cannot be opened -> give rights']);
    expect(of(found, 'auto')).toEqual(['unknown: not known without the state store']);
    expect(found.exitCode).toBe(4);
  });

  it('is proved to be writable by the run that it records', async () => {
    const world = await AppWorld.open();
    const found = await diagnose(await depsOf(world), never);
    expect(of(found, 'store')[0]).toMatch(/^ok: sqlite:.*: schema \d+, 1 MB, can be written$/);
    expect(await world.store.lastRun('doctor')).toMatchObject({ startedAt: world.clock.now() });
  });

  it('wants room', async () => {
    const freeBytes = (bytes: number) => ({ machine: { freeBytes: () => Promise.resolve(bytes) } });
    expect(of(await look(freeBytes(300 * 2 ** 20)), 'store')[1]).toMatch(/^warn .*: 300 MB free/);
    expect(of(await look(freeBytes(2 ** 20)), 'store')[1]).toMatch(/^fail .*: 1 MB free/);
  });

  it('finds a lease that ends later than any honest one', async () => {
    const world = await AppWorld.open();
    const wild = world.clock.now() + 30 * minute;
    await world.store.acquireLease('support', 'other:7:run', minute, wild);
    expect(of(await diagnose(await depsOf(world), never), 'lease')).toEqual([
      expect.stringMatching(
        /^warn support: held by other:7:run for 31m more: a clock .* -> if that run is no more: mxctl state unlock support/,
      ),
    ]);
  });

  it('tells when auto stopped running, and what it left open', async () => {
    const auto = { failover: { mode: 'auto', maxFlips: { count: 3, withinMs: 86_400_000 } } } as const;
    const world = await AppWorld.open({ routes: [{ over: auto }] });
    const { store, clock } = world;
    await store.recordRun({
      id: '01',
      command: 'auto',
      startedAt: clock.now(),
      finishedAt: clock.now(),
      exitCode: 0,
    });
    world.bind.holdSecondary();
    await world.failover('direct', { overrides: [] });
    clock.advance(120 * minute);
    const found = await diagnose(await depsOf(world), never);
    expect(of(found, 'auto')).toEqual([
      expect.stringMatching(
        /^fail: last run 2h\w* ago, exit code 0, but probe\.interval is 1m -> run it by a timer/,
      ),
    ]);
    expect(of(found, 'lease')).toEqual([
      expect.stringMatching(
        /^warn support: change [0-9a-f]{6} was begun 2h\w* ago, and nobody knows its end -> mxctl watch/,
      ),
    ]);
  });
});

describe('providers', () => {
  it('that refuse us fail with what they said', async () => {
    const world = await AppWorld.open();
    const deps = await depsOf(world, {});
    const program = world.deps({
      config: deps.config!,
      provider: (name) => Promise.resolve(world.provider(name, 'd3Jvbmc=')),
    });
    const found = await diagnose({ ...deps, program }, never);
    expect(of(found, 'provider')[0]).toMatch(/^fail bind: .*(key|signature|TSIG)/i);
    expect(found.exitCode).toBe(4);
  });
});
