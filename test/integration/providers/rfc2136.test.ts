import { afterEach, beforeEach, describe, expect, it } from 'vitest';

import { rcodes } from '../../../src/dns/message.ts';
import type { TsigKey } from '../../../src/dns/tsig.ts';
import { domainNameOf } from '../../../src/model/domain-name.ts';
import type { ServerAddress } from '../../../src/model/route.ts';
import { rrsetOf } from '../../../src/model/rrset.ts';
import { Secret } from '../../../src/model/secret.ts';
import type { Provider } from '../../../src/providers/provider.ts';
import { createRfc2136Provider, type Rfc2136Options } from '../../../src/providers/rfc2136/index.ts';
import { describeProviderContract } from '../../support/provider-contract.ts';
import { failureOf, type ProviderWorld } from '../../support/provider-world.ts';
import { UpdateServer } from '../../support/update-server.ts';

const now = Date.UTC(2026, 10, 22, 3, 12);
const key: TsigKey = {
  name: domainNameOf('mxctl.'),
  algorithm: 'hmac-sha256',
  secret: Buffer.from('sesame'),
};
const zone = domainNameOf('example.com.');
const never = new AbortController().signal;

const zoneText = (name: string) => `
  ${name} 3600 SOA ns1.${name} admin.${name} 7 3600 600 86400 300
  ${name} 3600 NS  ns1.${name}
`;

const makeServer = () =>
  new UpdateServer(
    key,
    { 'example.com.': zoneText('example.com.'), 'shop.example.': zoneText('shop.example.') },
    () => now,
  );

function providerAt(
  server: ServerAddress,
  parts: Partial<Rfc2136Options> & { secret?: string; clockOff?: number } = {},
): Provider {
  const { secret = 'c2VzYW1l', clockOff = 0, ...options } = parts;
  const tsig = { name: key.name, algorithm: key.algorithm, secret: new Secret(secret) };
  // Short: only tests of silence wait for it.
  return createRfc2136Provider(
    { name: 'bind', server, tsig, timeoutMs: 1000, ...options },
    { clock: { now: () => now + clockOff * 1000, sleep: () => Promise.resolve() } },
  );
}

const cannot = { throttle: 'RFC 2136 knows no rate that could be exceeded' };

describeProviderContract('rfc2136 keeps the contract of a provider', makeWorld, cannot);

async function makeWorld(): Promise<ProviderWorld> {
  const server = makeServer();
  const address = await server.listen();
  return {
    provider: providerAt(address),
    zone,
    otherZone: domainNameOf('shop.example.'),
    unknownZone: domainNameOf('unknown.example.'),
    read: (owner, type) => Promise.resolve(server.read(owner, type)),
    write: (owner, type, rrset) => {
      server.write(owner, type, rrset);
      return Promise.resolve();
    },
    withWrongCredentials: () => providerAt(address, { secret: 'b3RoZXI=' }),
    withClockOff: (seconds) => providerAt(address, { clockOff: seconds }),
    // Port 1 of a loopback address that nothing binds.
    withNobodyThere: () => providerAt({ address: '127.255.255.254', port: 1 }),
    faults: {
      loseReplyAfterApply: () => void server.faults.push('close-after'),
      loseReplyBeforeApply: () => void server.faults.push('close-before'),
      loseReplyAndFallSilent: () => void server.faults.push('then-gone'),
      beforeWrite: (run) => {
        server.beforeUpdate = () => {
          server.beforeUpdate = null;
          void run();
        };
      },
    },
    close: () => {
      server.close();
      return Promise.resolve();
    },
  };
}

describe('rfc2136', () => {
  let server: UpdateServer;
  let address: ServerAddress;

  beforeEach(async () => {
    server = makeServer();
    address = await server.listen();
  });
  afterEach(() => {
    server.close();
  });

  const proxy = rrsetOf(zone, 'MX', 3600, ['10 mx1.filter.example.net.']);
  const direct = rrsetOf(zone, 'MX', 60, ['10 mx.example.org.']);
  const flip = { owner: zone, type: 'MX', expected: proxy, desired: direct } as const;
  const replace = (provider = providerAt(address)) => provider.replaceRrsets(zone, [flip], never);

  it('is called by type and server in a plan', () => {
    expect(providerAt({ address: '192.0.2.53', port: 53 }).label).toBe('rfc2136 192.0.2.53');
    expect(providerAt({ address: '192.0.2.53', port: 5353 }).label).toBe('rfc2136 192.0.2.53#5353');
  });

  it('takes a secret in base64 only, and never repeats it', () => {
    const make = () => providerAt(address, { secret: 'not base64!' });
    expect(make).toThrow('the TSIG secret is not base64');
    expect(make).not.toThrow('not base64!');
  });

  it('reads the SOA before the RRsets, writes once, and reads what it wrote', async () => {
    server.write(zone, 'MX', proxy);
    await replace();
    expect(server.log).toEqual([
      'QUERY example.com. SOA',
      'QUERY example.com. MX',
      'UPDATE example.com.',
      'QUERY example.com. SOA',
      'QUERY example.com. MX',
    ]);
  });

  it('sends nothing that changes where live is as desired', async () => {
    server.write(zone, 'MX', direct);
    expect(await replace()).toEqual([{ state: 'unchanged' }]);
    expect(server.log).not.toContain('UPDATE example.com.');
  });

  it('survives a server that closes after every answer', async () => {
    server.answersPerConnection = 1;
    server.write(zone, 'MX', proxy);
    expect(await replace()).toEqual([{ state: 'applied' }]);
  });

  describe('asks many names over one connection', () => {
    const rrsets = Array.from({ length: 300 }, (_, n) =>
      rrsetOf(domainNameOf(`d${n}.example.com`), 'MX', 60 + n, [`${n} mx.example.org.`]),
    );
    const readAll = async (provider = providerAt(address)) => {
      for (const rrset of rrsets) server.write(rrset.owner, 'MX', rrset);
      const questions = rrsets.map(({ owner }) => ({ owner, type: 'MX' }) as const);
      return provider.readRrsets(zone, questions, never);
    };

    it.each(['in order', 'last first'] as const)(
      'without waiting for each answer, no more than 20 at once, answers %s',
      async (manner) => {
        server.manner = manner;
        expect(await readAll()).toEqual(rrsets);
        expect(server.connections).toBe(1);
        expect(server.mostWaiting).toBeGreaterThan(1);
        expect(server.mostWaiting).toBeLessThanOrEqual(20);
        expect(server.log.slice(0, 1)).toEqual(['QUERY example.com. SOA']);
        expect(server.log).toHaveLength(301);
      },
    );

    it.each([1, 7, 299])('and over another where that ends after %i answers', async (count) => {
      server.answersPerConnection = count;
      expect(await readAll()).toEqual(rrsets);
      // The SOA is an answer too.
      expect(server.connections).toBe(Math.ceil(301 / count));
    });

    it('and one by one where the server takes no more', async () => {
      server.manner = 'first only';
      expect(await readAll()).toEqual(rrsets);
      expect(server.connections).toBe(2);
    });

    it('and believes no answer to another question', async () => {
      server.manner = 'ids swapped';
      const error = await failureOf(readAll(providerAt(address, { tsig: null })));
      expect(error).toMatchObject({ code: 'provider-protocol' });
      expect(error.message).toContain('the reply answers something else');
    });

    it('and stops with what the signal says, wherever it is', async () => {
      const abort = new AbortController();
      const reason = new Error('Ctrl-C');
      server.manner = 'first only';
      const questions = rrsets.map(({ owner }) => ({ owner, type: 'MX' }) as const);
      const reading = providerAt(address).readRrsets(zone, questions, abort.signal);
      while (server.log.length < 10) await new Promise((resolve) => setImmediate(resolve));
      abort.abort(reason);
      await expect(reading).rejects.toBe(reason);
    });
  });

  it('tries again when somebody changed another name of the zone meanwhile', async () => {
    server.write(zone, 'MX', proxy);
    const other = domainNameOf('www.example.com.');
    let edits = 0;
    server.beforeUpdate = () => {
      if (edits++ < 2) server.write(other, 'A', rrsetOf(other, 'A', 60, [`192.0.2.${edits}`]));
    };
    expect(await replace()).toEqual([{ state: 'applied' }]);
    expect(server.log.filter((line) => line.startsWith('UPDATE'))).toHaveLength(3);
  });

  it('writes many RRsets of a zone at once without getting in its own way', async () => {
    const owners = Array.from({ length: 20 }, (_, at) => domainNameOf(`d${at}.example.com.`));
    for (const owner of owners) server.write(owner, 'MX', { ...proxy, owner });
    const provider = providerAt(address);
    const outcomes = await Promise.all(
      owners.map((owner) =>
        provider.replaceRrsets(
          zone,
          [{ owner, type: 'MX', expected: { ...proxy, owner }, desired: { ...direct, owner } }],
          never,
        ),
      ),
    );
    expect(outcomes.flat()).toEqual(owners.map(() => ({ state: 'applied' })));
    expect(server.log.filter((line) => line.startsWith('UPDATE'))).toHaveLength(owners.length);
  });

  it('goes on with a zone after an update that failed', async () => {
    server.write(zone, 'MX', proxy);
    server.faults.push({ rcode: rcodes.REFUSED, isSigned: true });
    const provider = providerAt(address);
    const [first, second] = await Promise.allSettled([replace(provider), replace(provider)]);
    expect(first.status).toBe('rejected');
    expect(second).toEqual({ status: 'fulfilled', value: [{ state: 'applied' }] });
  });

  it('gives up, with nothing written, where the zone never stands still', async () => {
    server.write(zone, 'MX', proxy);
    const other = domainNameOf('www.example.com.');
    server.beforeUpdate = () => {
      server.write(other, 'A', rrsetOf(other, 'A', 60, ['192.0.2.1']));
    };
    expect(await failureOf(replace())).toMatchObject({ code: 'provider-protocol', retryable: true });
    expect(server.read(zone, 'MX')).toEqual(proxy);
  });

  it('sees a TTL that somebody changed between reading and writing, thanks to the serial', async () => {
    const theirs = { ...proxy, ttl: 1800 };
    server.write(zone, 'MX', proxy);
    server.beforeUpdate = () => {
      server.write(zone, 'MX', theirs);
    };
    expect(await replace()).toEqual([{ state: 'conflict', live: theirs }]);
  });

  it('does without the serial where the one served is not the one that prerequisites see', async () => {
    server.servedSerialOffset = 1000;
    server.write(zone, 'MX', proxy);
    expect(await replace()).toEqual([{ state: 'applied' }]);
    expect(server.log.filter((line) => line.startsWith('UPDATE'))).toHaveLength(2);
    expect(server.read(zone, 'MX')).toEqual(direct);
  });

  it('refuses to write where a CNAME stands, for the server would ignore it', async () => {
    server.write(zone, 'MX', null);
    const owner = domainNameOf('www.example.com.');
    server.write(owner, 'CNAME', rrsetOf(owner, 'CNAME', 60, ['example.com.']));
    const change = {
      owner,
      type: 'MX',
      expected: null,
      desired: rrsetOf(owner, 'MX', 60, ['10 a.example.']),
    } as const;
    const provider = providerAt(address);
    expect(await provider.readRrset(zone, owner, 'MX', never)).toBeNull();
    expect(await failureOf(provider.replaceRrsets(zone, [change], never))).toMatchObject({
      code: 'provider-refused',
    });
    expect(server.log).not.toContain('UPDATE example.com.');
  });

  it('takes a zone inside another for what it is', async () => {
    const inner = domainNameOf('in.example.com.');
    const error = await failureOf(providerAt(address).readRrset(inner, inner, 'MX', never));
    expect(error).toMatchObject({ code: 'zone-unknown' });
  });

  it('does not believe a server that is not authoritative', async () => {
    server.queryFault = 'lame';
    expect(
      await failureOf(providerAt(address, { tsig: null }).readRrset(zone, zone, 'MX', never)),
    ).toMatchObject({
      code: 'zone-unknown',
    });
  });

  it.each(['unsigned', 'forged'] as const)('does not believe an answer that is %s', async (fault) => {
    server.queryFault = fault;
    expect(await failureOf(providerAt(address).readRrset(zone, zone, 'MX', never))).toMatchObject({
      code: 'provider-protocol',
      retryable: false,
    });
  });

  describe('when no reply can be believed', () => {
    it.each(['unsigned', 'forged', 'garbage', 'silent-after', 'close-after'] as const)(
      'reads back what was applied: %s',
      async (fault) => {
        server.write(zone, 'MX', proxy);
        server.faults.push(fault);
        expect(await replace()).toEqual([{ state: 'applied' }]);
        expect(server.log.filter((line) => line.startsWith('UPDATE'))).toHaveLength(1);
      },
    );

    it('reads back that nothing was applied: silence', async () => {
      server.write(zone, 'MX', proxy);
      server.faults.push('silent-before');
      const error = await failureOf(replace());
      expect(error).toMatchObject({ code: 'provider-unreachable', retryable: true });
      expect(error.message).toContain('no reply in 1000 ms; the update was not applied');
    });

    it('reads back more than once, for a server may apply late', async () => {
      server.write(zone, 'MX', proxy);
      server.faults.push('late');
      expect(await replace()).toEqual([{ state: 'applied' }]);
    });

    it('and somebody wrote something else, tells the conflict', async () => {
      const theirs = rrsetOf(zone, 'MX', 5, ['1 else.example.']);
      server.write(zone, 'MX', proxy);
      server.faults.push('close-before');
      server.beforeUpdate = () => {
        server.write(zone, 'MX', theirs);
      };
      expect(await replace()).toEqual([{ state: 'conflict', live: theirs }]);
    });

    it('and we were interrupted meanwhile, says so only where nothing was applied', async () => {
      const abort = new AbortController();
      const reason = new Error('Ctrl-C');
      server.write(zone, 'MX', proxy);
      server.faults.push('close-before');
      server.beforeUpdate = () => {
        abort.abort(reason);
      };
      await expect(providerAt(address).replaceRrsets(zone, [flip], abort.signal)).rejects.toBe(reason);
      server.faults.push('silent-after');
      expect(await providerAt(address).replaceRrsets(zone, [flip], new AbortController().signal)).toEqual([
        { state: 'applied' },
      ]);
    });
  });

  describe('tells refusals apart', () => {
    const signed = (rcode: number) => ({ rcode, isSigned: true });
    const unsigned = (rcode: number) => ({ rcode, isSigned: false });

    it.each([
      [signed(rcodes.REFUSED), 'provider-refused', 4, /refused the update/, /update-policy.*no address/],
      [unsigned(rcodes.REFUSED), 'provider-credentials', 4, /did not sign/, /knows key mxctl/],
      [signed(rcodes.NOTAUTH), 'zone-unknown', 78, /not the primary of zone example\.com/, /primary/],
      [signed(rcodes.NOTZONE), 'name-outside-zone', 78, /NOTZONE/, /zone that holds it/],
      [signed(rcodes.SERVFAIL), 'provider-protocol', 8, /SERVFAIL/, /journal/],
      [signed(rcodes.NOTIMP), 'provider-protocol', 8, /dynamic updates/, /Turn them on/],
      [signed(rcodes.FORMERR), 'provider-protocol', 8, /FORMERR/, /log/],
      [signed(11), 'provider-protocol', 8, /rcode 11/, /log/],
    ])('%j', async (fault, code, exitCode, message, hint) => {
      server.write(zone, 'MX', proxy);
      server.faults.push(fault);
      const error = await failureOf(replace());
      expect(error.code).toBe(code);
      expect(error.exitCode).toBe(exitCode);
      expect(error.message).toMatch(message);
      expect(error.hint).toMatch(hint);
      expect(server.read(zone, 'MX')).toEqual(proxy);
    });

    it('unknown key, wrong algorithm and wrong secret', async () => {
      const tsig = {
        name: domainNameOf('else.'),
        algorithm: 'hmac-sha256',
        secret: new Secret('c2VzYW1l'),
      } as const;
      const unknown = await failureOf(replace(providerAt(address, { tsig })));
      expect(unknown).toMatchObject({ code: 'provider-credentials' });
      expect(unknown.message).toContain('knows no TSIG key else with hmac-sha256 (BADKEY)');
      const other = { ...tsig, name: key.name, algorithm: 'hmac-sha512' } as const;
      expect((await failureOf(replace(providerAt(address, { tsig: other })))).message).toContain('BADKEY');
      const wrong = await failureOf(replace(providerAt(address, { secret: 'b3RoZXI=' })));
      expect(wrong.message).toContain('another secret (BADSIG)');
    });

    it('clock skew, by how much and which way', async () => {
      server.clockOffset = 724;
      const error = await failureOf(replace());
      expect(error).toMatchObject({ code: 'clock-skew', retryable: false });
      expect(error.message).toContain('(2026-11-22T03:24:04.000Z) is 724 s ahead of this machine');
      server.clockOffset = -724;
      expect((await failureOf(replace())).message).toContain('724 s behind this machine');
    });

    it('an unsigned update where a key is wanted', async () => {
      server.write(zone, 'MX', proxy);
      const error = await failureOf(replace(providerAt(address, { tsig: null })));
      expect(error).toMatchObject({ code: 'provider-credentials' });
      expect(error.hint).toContain('`tsig` key');
    });
  });
});
