// The calls we make to Route 53, each one request: the SDK neither retries nor waits for us (its waiter polls no faster
// than every 30 s and repeats AccessDenied until the end). What comes back is checked against the documented shape.
// Making one of these loads the SDK.

import type { Route53Client, Sdk } from './sdk.ts';
import type { z } from 'zod';
import { failureOf } from './failures.ts';
import {
  changeInfo,
  type ListStart,
  type RecordChange,
  type RecordPage,
  recordPage,
  type Submitted,
  type ZoneDetails,
  zoneDetails,
  type ZonePage,
  zonePage,
} from './shapes.ts';
import { type AwsAccess, type Connection, connect } from './connect.ts';

/** Most that one page of record sets holds. */
export const recordsPerPage = 300;
/** Most that one page of hosted zones holds. */
const zonesPerPage = 100;
/** After an abort a write may still be answered: so long its fate is waited for; ms. */
const abortGraceMs = 5000;

export class Route53Api {
  readonly #access: AwsAccess;
  #connecting: Promise<Connection> | null = null;

  constructor(access: AwsAccess) {
    this.#access = access;
    // Loading the SDK takes a tenth of a second: it may begin now. What fails is told by the first call.
    void this.#connect().catch(() => null);
  }

  /** The account the calls are made with, where it can be told without failing; null where not. */
  async readAccount(signal: AbortSignal): Promise<string | null> {
    try {
      return await (await this.#connect()).readAccount(signal);
    } catch {
      return null;
    }
  }

  /** Zones in order from `start` on: Route 53 takes it as a position and not as a filter. */
  listZones(start: { name: string; id: string | null }, signal: AbortSignal): Promise<ZonePage> {
    return this.#read('route53:ListHostedZonesByName', zonePage, signal, (sdk, client, options) =>
      client.send(
        new sdk.ListHostedZonesByNameCommand({
          DNSName: start.name,
          ...(start.id === null ? {} : { HostedZoneId: start.id }),
          MaxItems: zonesPerPage,
        }),
        options,
      ),
    );
  }

  readZone(zoneId: string, signal: AbortSignal): Promise<ZoneDetails> {
    return this.#read('route53:GetHostedZone', zoneDetails, signal, (sdk, client, options) =>
      client.send(new sdk.GetHostedZoneCommand({ Id: zoneId }), options),
    );
  }

  listRecords(zoneId: string, start: ListStart, maxItems: number, signal: AbortSignal): Promise<RecordPage> {
    return this.#read('route53:ListResourceRecordSets', recordPage, signal, (sdk, client, options) =>
      client.send(
        new sdk.ListResourceRecordSetsCommand({
          HostedZoneId: zoneId,
          StartRecordName: start.name,
          ...(start.type === null ? {} : { StartRecordType: start.type as 'MX' }),
          ...(start.identifier === null ? {} : { StartRecordIdentifier: start.identifier }),
          MaxItems: maxItems,
        }),
        options,
      ),
    );
  }

  readChange(changeId: string, signal: AbortSignal): Promise<Submitted> {
    return this.#read('route53:GetChange', changeInfo, signal, (sdk, client, options) =>
      client.send(new sdk.GetChangeCommand({ Id: changeId }), options),
    );
  }

  /** All or nothing. After it was sent an abort no longer rejects: the answer says what became of it. */
  async submit(
    zoneId: string,
    changes: readonly RecordChange[],
    comment: string,
    signal: AbortSignal,
  ): Promise<Submitted> {
    const { sdk, client } = await this.#ready('route53:ChangeResourceRecordSets', signal);
    const command = new sdk.ChangeResourceRecordSetsCommand({
      HostedZoneId: zoneId,
      ChangeBatch: {
        Comment: comment,
        Changes: changes.map(({ action, set }) => ({
          Action: action,
          ResourceRecordSet: {
            Name: set.name,
            Type: set.type as 'MX',
            TTL: set.ttl,
            ResourceRecords: set.values.map((Value) => ({ Value })),
          },
        })),
      },
    });
    const limit = new AbortController();
    const end = () => {
      limit.abort();
    };
    let timer = setTimeout(end, this.#access.timeoutMs);
    const onAbort = () => {
      clearTimeout(timer);
      timer = setTimeout(end, Math.min(abortGraceMs, this.#access.timeoutMs));
    };
    signal.addEventListener('abort', onAbort, { once: true });
    try {
      const answer = await client.send(command, { abortSignal: limit.signal });
      return shaped(changeInfo, answer, 'route53:ChangeResourceRecordSets');
    } catch (error) {
      throw failureOf('route53:ChangeResourceRecordSets', error);
    } finally {
      clearTimeout(timer);
      signal.removeEventListener('abort', onAbort);
    }
  }

  async close(): Promise<void> {
    const connecting = this.#connecting;
    this.#connecting = null;
    if (connecting !== null) (await connecting.catch(() => null))?.close();
  }

  async #read<T>(
    action: string,
    shape: z.ZodType<T>,
    signal: AbortSignal,
    send: (sdk: Sdk, client: Route53Client, options: { abortSignal: AbortSignal }) => Promise<unknown>,
  ): Promise<T> {
    const { sdk, client } = await this.#ready(action, signal);
    const limit = AbortSignal.any([signal, AbortSignal.timeout(this.#access.timeoutMs)]);
    try {
      return shaped(shape, await send(sdk, client, { abortSignal: limit }), action);
    } catch (error) {
      signal.throwIfAborted();
      throw failureOf(action, error);
    }
  }

  async #ready(action: string, signal: AbortSignal): Promise<Connection> {
    signal.throwIfAborted();
    try {
      const connection = await this.#connect();
      signal.throwIfAborted();
      return connection;
    } catch (error) {
      signal.throwIfAborted();
      throw failureOf(action, error);
    }
  }

  #connect(): Promise<Connection> {
    this.#connecting ??= connect(this.#access);
    return this.#connecting;
  }
}

/** Throws an error that counts as a lost answer: what was asked may have been done. */
function shaped<T>(shape: z.ZodType<T>, answer: unknown, action: string): T {
  const parsed = shape.safeParse(answer);
  if (parsed.success) return parsed.data;
  const at = parsed.error.issues[0]?.path.join('.') ?? '';
  throw new Error(`the answer to ${action} is not as documented (${at})`);
}
