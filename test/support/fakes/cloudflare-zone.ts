// The records of one zone as Cloudflare keeps them, and what it refuses: ids, TTL rules, identical records, CNAMEs beside
// others, the lock of Email Routing. A batch works on a copy, in the documented order, and all of it or nothing counts.

import { isIPv4, isIPv6 } from 'node:net';
import { randomBytes } from 'node:crypto';

import { isHostName, parseDomainName } from '../../../src/model/domain-name.ts';

export interface FakeRecord {
  readonly id: string;
  readonly name: string;
  readonly type: string;
  readonly content: string;
  readonly priority?: number;
  readonly ttl: number;
  readonly proxiable: boolean;
  readonly proxied: boolean;
  readonly comment: string | null;
  readonly tags: readonly string[];
  readonly settings: object;
  readonly meta: { readonly email_routing?: boolean; readonly read_only?: boolean };
  readonly created_on: string;
  readonly modified_on: string;
}

/** An error of the API, on its way to the wire. */
export class ApiFault extends Error {
  readonly status: number;
  readonly code: number;

  constructor(status: number, code: number, message: string) {
    super(message);
    this.status = status;
    this.code = code;
  }
}

export interface FakeZoneOptions {
  readonly name: string;
  readonly account?: { readonly id: string; readonly name: string };
  readonly status?: 'initializing' | 'pending' | 'active' | 'moved';
  readonly type?: 'full' | 'partial' | 'secondary' | 'internal';
  readonly plan?: 'free' | 'enterprise';
}

const fakeAccount = { id: 'a'.repeat(32), name: "Ada's Account" };

const newId = () => randomBytes(16).toString('hex');

const fields = ['name', 'type', 'content', 'priority', 'ttl', 'proxied', 'comment', 'tags', 'settings'];

type Body = Readonly<Record<string, unknown>>;

export class FakeZone {
  readonly id = newId();
  readonly name: string;
  readonly account: { readonly id: string; readonly name: string };
  readonly status: string;
  readonly type: string;
  readonly plan: 'free' | 'enterprise';
  /** "This zone is managed by Email Routing." */
  isEmailRouted = false;
  records = new Map<string, FakeRecord>();
  /** Ids by name, within a batch. */
  #names = new Map<string, Set<string>>();
  #edits = 0;

  constructor(options: FakeZoneOptions) {
    this.name = options.name;
    this.account = options.account ?? fakeAccount;
    this.status = options.status ?? 'active';
    this.type = options.type ?? 'full';
    this.plan = options.plan ?? 'free';
  }

  get maxOperations(): number {
    return this.plan === 'free' ? 200 : 3500;
  }

  toJSON() {
    const { id, name, status, type, account } = this;
    return { id, name, status, type, account, paused: false, name_servers: ['ada.ns.cloudflare.com'] };
  }

  /** A record of the user's, however it came there. */
  add(record: Partial<FakeRecord> & Pick<FakeRecord, 'name' | 'type' | 'content' | 'ttl'>): FakeRecord {
    const at = this.#now();
    const whole: FakeRecord = {
      id: newId(),
      proxiable: ['A', 'AAAA', 'CNAME'].includes(record.type),
      proxied: false,
      comment: null,
      tags: [],
      settings: {},
      meta: {},
      created_on: at,
      modified_on: at,
      ...record,
    };
    this.records.set(whole.id, whole);
    this.#index(whole);
    return whole;
  }

  batch(body: Body) {
    const unknown = Object.keys(body).filter((key) => !['deletes', 'patches', 'puts', 'posts'].includes(key));
    if (unknown.length > 0) throw new ApiFault(400, 1004, `unknown keys: ${unknown.join(', ')}`);
    const list = (key: string): Body[] => {
      const items = body[key] ?? [];
      if (!Array.isArray(items)) throw new ApiFault(400, 1004, `${key} is no list`);
      return items as Body[];
    };
    const count = ['deletes', 'patches', 'puts', 'posts'].reduce((sum, key) => sum + list(key).length, 0);
    if (count === 0) throw new ApiFault(400, 1004, 'the batch is empty');
    if (count > this.maxOperations)
      throw new ApiFault(400, 1004, `more than ${this.maxOperations} operations`);
    const before = this.records;
    this.records = new Map(before);
    this.#names = new Map();
    for (const record of before.values()) this.#index(record);
    try {
      return {
        deletes: list('deletes').map((one) => this.#delete(one)),
        patches: list('patches').map((one) => this.#change(one, false)),
        puts: list('puts').map((one) => this.#change(one, true)),
        posts: list('posts').map((one) => this.#post(one)),
      };
    } catch (fault) {
      this.records = before;
      throw fault;
    }
  }

  #delete(body: Body): FakeRecord {
    const record = this.#known(body);
    if (Object.keys(body).length > 1) throw new ApiFault(400, 1004, 'a delete takes an id and nothing else');
    this.records.delete(record.id);
    return record;
  }

  #change(body: Body, isWhole: boolean): FakeRecord {
    const record = this.#known(body);
    const { id, ...given } = body;
    if ((given['type'] ?? record.type) !== record.type)
      throw new ApiFault(400, 1004, 'the type of a record cannot be changed');
    const base = isWhole ? { name: record.name, type: record.type } : { ...pick(record), ...given };
    const parsed = this.#parsed(isWhole ? { ...base, ...given } : base);
    const changed = {
      ...record,
      ...(isWhole ? { comment: null, tags: [] } : {}),
      ...parsed,
      modified_on: this.#now(),
    };
    this.#checkSiblings(changed, String(id));
    this.records.set(record.id, changed);
    this.#index(changed);
    return changed;
  }

  #post(body: Body): FakeRecord {
    const parsed = this.#parsed(body);
    this.#checkSiblings(parsed, null);
    return this.add(parsed);
  }

  #known({ id }: Body): FakeRecord {
    const record = typeof id === 'string' ? this.records.get(id) : undefined;
    if (record === undefined) throw new ApiFault(400, 81_044, 'Record does not exist.');
    this.#checkLock(record.type);
    if (record.meta.read_only === true) throw new ApiFault(400, 1046, emailRoutingText);
    return record;
  }

  #checkLock(type: string): void {
    if (this.isEmailRouted && type === 'MX') throw new ApiFault(400, 890_190, emailRoutingText);
  }

  #parsed(body: Body): Pick<FakeRecord, 'name' | 'type' | 'content' | 'ttl'> & Partial<FakeRecord> {
    const odd = Object.keys(body).filter((key) => !fields.includes(key));
    if (odd.length > 0) throw new ApiFault(400, 1004, `unknown fields: ${odd.join(', ')}`);
    const { type, content, ttl, priority, proxied } = body;
    const name = this.#nameOf(body['name']);
    if (typeof type !== 'string' || typeof content !== 'string')
      throw new ApiFault(400, 1004, 'DNS Validation Error');
    this.#checkLock(type);
    const least = this.plan === 'enterprise' ? 30 : 60;
    if (typeof ttl !== 'number' || !Number.isInteger(ttl) || (ttl !== 1 && (ttl < least || ttl > 86_400)))
      throw new ApiFault(
        400,
        9021,
        `Invalid TTL. Must be between ${least} and 86400 seconds, or 1 for Automatic.`,
      );
    checkContent(type, content, priority);
    if (proxied === true && !['A', 'AAAA', 'CNAME'].includes(type))
      throw new ApiFault(400, 9004, 'This record type cannot be proxied.');
    return {
      name,
      type,
      // Seen 2026-11: a trailing dot is dropped, names are lower-cased.
      content: ['MX', 'CNAME', 'NS'].includes(type) && content !== '.' ? lower(content) : content,
      ttl,
      ...(type === 'MX' ? { priority: Number(priority) } : {}),
      ...(proxied === undefined ? {} : { proxied: proxied === true }),
      ...('comment' in body ? { comment: String(body['comment']) } : {}),
    };
  }

  /** A name that is not in the zone is taken as relative to it: the real one makes `a.example.com.other.example`. */
  #nameOf(given: unknown): string {
    const parsed = typeof given === 'string' ? parseDomainName(given) : null;
    if (parsed?.ok !== true) throw new ApiFault(400, 9000, 'DNS name is invalid.');
    const name = parsed.name.slice(0, -1);
    return name === this.name || name.endsWith(`.${this.name}`) ? name : `${name}.${this.name}`;
  }

  #index({ name, id }: FakeRecord): void {
    this.#names.set(name, (this.#names.get(name) ?? new Set()).add(id));
  }

  #checkSiblings(
    record: Pick<FakeRecord, 'name' | 'type' | 'content' | 'priority'>,
    id: string | null,
  ): void {
    const siblings = [...(this.#names.get(record.name) ?? [])].flatMap((one) =>
      one === id ? [] : (this.records.get(one) ?? []),
    );
    const isSame = (one: FakeRecord) =>
      one.type === record.type && one.content === record.content && one.priority === record.priority;
    if (siblings.some(isSame)) throw new ApiFault(400, 81_058, 'An identical record already exists.');
    if (siblings.some((one) => one.type === 'CNAME'))
      throw new ApiFault(400, 81_054, 'A CNAME record with that host already exists.');
    if (record.type === 'CNAME' && siblings.length > 0)
      throw new ApiFault(400, 81_053, 'An A, AAAA, or CNAME record with that host already exists.');
  }

  #now(): string {
    return new Date(Date.UTC(2026, 10, 22, 3) + this.#edits++).toISOString();
  }
}

const emailRoutingText =
  'This zone is managed by Email Routing. Disable Email Routing to add/modify MX records.';

const lower = (content: string) => content.replace(/\.$/, '').toLowerCase();

function pick(record: FakeRecord): Body {
  const { name, type, content, priority, ttl } = record;
  return { name, type, content, ttl, ...(priority === undefined ? {} : { priority }) };
}

function checkContent(type: string, content: string, priority: unknown): void {
  switch (type) {
    case 'A':
      if (!isIPv4(content))
        throw new ApiFault(400, 9005, 'Content for A record must be a valid IPv4 address.');
      return;
    case 'AAAA':
      if (!isIPv6(content))
        throw new ApiFault(400, 9006, 'Content for AAAA record must be a valid IPv6 address.');
      return;
    case 'MX': {
      const isGood =
        typeof priority === 'number' && Number.isInteger(priority) && priority >= 0 && priority <= 65_535;
      if (!isGood) throw new ApiFault(400, 9100, 'priority is a required field.');
      if (content === '.' && priority === 0) return;
      const parsed = parseDomainName(content);
      if (!parsed.ok || content === '.' || isIPv4(content) || !isHostName(parsed.name))
        throw new ApiFault(400, 9009, 'Content for MX record must be a hostname.');
      return;
    }
    case 'TXT':
    case 'CNAME':
      return;
    default:
      throw new ApiFault(400, 9004, `this fake makes no ${type} records`);
  }
}
