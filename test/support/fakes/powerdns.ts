// The PowerDNS API as 4.7 speaks it, for two zones in memory, with faults that a test orders. It refuses what the real
// one refuses (seen with 4.7.3): a wrong key with 401, an unknown zone with 404, names without their dot, values that
// do not parse and doubled records with 422; and a PATCH is one transaction.

import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

import { canonicalRdata } from '../../../src/dns/canonical.ts';
import { type DomainName, domainNameOf, isWithin } from '../../../src/model/domain-name.ts';
import { type Rrset, rrsetOf, type RrType } from '../../../src/model/rrset.ts';

/** lose-before: closes the connection; lose-after: does it, then closes; silent-after: so, and for good; the others answer
 *  this instead of doing it. */
type Fault =
  | 'lose-before'
  | 'lose-after'
  | 'silent-after'
  | { readonly status: number; readonly body: string; readonly location?: string };

interface Patch {
  readonly name: string;
  readonly type: RrType;
  readonly changetype: string;
  readonly ttl?: number;
  readonly records?: { content: string; disabled: boolean }[];
}

export class FakePowerdns {
  static readonly apiKey = 'sesame';
  readonly zones = new Map<DomainName, Map<string, Rrset>>();
  /** Of the next PATCHes, and of the next readings; first in first out. */
  readonly faults: Fault[] = [];
  readonly readFaults: Extract<Fault, object>[] = [];
  /** Runs when a PATCH has arrived and is not yet judged. */
  beforeWrite: (() => void | Promise<void>) | null = null;
  /** Extra members of every zone's answer. */
  traits: Readonly<Record<string, unknown>> = { kind: 'Native', soa_edit_api: 'DEFAULT' };
  url = '';
  #isSilent = false;
  /** SQLite's lock: whoever comes meanwhile is turned away (seen with 4.7.3). */
  #isWriting = false;
  readonly #server = createServer((request, response) => void this.#handle(request, response));

  static async start(zones: readonly DomainName[]): Promise<FakePowerdns> {
    const fake = new FakePowerdns();
    for (const zone of zones) fake.zones.set(zone, new Map());
    await new Promise<void>((done) => fake.#server.listen(0, '127.0.0.1', done));
    fake.url = `http://127.0.0.1:${(fake.#server.address() as AddressInfo).port}`;
    return fake;
  }

  zoneOf(owner: DomainName): Map<string, Rrset> {
    const found = [...this.zones].find(([zone]) => isWithin(owner, zone));
    if (found === undefined) throw new Error(`no zone for ${owner}`);
    return found[1];
  }

  async close(): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((done) => this.#server.close(done));
  }

  async #handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    let body = '';
    for await (const chunk of request) body += String(chunk);
    if (this.#isSilent) return void request.socket.destroy();
    const answer = (status: number, value?: unknown) => {
      response.writeHead(status, { 'content-type': 'application/json' });
      response.end(value === undefined ? undefined : JSON.stringify(value));
    };
    if (request.headers['x-api-key'] !== FakePowerdns.apiKey) {
      answer(401, { error: 'Unauthorized' });
      return;
    }
    const name = /^\/api\/v1\/servers\/localhost\/zones\/([^/?]+)$/.exec(request.url ?? '')?.[1];
    const zone = [...this.zones.keys()].find((one) => one === decodeURIComponent(name ?? ''));
    if (zone === undefined) {
      answer(404, { error: 'Not Found' });
      return;
    }
    const ordered = ({ status, body: text, location }: Extract<Fault, object>) => {
      response.writeHead(status, location === undefined ? {} : { location });
      response.end(text);
    };
    if (request.method === 'GET') {
      const fault = this.readFaults.shift();
      if (fault === undefined) answer(200, this.#show(zone));
      else ordered(fault);
      return;
    }
    const { beforeWrite } = this;
    this.beforeWrite = null;
    await beforeWrite?.();
    const fault = this.faults.shift();
    if (fault === 'lose-before') return void request.socket.destroy();
    if (typeof fault === 'object') {
      ordered(fault);
      return;
    }
    if (this.#isWriting) {
      answer(500, { error: 'Internal Server Error' });
      return;
    }
    this.#isWriting = true;
    // Long enough that a second writer who is already here meets this one.
    await new Promise((resolve) => setTimeout(resolve, 5));
    this.#isWriting = false;
    const error = this.#patch(zone, (JSON.parse(body) as { rrsets: Patch[] }).rrsets);
    this.#isSilent = fault === 'silent-after';
    if (fault !== undefined) return void request.socket.destroy();
    if (error === null) answer(204);
    else answer(422, { error });
  }

  #show(zone: DomainName): unknown {
    const rrsets = [...(this.zones.get(zone)?.values() ?? [])].map((one) => ({
      name: one.owner,
      type: one.type,
      ttl: one.ttl,
      comments: [],
      records: one.rdata.map((content) => ({ content, disabled: false })),
    }));
    return { name: zone, ...this.traits, rrsets };
  }

  #patch(zone: DomainName, patches: readonly Patch[]): string | null {
    const copy = new Map(this.zones.get(zone));
    for (const patch of patches) {
      if (!patch.name.endsWith('.')) return `DNS Name '${patch.name}' is not canonical`;
      const owner = domainNameOf(patch.name);
      if (!isWithin(owner, zone)) return `RRset ${patch.name} IN ${patch.type}: Name is out of zone`;
      const key = `${owner} ${patch.type}`;
      if (patch.changetype === 'DELETE') {
        copy.delete(key);
        continue;
      }
      if (patch.changetype !== 'REPLACE') return 'Changetype not understood';
      if (typeof patch.ttl !== 'number') return "Key 'ttl' not an Integer or not present";
      const contents = (patch.records ?? []).map((one) => one.content);
      const isBad = (one: string) =>
        canonicalRdata(patch.type, one) === null || (patch.type === 'MX' && !one.endsWith('.'));
      const bad = contents.find(isBad);
      if (bad !== undefined) return `Record ${key} '${bad}': Not in expected format`;
      if (new Set(contents).size < contents.length) return 'Duplicate record in RRset';
      if (contents.length === 0) copy.delete(key);
      else copy.set(key, rrsetOf(owner, patch.type, patch.ttl, contents));
    }
    this.zones.set(zone, copy);
    return null;
  }
}
