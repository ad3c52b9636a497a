// Cloudflare's API v4 on a loopback port, as far as DNS needs it: the zone list, records with pages, and the batch.
// Strict: a parameter, header or field that is not documented is refused. Faults on order.

import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

import { type DomainName, displayName } from '../../../src/model/domain-name.ts';
import { type Rrset, rrsetOf, type RrType } from '../../../src/model/rrset.ts';
import { ApiFault, type FakeRecord, FakeZone, type FakeZoneOptions } from './cloudflare-zone.ts';

export type Right = 'zone read' | 'dns read' | 'dns edit';

export interface FakeToken {
  readonly rights: readonly Right[];
  /** Zone ids; null = all. */
  readonly zones: readonly string[] | null;
}

/**
 * close-before  closes the connection, does nothing
 * close-after   does it, then closes instead of answering
 * then-gone     does it, closes, and takes no connection any more
 * silent-after  does it and never answers
 * garbage       answers HTML with status 200
 * other-shape   answers JSON of another shape with status 200
 * error         answers this instead of doing it
 */
export type CloudflareFault =
  | 'close-before'
  | 'close-after'
  | 'then-gone'
  | 'silent-after'
  | 'garbage'
  | 'other-shape'
  | {
      readonly status: number;
      readonly code: number;
      readonly message?: string;
      readonly retryAfter?: number;
      readonly location?: string;
    };

export const goodToken = 'good-token-0123456789abcdefghijklmnopqrst';

export class CloudflareFake {
  readonly tokens = new Map<string, FakeToken>([
    [goodToken, { rights: ['zone read', 'dns read', 'dns edit'], zones: null }],
  ]);
  readonly zones: FakeZone[] = [];
  /** Faults of the next batches, and of the next other requests; first in first out. */
  readonly writeFaults: CloudflareFault[] = [];
  readonly readFaults: CloudflareFault[] = [];
  /** Runs when a request arrives. */
  onRequest: (() => void) | null = null;
  /** Runs when a batch has arrived, before it is judged: somebody else's write. */
  beforeBatch: (() => void) | null = null;
  /** `GET /zones?name=example.com&page=1&per_page=50`, zone ids as `{example.com}`. */
  readonly log: string[] = [];
  /** Bodies of batches, in order. */
  readonly batches: Readonly<Record<string, readonly Readonly<Record<string, unknown>>[]>>[] = [];
  readonly #server = createServer((request, response) => void this.#serve(request, response));

  addZone(options: FakeZoneOptions): FakeZone {
    const zone = new FakeZone(options);
    this.zones.push(zone);
    return zone;
  }

  /** The API's base. */
  async listen(): Promise<string> {
    this.#server.listen(0, '127.0.0.1');
    await once(this.#server, 'listening');
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}/client/v4`;
  }

  close(): void {
    this.#server.close();
    this.#server.closeAllConnections();
  }

  recordsAt(owner: DomainName, type: RrType): FakeRecord[] {
    return [...this.#zoneOf(owner).records.values()].filter(
      (one) => one.type === type && one.name === displayName(owner),
    );
  }

  read(owner: DomainName, type: RrType): Rrset | null {
    const records = this.recordsAt(owner, type);
    if (records.length === 0) return null;
    const ttl = Math.min(...records.map((one) => (one.ttl === 1 ? 300 : one.ttl)));
    return rrsetOf(owner, type, ttl, records.map(textOf));
  }

  /** Somebody's hand in the dashboard: what was there is deleted, what is wanted is made. */
  write(owner: DomainName, type: RrType, rrset: Rrset | null): void {
    const zone = this.#zoneOf(owner);
    for (const { id } of this.recordsAt(owner, type)) zone.records.delete(id);
    for (const rdata of rrset?.rdata ?? []) {
      const [, priority, exchange] = /^(\d+) (\S+)$/.exec(rdata) ?? [];
      zone.add({
        name: displayName(owner),
        type,
        ttl: rrset?.ttl ?? 1,
        ...(type === 'MX' && exchange !== undefined
          ? { content: exchange === '.' ? '.' : exchange.slice(0, -1), priority: Number(priority) }
          : { content: rdata }),
      });
    }
  }

  #zoneOf(owner: DomainName): FakeZone {
    const name = displayName(owner);
    const zone = this.zones.find((one) => name === one.name || name.endsWith(`.${one.name}`));
    if (zone === undefined) throw new RangeError(`no zone holds ${name}`);
    return zone;
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    this.onRequest?.();
    const isWrite = request.method !== 'GET';
    const body = await bodyOf(request);
    const url = new URL(request.url ?? '/', 'http://fake');
    this.log.push(this.#logLine(request, url));
    if (isWrite) {
      this.beforeBatch?.();
      this.batches.push((body ?? {}) as (typeof this.batches)[number]);
    }
    const fault = (isWrite ? this.writeFaults : this.readFaults).shift();
    if (fault === 'close-before') return void request.socket.destroy();
    const answer = typeof fault === 'object' ? errorAnswer(fault) : this.#answer(request, url, body);
    switch (fault) {
      case 'then-gone':
        this.close();
        return;
      case 'close-after':
        request.socket.destroy();
        return;
      case 'silent-after':
        return;
      case 'garbage':
        response.writeHead(200, { 'content-type': 'text/html' }).end('<html>Just a moment...</html>');
        return;
      case 'other-shape':
        response
          .writeHead(200, { 'content-type': 'application/json' })
          .end('{"success":true,"result":{"a":1}}');
        return;
      default:
        response.writeHead(answer.status, {
          'content-type': 'application/json',
          ratelimit: '"default";r=1199;t=300',
          'ratelimit-policy': '"default";q=1200;w=300',
          ...answer.headers,
        });
        response.end(JSON.stringify(answer.body));
    }
  }

  #logLine({ method = '' }: IncomingMessage, { pathname, searchParams }: URL): string {
    const path = this.zones.reduce(
      (text, zone) => text.replace(zone.id, `{${zone.name}}`),
      pathname.replace('/client/v4', ''),
    );
    const query = searchParams.toString();
    return `${method} ${path}${query === '' ? '' : `?${query}`}`;
  }

  #answer(request: IncomingMessage, url: URL, body: unknown): Answer {
    try {
      const token = this.#authenticate(request);
      const { pathname, searchParams } = url;
      const [, zoneId, rest] = /^\/client\/v4\/zones(?:\/([^/]*)(\/.*)?)?$/.exec(pathname) ?? [pathname];
      if (!pathname.startsWith('/client/v4/zones')) throw unroutable(pathname);
      if (request.method === 'GET' && zoneId === undefined) return ok(this.#listZones(token, searchParams));
      const zone = this.zones.find((one) => one.id === zoneId);
      if (zone === undefined) throw unroutable(pathname);
      const route = `${request.method ?? ''} ${rest ?? ''}`;
      switch (route) {
        case 'GET ':
          if (!may(token, 'zone read', zone)) throw new ApiFault(403, 9109, unauthorized);
          return ok({ result: zone });
        case 'GET /dns_records':
          if (!may(token, 'dns read', zone)) throw new ApiFault(403, 10_000, 'Authentication error');
          return ok(listRecords(zone, searchParams));
        case 'POST /dns_records/batch':
          if (!may(token, 'dns edit', zone)) throw new ApiFault(403, 10_000, 'Authentication error');
          if (!/^application\/json/.test(request.headers['content-type'] ?? ''))
            throw new ApiFault(400, 6003, 'Invalid request headers');
          if (typeof body !== 'object' || body === null)
            throw new ApiFault(400, 9207, 'Request body is invalid.');
          return ok({ result: zone.batch(body as Record<string, unknown>) });
        default:
          throw unroutable(pathname);
      }
    } catch (error) {
      if (error instanceof ApiFault) return errorAnswer(error);
      throw error;
    }
  }

  #authenticate({ headers }: IncomingMessage): FakeToken {
    if (headers['x-auth-key'] !== undefined || headers['x-auth-email'] !== undefined)
      throw new ApiFault(400, 6003, 'Invalid request headers');
    const given = headers.authorization;
    if (given === undefined)
      throw new ApiFault(400, 9106, 'Missing X-Auth-Key, X-Auth-Email or Authorization headers');
    const token = /^Bearer ([\w-]{20,})$/.exec(given)?.[1];
    if (token === undefined) throw new ApiFault(400, 6003, 'Invalid request headers');
    const known = this.tokens.get(token);
    if (known === undefined) throw new ApiFault(403, 9109, 'Invalid access token');
    return known;
  }

  #listZones(token: FakeToken, query: URLSearchParams) {
    allow(query, ['name', 'account.id', 'status', 'page', 'per_page']);
    if (!token.rights.includes('zone read')) throw new ApiFault(403, 9109, unauthorized);
    const zones = this.zones.filter(
      (one) =>
        may(token, 'zone read', one) &&
        one.name === (query.get('name') ?? one.name) &&
        one.account.id === (query.get('account.id') ?? one.account.id) &&
        // "When this parameter is not provided, zones with type internal are excluded."
        one.type !== 'internal',
    );
    return paged(zones, query, 50);
  }
}

const unauthorized = 'Unauthorized to access requested resource';

const may = (token: FakeToken, right: Right, zone: FakeZone) =>
  token.rights.includes(right) && (token.zones === null || token.zones.includes(zone.id));

const unroutable = (path: string) =>
  new ApiFault(404, 7003, `Could not route to ${path}, perhaps your object identifier is invalid?`);

function listRecords(zone: FakeZone, query: URLSearchParams) {
  allow(query, ['type', 'name.exact', 'order', 'direction', 'page', 'per_page']);
  const name = query.get('name.exact')?.toLowerCase();
  const type = query.get('type');
  const records = [...zone.records.values()]
    .filter((one) => (name === undefined || one.name === name) && (type === null || one.type === type))
    .sort((a, b) => (a.name < b.name ? -1 : a.name > b.name ? 1 : 0));
  return paged(records, query, 5000);
}

function paged(items: readonly unknown[], query: URLSearchParams, most: number) {
  const page = Number(query.get('page') ?? 1);
  const perPage = Number(query.get('per_page') ?? 20);
  if (!Number.isInteger(page) || page < 1 || !Number.isInteger(perPage) || perPage < 5 || perPage > most)
    throw new ApiFault(400, 1004, 'page or per_page is out of bounds');
  const result = items.slice((page - 1) * perPage, page * perPage);
  return {
    result,
    result_info: {
      page,
      per_page: perPage,
      count: result.length,
      total_count: items.length,
      total_pages: Math.ceil(items.length / perPage),
    },
  };
}

function allow(query: URLSearchParams, names: readonly string[]): void {
  const odd = [...query.keys()].filter((key) => !names.includes(key));
  if (odd.length > 0) throw new ApiFault(400, 1004, `unknown parameters: ${odd.join(', ')}`);
}

interface Answer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: object;
}

const ok = (part: object): Answer => ({
  status: 200,
  headers: {},
  body: { success: true, errors: [], messages: [], ...part },
});

function errorAnswer(fault: {
  readonly status: number;
  readonly code: number;
  readonly message?: string;
  readonly retryAfter?: number;
  readonly location?: string;
}): Answer {
  const { status, code, message = 'as ordered', retryAfter, location } = fault;
  return {
    status,
    headers: {
      ...(retryAfter === undefined ? {} : { 'retry-after': String(retryAfter) }),
      ...(location === undefined ? {} : { location }),
    },
    body: { success: false, errors: [{ code, message }], messages: [], result: null },
  };
}

function textOf({ type, content, priority }: FakeRecord): string {
  if (type !== 'MX') return content;
  return `${priority ?? 0} ${content === '.' ? '.' : `${content}.`}`;
}

async function bodyOf(request: IncomingMessage): Promise<unknown> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  const text = Buffer.concat(chunks).toString('utf8');
  try {
    return text === '' ? null : (JSON.parse(text) as unknown);
  } catch {
    return null;
  }
}
