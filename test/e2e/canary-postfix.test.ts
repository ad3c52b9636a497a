//                          +-- proxy: Postfix mx1.example.com, 127.0.1.1, relays; its queue can be held
//                          |     |
//   mxctl ==SMTP, canary===+     | SMTP, TLS
//   (the built CLI)        |     v
//     |  ^                 +-- direct: Postfix mx.shop.example, 127.0.2.1, the primary
//     |  |                       | Maildir
//     |  |                       v
//     |  +=====IMAP, TLS======= Dovecot, 127.0.0.1: canary@shop.example, and canary@ops.example for what bounces
//     +========UPDATE=========> BIND: MX of shop.example
//
// Nothing here is ours but mxctl. A server that holds its queue answers 250 to everything: only canaries show it.

import { once } from 'node:events';
import { type AddressInfo, createServer, type Server } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import {
  type CanaryDocument,
  directMx,
  missingForPostfixWorld,
  type PostfixWorld,
  proxyMx,
  type RoundDocument,
  startPostfixWorld,
  timing,
} from '../support/postfix-world.ts';

const missing = missingForPostfixWorld();

const messageIdOf = ({ token }: CanaryDocument) => `${token}@ops.example`;
const hasFlipped = (round: RoundDocument) => round.flips.length > 0;
const sum = (values: readonly number[]) => values.reduce((a, b) => a + b, 0);

if (missing !== null)
  describe('canaries through real Postfix hops', () => {
    it.skip(missing, () => {});
  });
else
  describe('canaries through real Postfix hops', () => {
    let world: PostfixWorld;
    beforeAll(async () => {
      world = await startPostfixWorld();
    });
    afterAll(() => world.close());

    it('arrive by both paths, and show which way they took', async () => {
      const { proxy, primary } = world;
      const sent = await world.probeByCanary();
      expect(sent).toMatchObject({ code: 0, proxy: { state: 'arrived' }, direct: { state: 'arrived' } });
      expect(sent.proxy.queue_id).toBe(proxy.queueIds().get(messageIdOf(sent.proxy)));
      expect(sent.direct.queue_id).toBe(primary.queueIds().get(messageIdOf(sent.direct)));
      expect(sent.direct.trace).toMatchObject([
        { from: 'probe.ops.example [127.0.0.1]', by: 'mx.shop.example', protocol: 'ESMTPS' },
      ]);
      expect(sent.proxy.trace).toMatchObject([
        { from: 'probe.ops.example [127.0.0.1]', by: 'mx1.example.com', protocol: 'ESMTPS' },
        { from: 'mx1.example.com [127.0.1.1]', by: 'mx.shop.example', protocol: 'ESMTPS' },
      ]);
    });

    it('are no reason for anything while they come in time', async () => {
      await world.runUntil(async (round) => {
        expect(round.flips).toEqual([]);
        const { paths } = await world.canaries();
        return paths.every((one) => one.status === 'ok' && one.in_time_in_a_row >= 3);
      });
      expect(await world.publishedMx()).toEqual(proxyMx);
      expect((await world.canaries()).findings).toEqual([]);
    });

    it('show that the proxy holds its queue, and are alone the reason to leave it', async () => {
      await world.proxy.set({ defer_transports: 'smtp, relay' });
      const heldAt = Date.now();
      const { flips, routes } = await world.runUntil(hasFlipped);
      expect(flips).toMatchObject([{ from: 'proxy', to: 'direct' }]);
      expect(routes[0]?.action?.reason).toMatch(
        /^proxy is down: proxy holds \d+ canaries, the oldest for \d+s, direct [^:]*\ds: the fault is in proxy$/,
      );
      expect(await world.publishedMx()).toEqual(directMx);
      const tookMs = Date.parse(flips[0]?.at ?? '') - heldAt;
      console.log(`left ${tookMs} ms after it was held; the slowest run took ${world.slowestRunMs} ms`);
      // A canary is due once in `every`, and is sent and missed by the next run each.
      expect(tookMs).toBeLessThan(timing.everyMs + timing.delayedAfterMs + 2 * world.slowestRunMs);
    });

    it('are where status says they are, and no SMTP probe sees anything', async () => {
      expect((await world.json('probe', 'shop')).code).toBe(0);
      const status = (await world.text('status')).replace(/\s+/g, ' ');
      expect(status).toMatch(/standby proxy: proxy holds \d+ canaries, .*the fault is in proxy\./);
      const [proxied, direct] = (await world.canaries()).paths;
      expect(direct).toMatchObject({ path: 'direct', status: 'ok', owed: [] });
      expect(proxied?.owed.length).toBeGreaterThanOrEqual(2);
      const queue = new Map((await world.proxy.queue()).map((one) => [one.queue_id, one]));
      const logged = world.proxy.queueIds();
      for (const one of proxied?.owed ?? []) {
        expect(one).toMatchObject({ state: 'handed', queue_id: logged.get(messageIdOf(one)) });
        expect(queue.get(one.queue_id ?? '')).toMatchObject({
          queue_name: 'deferred',
          sender: 'canary@ops.example',
          recipients: [{ address: 'canary@shop.example' }],
        });
      }
    });

    it('arrive late, every one of them, when the queue is released, and bring the proxy back', async () => {
      const { proxy, primary } = world;
      await proxy.set({ defer_transports: null });
      await proxy.flush();
      const { flips } = await world.runUntil(hasFlipped);
      expect(flips).toMatchObject([{ from: 'direct', to: 'proxy' }]);
      expect(await world.publishedMx()).toEqual(proxyMx);
      const { paths, hours } = await world.canaries();
      expect(paths).toMatchObject([
        { path: 'proxy', status: 'ok', owed: [], lost: [] },
        { path: 'direct', status: 'ok', owed: [], lost: [] },
      ]);
      const arrivals = (name: string) => hours.filter((one) => one.path === name);
      const accounted = ({ path, in_flight }: (typeof paths)[number]) =>
        sum(arrivals(path).map((one) => one.arrived)) + in_flight;
      // As many as the servers have seen; a letter by the proxy is in the log of both.
      const proxied = proxy.queueIds();
      const all = [...primary.queueIds().keys()];
      expect(paths.map(accounted)).toEqual([proxied.size, all.filter((id) => !proxied.has(id)).length]);
      const slowest = Math.max(...arrivals('proxy').map((one) => one.max_seconds ?? 0));
      expect(slowest * 1000).toBeGreaterThan(timing.delayedAfterMs);
      // What is on record is taken out of the mailbox.
      expect(world.letters().length).toBeLessThanOrEqual(sum(paths.map((one) => one.in_flight)));
    });

    it('are late by both paths where the primary holds them: nothing is moved', async () => {
      await world.primary.set({ defer_transports: 'virtual' });
      await world.runUntil(async (round) => {
        expect(round.flips).toEqual([]);
        return (await world.canaries()).findings.some((one) => one.kind === 'mailbox');
      });
      expect((await world.canaries()).findings).toMatchObject([
        { text: 'canaries are late by proxy and direct alike: the mailbox or our network, not a path' },
      ]);
      await world.primary.set({ defer_transports: null });
      await world.primary.flush();
      await world.runUntil(async (round) => {
        expect(round.flips).toEqual([]);
        return (await world.canaries()).paths.every((one) => one.status === 'ok');
      });
      expect(await world.publishedMx()).toEqual(proxyMx);
    });

    it('are sent again when they were greylisted, and that is no alarm', async () => {
      const greylist = await startGreylist('canary@ops.example');
      const { port } = greylist.address() as AddressInfo;
      await world.proxy.set({ smtpd_recipient_restrictions: `check_policy_service inet:127.0.0.1:${port}` });
      const sent = await world.probeByCanary();
      await world.proxy.set({ smtpd_recipient_restrictions: null });
      greylist.close();
      expect(sent).toMatchObject({
        code: 0,
        proxy: { state: 'arrived', attempts: 2 },
        direct: { state: 'arrived', attempts: 1 },
      });
      expect(sent.proxy.summary).toContain('greylisted before');
      expect(world.proxy.log()).toMatch(/: 450 4\.7\.1 <canary@shop\.example>: .*greylisted/);
      expect((await world.runUntil(() => true)).flips).toEqual([]);
    });

    it('come back where the primary refuses what the proxy relays, and the path is left', async () => {
      // As where it checks SPF and does not exempt the proxy. The notice itself has no sender.
      await world.primary.set({
        smtpd_recipient_restrictions:
          'check_sender_access inline:{{<> = OK}}, check_client_access inline:{{127.0.1.1 = 550 5.7.23 SPF says no}}',
      });
      const sent = await world.probeByCanary();
      expect(sent).toMatchObject({ code: 2, proxy: { state: 'bounced' }, direct: { state: 'arrived' } });
      expect(sent.proxy.queue_id).toBe(world.proxy.queueIds().get(messageIdOf(sent.proxy)));
      expect(sent.proxy.bounce).toMatch(/^550 5\.7\.23 .*SPF says no.* \(reported by mx1\.example\.com\)$/);
      const { flips, routes } = await world.runUntil(hasFlipped);
      expect(flips).toMatchObject([{ from: 'proxy', to: 'direct' }]);
      expect(routes[0]?.action?.reason).toMatch(
        /^proxy is down: proxy bounces canaries \(550 5\.7\.23 .*the fault is in proxy$/,
      );
      expect(await world.publishedMx()).toEqual(directMx);
      const status = (await world.text('status')).replace(/\s+/g, ' ');
      expect(status).toContain('standby proxy: proxy bounces canaries (550 5.7.23 ');
    });
  });

/** A policy service as Postfix asks it (SMTPD_POLICY_README): defers each first attempt of this sender (RFC 6647 §2.3). */
async function startGreylist(sender: string): Promise<Server> {
  const seen = new Set<string>();
  const server = createServer((socket) => {
    let asked = '';
    socket.on('error', () => undefined);
    socket.on('data', (chunk) => {
      asked += chunk.toString();
      if (!asked.endsWith('\n\n')) return;
      const attribute = (name: string) => new RegExp(`^${name}=(.*)$`, 'm').exec(asked)?.[1] ?? '';
      const triplet = ['client_address', 'sender', 'recipient'].map(attribute).join(' ');
      const isFirst = attribute('sender') === sender && !seen.has(triplet);
      seen.add(triplet);
      asked = '';
      socket.write(`action=${isFirst ? '450 4.7.1 greylisted' : 'DUNNO'}\n\n`);
    });
  });
  await once(server.listen(0, '127.0.0.1'), 'listening');
  return server;
}
