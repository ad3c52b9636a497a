// What PowerDNS 4.7 does with what it is sent, put to the fake and to the real one alike: so the fake is as strict.

import { expect, it } from 'vitest';

const replace = (parts: object) => ({
  name: 'example.com.',
  type: 'MX',
  ttl: 60,
  changetype: 'REPLACE',
  ...parts,
});
const records = (...contents: string[]) => ({
  records: contents.map((content) => ({ content, disabled: false })),
});
const good = replace(records('10 mx.example.org.'));

/** Title, the RRsets of one PATCH, the status. */
const patches: readonly (readonly [string, readonly object[], number])[] = [
  ['an RRset', [good], 204],
  ['a null MX beside another, which it does not mind', [replace(records('0 .', '10 mx.example.org.'))], 204],
  ['a removal', [{ name: 'example.com.', type: 'MX', changetype: 'DELETE' }], 204],
  ['a value without its last dot', [replace(records('10 mx.example.org'))], 422],
  ['a preference above 65535', [replace(records('65536 mx.example.org.'))], 422],
  ['a value that is none', [replace(records('mx.example.org.'))], 422],
  ['a value twice', [replace(records('10 a.example.', '10 a.example.'))], 422],
  ['no TTL', [{ ...good, ttl: undefined }], 422],
  ['a name without its last dot', [{ ...good, name: 'example.com' }], 422],
  ['a name outside the zone', [{ ...good, name: 'example.net.' }], 422],
  ['a change of another kind', [{ ...good, changetype: 'UPSERT' }], 422],
  ['one good RRset and a bad one: nothing of both', [good, replace({ type: 'A', ...records('x') })], 422],
];

/** `at`: its URL, with an empty zone example.com and this key. */
export function describePowerdnsRefusals(
  open: () => Promise<{ url: string; apiKey: string; close(): Promise<void> }>,
): void {
  const path = '/api/v1/servers/localhost/zones/example.com.';

  it.each(patches)('%s', async (_, rrsets, status) => {
    const server = await open();
    try {
      const headers = { 'x-api-key': server.apiKey, 'content-type': 'application/json' };
      const send = (init: RequestInit = {}) => fetch(`${server.url}${path}`, { headers, ...init });
      const reply = await send({ method: 'PATCH', body: JSON.stringify({ rrsets }) });
      expect([reply.status, await reply.text()]).toEqual([
        status,
        status === 204 ? '' : (expect.stringMatching(/"error":/) as string),
      ]);
      const zone = (await (await send()).json()) as { rrsets: { type: string }[] };
      const held = zone.rrsets.some((one) => one.type === 'MX');
      expect(held).toBe(status === 204 && !JSON.stringify(rrsets).includes('DELETE'));
    } finally {
      await server.close();
    }
  });

  it('a wrong key, and a zone that it has not', async () => {
    const server = await open();
    try {
      const get = async (url: string, key: string) =>
        (await fetch(url, { headers: { 'x-api-key': key } })).status;
      expect(await get(`${server.url}${path}`, 'else')).toBe(401);
      expect(await get(`${server.url}${path.replace('com.', 'net.')}`, server.apiKey)).toBe(404);
    } finally {
      await server.close();
    }
  });
}
