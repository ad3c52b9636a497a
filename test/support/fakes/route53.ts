// Amazon Route 53 (2013-04-01) and the two calls of STS that go with it, as an HTTP server on loopback: REST-XML with its
// namespace, error bodies, statuses and codes; signatures checked; requests checked against the published shape. What it
// shall do wrong is ordered by the test.

import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

import { type AwsKey, checkSignature } from './aws-signature.ts';
import { type Content, type Element, formatXml, parseXml } from './aws-xml.ts';
import { type FakeChange, type FakeSet, FakeZone, normalName, sortKey } from './route53-zone.ts';

const namespace = 'https://route53.amazonaws.com/doc/2013-04-01/';
const stsNamespace = 'https://sts.amazonaws.com/doc/2011-06-15/';

/** lose-*: the connection ends without an answer. applied-*: it is done first. */
export type ChangeFault =
  | 'throttle'
  | 'prior'
  | 'lose-before'
  | 'lose-after'
  | 'then-gone'
  | 'http-500'
  | 'applied-http-500'
  | 'odd-400'
  | 'applied-odd-400'
  | 'applied-garbage'
  | 'applied-empty'
  | 'undocumented';

interface Refusal {
  readonly status: number;
  readonly code: string;
  readonly message: string;
}

type Answer = { readonly body: string; readonly status: number } | 'lose';

export const fakeKey: AwsKey = {
  id: 'AKIDEXAMPLE',
  secret: 'wJalrXUtnFEMI/K7MDENG',
  arn: 'arn:aws:iam::123456789012:user/ops',
};

export class FakeRoute53 {
  readonly zones: FakeZone[] = [];
  readonly keys = new Map<string, AwsKey>([[fakeKey.id, fakeKey]]);
  /** e.g. `ListResourceRecordSets example.com. MX`. */
  readonly log: string[] = [];
  /** Runs when a request has arrived. */
  onRequest: (() => void) | null = null;
  /** Comments of the batches taken. */
  readonly comments: string[] = [];
  /** For the next changes, one each. */
  readonly faults: ChangeFault[] = [];
  /** For the next calls that read, one each. */
  readonly readFaults: ('throttle' | 'http-500' | 'lose' | 'undocumented' | 'garbage')[] = [];
  /** Actions that the caller may not do. */
  readonly denied = new Set<string>();
  /** Runs when a change has arrived and is not yet judged. */
  beforeChange: (() => void) | null = null;
  /** Most on one page, less than the real 300 to make a small test turn pages. */
  pageSize = 300;
  zonesPerPage = 100;
  /** How often GetChange says PENDING. */
  pendingLooks = 1;
  /** Without an ErrorResponse around it, as some answers of the real one are. */
  isBareBatchError = false;
  clockOffsetMs = 0;
  isGone = false;
  /** Largest batch seen. */
  largest = { elements: 0, characters: 0 };
  readonly #changes = new Map<string, { looks: number }>();
  readonly #busy = new Set<string>();
  readonly #server: Server;
  #requests = 0;

  constructor() {
    this.#server = createServer((request, response) => void this.#serve(request, response));
  }

  /** The endpoint. */
  async listen(): Promise<string> {
    await new Promise<void>((resolve) => this.#server.listen(0, '127.0.0.1', resolve));
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  async close(): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  addZone(
    name: string,
    options: { id?: string; nameServers?: string[]; isPrivate?: boolean } = {},
  ): FakeZone {
    const id = options.id ?? `Z${String(this.zones.length).padStart(4, '0')}FAKE`;
    const nameServers = options.nameServers ?? [
      `ns-1.awsdns-${this.zones.length}.org`,
      `ns-2.awsdns-${this.zones.length}.com`,
    ];
    const zone = new FakeZone(id, name, nameServers, options.isPrivate);
    this.zones.push(zone);
    return zone;
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    const body = Buffer.concat(chunks).toString('utf8');
    const answer = this.isGone ? 'lose' : await this.#answer(request, body);
    if (answer === 'lose') {
      request.socket.destroy();
      return;
    }
    response.writeHead(answer.status, {
      'content-type': 'text/xml',
      'x-amzn-requestid': this.#requestId(),
      date: new Date(Date.now() + this.clockOffsetMs).toUTCString(),
    });
    response.end(answer.body);
  }

  async #answer(request: IncomingMessage, body: string): Promise<Answer> {
    this.#requests++;
    this.onRequest?.();
    const { method = '', url = '' } = request;
    const verdict = checkSignature(
      { method, url, headers: request.headers, body },
      this.keys,
      Date.now() + this.clockOffsetMs,
    );
    const isSts = method === 'POST' && url === '/';
    if (!verdict.ok) return this.#refuse({ status: 403, ...verdict }, isSts);
    try {
      return isSts
        ? this.#sts(new URLSearchParams(body), verdict.key)
        : await this.#route(method, url, body, verdict.key);
    } catch (error) {
      if (!(error instanceof Refused)) throw error;
      return this.#refuse(error.refusal, isSts);
    }
  }

  async #route(method: string, url: string, body: string, key: AwsKey): Promise<Answer> {
    const { pathname, searchParams: query } = new URL(url, 'http://fake');
    const [, version, kind, id = '', tail, ...rest] = pathname.split('/');
    if (version !== '2013-04-01' || rest.length > 0) throw notFound(pathname);
    if (method === 'POST' && kind === 'hostedzone' && tail === 'rrset') return this.#change(id, body, key);
    if (method !== 'GET') throw notFound(pathname);
    const fault = this.readFaults.shift();
    if (fault === 'lose') return 'lose';
    if (fault === 'garbage') return { status: 200, body: 'no XML at all' };
    if (fault === 'undocumented') return { status: 200, body: '<html><body>login</body></html>' };
    if (fault === 'http-500') throw new Refused(500, 'InternalFailure', 'We encountered an internal error.');
    if (fault === 'throttle') throw new Refused(400, 'Throttling', 'Rate exceeded');
    if (kind === 'hostedzonesbyname' && id === '') return this.#listZones(query, key);
    if (kind === 'change' && tail === undefined) return this.#getChange(id, key);
    if (kind === 'hostedzone' && tail === undefined) return this.#getZone(id, key);
    if (kind === 'hostedzone' && tail === 'rrset') return this.#listSets(id, query, key);
    throw notFound(pathname);
  }

  #listZones(query: URLSearchParams, key: AwsKey): Answer {
    this.#enter('ListHostedZonesByName', query.get('dnsname') ?? '', key, '*');
    checkQuery(query, ['dnsname', 'hostedzoneid', 'maxitems']);
    const start = sortKey(normalName(query.get('dnsname') ?? '.'));
    const startId = query.get('hostedzoneid') ?? '';
    const all = this.zones
      .map((zone) => ({ zone, at: [sortKey(zone.name), zone.id] as const }))
      .sort((a, b) => (`${a.at[0]} ${a.at[1]}` < `${b.at[0]} ${b.at[1]}` ? -1 : 1))
      .filter(({ at }) => at[0] > start || (at[0] === start && at[1] >= startId))
      .map(({ zone }) => zone);
    const size = Math.min(Number(query.get('maxitems') ?? 100), this.zonesPerPage);
    const next = all[size];
    return xml('ListHostedZonesByNameResponse', [
      ['HostedZones', all.slice(0, size).map((zone) => ['HostedZone', zoneContent(zone)])],
      ['DNSName', query.get('dnsname') ?? ''],
      ['IsTruncated', next !== undefined],
      ...(next === undefined
        ? []
        : ([
            ['NextDNSName', next.name],
            ['NextHostedZoneId', next.id],
          ] as [string, Content][])),
      ['MaxItems', size],
    ]);
  }

  #getZone(id: string, key: AwsKey): Answer {
    const zone = this.#zone(id, 'GetHostedZone', key);
    return xml('GetHostedZoneResponse', [
      ['HostedZone', zoneContent(zone)],
      ...(zone.isPrivate
        ? []
        : ([['DelegationSet', [['NameServers', zone.nameServers.map((one) => ['NameServer', one])]]]] as [
            string,
            Content,
          ][])),
    ]);
  }

  #getChange(id: string, key: AwsKey): Answer {
    this.#enter('GetChange', id, key, `arn:aws:route53:::change/${id}`);
    const change = this.#changes.get(id);
    if (change === undefined) throw new Refused(404, 'NoSuchChange', `A change with id ${id} does not exist`);
    change.looks++;
    return xml('GetChangeResponse', [['ChangeInfo', changeContent(id, change.looks > this.pendingLooks)]]);
  }

  #listSets(id: string, query: URLSearchParams, key: AwsKey): Answer {
    const [name, type, identifier] = [query.get('name'), query.get('type'), query.get('identifier')];
    const zone = this.#zone(id, 'ListResourceRecordSets', key, `${name ?? ''} ${type ?? ''}`.trim());
    checkQuery(query, ['name', 'type', 'identifier', 'maxitems']);
    if ((type !== null && name === null) || (identifier !== null && type === null))
      throw new Refused(400, 'InvalidInput', 'The type and identifier need what goes before them');
    const size = Math.min(Number(query.get('maxitems') ?? 300), this.pageSize, 300);
    const all = zone.list(name ?? zone.name, type ?? '', identifier ?? '', size + 1);
    const next = all[size];
    return xml('ListResourceRecordSetsResponse', [
      ['ResourceRecordSets', all.slice(0, size).map((set) => ['ResourceRecordSet', setContent(set)])],
      ['IsTruncated', next !== undefined],
      ...(next === undefined
        ? []
        : ([
            ['NextRecordName', next.name],
            ['NextRecordType', next.type],
            ...(next.setIdentifier === undefined ? [] : [['NextRecordIdentifier', next.setIdentifier]]),
          ] as [string, Content][])),
      ['MaxItems', size],
    ]);
  }

  async #change(id: string, body: string, key: AwsKey): Promise<Answer> {
    const { comment, changes } = batchIn(body);
    const zone = this.#zone(id, 'ChangeResourceRecordSets', key, String(changes.length));
    const fault = this.faults.shift();
    if (fault === 'throttle') throw new Refused(400, 'Throttling', 'Rate exceeded');
    if (fault === 'prior' || this.#busy.has(id))
      throw new Refused(
        400,
        'PriorRequestNotComplete',
        'The request was rejected because Route 53 was still processing a prior request.',
      );
    if (fault === 'lose-before') {
      this.beforeChange?.();
      return 'lose';
    }
    if (fault === 'http-500') throw new Refused(500, 'InternalFailure', 'We encountered an internal error.');
    if (fault === 'odd-400') throw new Refused(400, 'SomethingNew', 'This was never documented');
    this.#busy.add(id);
    try {
      // A second request for the zone that is already here must meet this one.
      await new Promise((resolve) => setImmediate(resolve));
      this.beforeChange?.();
      return this.#apply(zone, comment, changes, fault);
    } finally {
      this.#busy.delete(id);
    }
  }

  #apply(zone: FakeZone, comment: string, changes: FakeChange[], fault: ChangeFault | undefined): Answer {
    const values = changes.flatMap(({ set }) => set.values ?? []);
    this.largest = {
      elements: Math.max(this.largest.elements, values.length),
      characters: Math.max(this.largest.characters, values.join('').length),
    };
    const faults = zone.apply(changes);
    if (faults.length > 0) {
      if (this.isBareBatchError)
        return {
          status: 400,
          body: document('InvalidChangeBatch', [
            ['Messages', faults.map((one) => ['Message', one])],
            ['RequestId', this.#requestId()],
          ]),
        };
      throw new Refused(400, 'InvalidChangeBatch', `[${faults.join(', ')}]`);
    }
    this.comments.push(comment);
    const changeId = `C${String(this.#changes.size + 1).padStart(12, '0')}`;
    this.#changes.set(changeId, { looks: 0 });
    switch (fault) {
      case 'then-gone':
        this.isGone = true;
        return 'lose';
      case 'lose-after':
        return 'lose';
      case 'applied-http-500':
        throw new Refused(500, 'InternalFailure', 'We encountered an internal error.');
      case 'applied-odd-400':
        throw new Refused(400, 'SomethingNew', 'This was never documented');
      case 'applied-garbage':
        return { status: 200, body: 'no XML at all' };
      case 'applied-empty':
        return { status: 200, body: '' };
      case 'undocumented':
        return {
          status: 200,
          body: document('ChangeResourceRecordSetsResponse', [['ChangeInfo', [['Id', 'x y']]]]),
        };
      default:
        return xml('ChangeResourceRecordSetsResponse', [['ChangeInfo', changeContent(changeId, false)]]);
    }
  }

  #sts(form: URLSearchParams, key: AwsKey): Answer {
    const action = form.get('Action') ?? '';
    this.log.push(`sts:${action}`);
    const account = key.arn.split(':')[4] ?? '';
    if (this.denied.has(`sts:${action}`))
      throw new Refused(
        403,
        'AccessDenied',
        `User: ${key.arn} is not authorized to perform: sts:${action} on resource: ${form.get('RoleArn') ?? '*'}`,
      );
    if (action === 'GetCallerIdentity')
      return sts(action, [
        ['Arn', key.arn],
        ['UserId', 'AIDA'],
        ['Account', account],
      ]);
    if (action !== 'AssumeRole')
      throw new Refused(400, 'InvalidAction', `Could not find operation ${action}`);
    const role = form.get('RoleArn') ?? '';
    const assumed: AwsKey = {
      id: `ASIA${this.keys.size}`,
      secret: 'temporary',
      token: `session ${form.get('ExternalId') ?? 'without external id'}`,
      arn:
        role.replace(':iam:', ':sts:').replace(':role/', ':assumed-role/') +
        `/${form.get('RoleSessionName') ?? ''}`,
    };
    this.keys.set(assumed.id, assumed);
    return sts(action, [
      [
        'AssumedRoleUser',
        [
          ['Arn', assumed.arn],
          ['AssumedRoleId', 'AROA:mxctl'],
        ],
      ],
      [
        'Credentials',
        [
          ['AccessKeyId', assumed.id],
          ['SecretAccessKey', assumed.secret],
          ['SessionToken', assumed.token ?? ''],
          ['Expiration', new Date(Date.now() + 3_600_000).toISOString()],
        ],
      ],
    ]);
  }

  #zone(id: string, action: string, key: AwsKey, detail = ''): FakeZone {
    const zone = this.zones.find((one) => one.id === id);
    this.#enter(action, `${zone?.name ?? id} ${detail}`.trim(), key, `arn:aws:route53:::hostedzone/${id}`);
    if (zone === undefined) throw new Refused(404, 'NoSuchHostedZone', `No hosted zone found with ID: ${id}`);
    return zone;
  }

  #enter(action: string, detail: string, key: AwsKey, resource: string): void {
    this.log.push(`${action} ${detail}`);
    if (this.denied.has(`route53:${action}`))
      throw new Refused(
        403,
        'AccessDenied',
        `User: ${key.arn} is not authorized to perform: route53:${action} on resource: ${resource} because no identity-based policy allows the route53:${action} action`,
      );
  }

  #requestId(): string {
    return `b25f48e8-84fd-11e6-80d9-${String(this.#requests).padStart(12, '0')}`;
  }

  #refuse({ status, code, message }: Refusal, isSts: boolean): Answer {
    const error: [string, Content][] = [
      ['Type', status < 500 ? 'Sender' : 'Receiver'],
      ['Code', code],
      ['Message', message],
    ];
    const content: [string, Content][] = [
      ['Error', error],
      ['RequestId', this.#requestId()],
    ];
    return { status, body: document('ErrorResponse', content, isSts ? stsNamespace : namespace) };
  }
}

class Refused extends Error {
  readonly refusal: Refusal;
  constructor(status: number, code: string, message: string) {
    super(message);
    this.refusal = { status, code, message };
  }
}

function notFound(path: string): Refused {
  return new Refused(
    404,
    'UnknownOperationException',
    `Unable to determine service/operation name to be authorized: ${path}`,
  );
}

function document(name: string, content: Content, of = namespace): string {
  return `<?xml version="1.0"?>\n${formatXml(name, content, of)}`;
}

function xml(name: string, content: Content): Answer {
  return { status: 200, body: document(name, content) };
}

function sts(action: string, result: Content): Answer {
  return {
    status: 200,
    body: document(
      `${action}Response`,
      [
        [`${action}Result`, result],
        ['ResponseMetadata', [['RequestId', 'x']]],
      ],
      stsNamespace,
    ),
  };
}

function zoneContent(zone: FakeZone): Content {
  return [
    ['Id', `/hostedzone/${zone.id}`],
    ['Name', zone.name],
    ['CallerReference', zone.id],
    ['Config', [['PrivateZone', zone.isPrivate]]],
    ['ResourceRecordSetCount', zone.sets.length],
  ];
}

function changeContent(id: string, isInSync: boolean): Content {
  return [
    ['Id', `/change/${id}`],
    ['Status', isInSync ? 'INSYNC' : 'PENDING'],
    ['SubmittedAt', '2026-11-22T03:12:31.000Z'],
  ];
}

function setContent(set: FakeSet): Content {
  const optional = (name: string, content: Content | undefined): [string, Content][] =>
    content === undefined ? [] : [[name, content]];
  return [
    ['Name', set.name],
    ['Type', set.type],
    ...optional('SetIdentifier', set.setIdentifier),
    ...optional('Weight', set.setIdentifier === undefined ? undefined : 10),
    ...optional('TTL', set.ttl),
    ...optional(
      'ResourceRecords',
      set.values?.map((value) => ['ResourceRecord', [['Value', value]]]),
    ),
    ...optional(
      'AliasTarget',
      set.aliasTo === undefined
        ? undefined
        : [
            ['HostedZoneId', 'Z0'],
            ['DNSName', set.aliasTo],
            ['EvaluateTargetHealth', false],
          ],
    ),
    ...optional('HealthCheckId', set.healthCheckId),
    ...optional('TrafficPolicyInstanceId', set.trafficPolicyInstanceId),
  ];
}

function checkQuery(query: URLSearchParams, known: readonly string[]): void {
  for (const name of query.keys())
    if (!known.includes(name)) throw new Refused(400, 'InvalidInput', `unknown parameter ${name}`);
}

/** The request against its published shape: elements, their order, their number. */
function batchIn(body: string): { comment: string; changes: FakeChange[] } {
  const invalid = (why: string) => new Refused(400, 'InvalidInput', `Invalid XML ; ${why}`);
  let root: Element;
  try {
    root = parseXml(body);
  } catch (error) {
    throw invalid((error as Error).message);
  }
  if (root.name !== 'ChangeResourceRecordSetsRequest' || root.attributes !== `xmlns="${namespace}"`)
    throw invalid(`<${root.name} ${root.attributes}>`);
  const children = (element: Element, ...allowed: string[]) => {
    const order = element.children.map((one) => allowed.indexOf(one.name));
    if (order.includes(-1) || order.some((at, index) => index > 0 && at <= order[index - 1]!))
      throw invalid(`in ${element.name}: ${element.children.map((one) => one.name).join(' ')}`);
    return (name: string) => element.children.find((one) => one.name === name);
  };
  const batch = children(root, 'ChangeBatch')('ChangeBatch');
  if (batch === undefined) throw invalid('no ChangeBatch');
  const inBatch = children(batch, 'Changes', 'Comment');
  const comment = inBatch('Comment')?.text ?? '';
  if (comment.length > 256) throw invalid('Comment is longer than 256');
  const changes = (inBatch('Changes')?.children ?? []).map((change): FakeChange => {
    const inChange = children(change, 'Action', 'ResourceRecordSet');
    const action = inChange('Action')?.text ?? '';
    const given = inChange('ResourceRecordSet');
    if (!['CREATE', 'DELETE', 'UPSERT'].includes(action) || given === undefined)
      throw invalid(`Action ${action}`);
    const inSet = children(given, 'Name', 'Type', 'SetIdentifier', 'TTL', 'ResourceRecords');
    const text = (name: string) => inSet(name)?.text;
    const values = inSet('ResourceRecords')?.children.map((one) => {
      const [value, ...more] = one.children;
      if (one.name !== 'ResourceRecord' || value?.name !== 'Value' || more.length > 0)
        throw invalid('ResourceRecord');
      return value.text;
    });
    const ttl = text('TTL');
    const identifier = text('SetIdentifier');
    return {
      action,
      set: {
        name: text('Name') ?? '',
        type: text('Type') ?? '',
        ...(ttl === undefined ? {} : { ttl: Number(ttl) }),
        ...(values === undefined ? {} : { values }),
        ...(identifier === undefined ? {} : { setIdentifier: identifier }),
      },
    };
  });
  if (changes.length === 0) throw invalid('no Change');
  return { comment, changes };
}
