// The PowerDNS Authoritative Server's HTTP API: one zone read, RRsets patched. Bounded, no redirects, every answer
// checked for its shape. Never prints the key.

import { z } from 'zod';
import { AppError, ProviderError } from '../../errors.ts';
import { displayName, type DomainName } from '../../model/domain-name.ts';
import type { Secret } from '../../model/secret.ts';
import { sanitise } from '../../model/text.ts';

export interface PowerdnsAccess {
  /** Without /api/v1. */
  readonly url: string;
  readonly apiKey: Secret;
  readonly serverId: string;
  readonly timeoutMs: number;
}

const rrset = z.object({
  name: z.string(),
  type: z.string(),
  ttl: z.number().int().min(0),
  records: z.array(z.object({ content: z.string(), disabled: z.boolean().optional() })),
});

const zoneShape = z.object({
  name: z.string(),
  kind: z.string(),
  soa_edit_api: z.string().optional(),
  rrsets: z.array(rrset),
});

export type PowerdnsZone = z.output<typeof zoneShape>;

export interface RrsetPatch {
  readonly name: string;
  readonly type: string;
  readonly changetype: 'REPLACE' | 'DELETE';
  readonly ttl?: number;
  readonly records?: readonly { readonly content: string; readonly disabled: false }[];
}

/** Some 100,000 RRsets; a larger zone should be written through rfc2136, which reads single names. Bytes. */
const maxAnswerBytes = 64 * 1024 * 1024;

/** not-sent: nothing left this machine; lost: no reply tells. */
export type Sent =
  { readonly outcome: 'applied' } | { readonly outcome: 'not-sent' | 'lost'; readonly reason: string };

/** After an abort, how long a write that is out may still be answered; ms. */
const abortGraceMs = 3000;

export class PowerdnsApi {
  readonly #access: PowerdnsAccess;

  constructor(access: PowerdnsAccess) {
    this.#access = access;
  }

  get host(): string {
    return new URL(this.#access.url).host;
  }

  /** Throws ProviderError `zone-unknown`, `provider-credentials`, `provider-unreachable` or `provider-protocol`. */
  async readZone(zone: DomainName, signal: AbortSignal): Promise<PowerdnsZone> {
    const reply = await this.#request(zone, { method: 'GET' }, signal).catch((error: unknown) => {
      throw error instanceof AppError || signal.aborted ? error : this.#unreachable(error);
    });
    if (reply.status !== 200) throw this.#refusal(zone, reply);
    const parsed = zoneShape.safeParse(jsonOf(reply.text));
    if (parsed.success) return parsed.data;
    throw new ProviderError('provider-protocol', `${this.host} answered with something that is not a zone`, {
      hint: 'check that url points at the API of a PowerDNS Authoritative Server',
    });
  }

  /** One transaction: all or nothing. Rejects on abort only as long as nothing was sent: what is out is waited for. */
  async patchRrsets(zone: DomainName, rrsets: readonly RrsetPatch[], signal: AbortSignal): Promise<Sent> {
    signal.throwIfAborted();
    const grace = new AbortController();
    let timer: NodeJS.Timeout | undefined;
    const onAbort = () => {
      timer = setTimeout(() => {
        grace.abort(new Error('interrupted before the reply'));
      }, abortGraceMs);
    };
    signal.addEventListener('abort', onAbort, { once: true });
    let reply: Reply;
    try {
      reply = await this.#request(zone, { method: 'PATCH', body: JSON.stringify({ rrsets }) }, grace.signal);
    } catch (error) {
      return { outcome: isUnsent(error) ? 'not-sent' : 'lost', reason: reasonOf(error) };
    } finally {
      clearTimeout(timer);
      signal.removeEventListener('abort', onAbort);
    }
    if (reply.status === 204 || reply.status === 200) return { outcome: 'applied' };
    // A server error may come after its database has taken the change.
    if (reply.status >= 500) return { outcome: 'lost', reason: `HTTP ${reply.status}` };
    throw this.#refusal(zone, reply);
  }

  async #request(zone: DomainName, init: RequestInit, signal: AbortSignal): Promise<Reply> {
    const { url, apiKey, serverId, timeoutMs } = this.#access;
    const path = `api/v1/servers/${encodeURIComponent(serverId)}/zones/${encodeURIComponent(zone)}`;
    const response = await fetch(new URL(path, url.endsWith('/') ? url : `${url}/`), {
      ...init,
      redirect: 'error',
      headers: { 'x-api-key': apiKey.reveal(), 'content-type': 'application/json' },
      signal: AbortSignal.any([signal, AbortSignal.timeout(timeoutMs)]),
    });
    return { status: response.status, text: await readBounded(response) };
  }

  #unreachable(error: unknown): ProviderError {
    return new ProviderError(
      'provider-unreachable',
      `no answer from the API at ${this.host}: ${reasonOf(error)}`,
      {
        hint: 'check url, and that webserver and api are on and allow this machine (webserver-allow-from)',
        retryable: true,
      },
    );
  }

  #refusal(zone: DomainName, { status, text }: Reply): ProviderError {
    const told = sanitise(errorText(text), 200);
    switch (status) {
      case 401:
      case 403:
        return new ProviderError(
          'provider-credentials',
          `${this.host} does not take the API key (HTTP ${status})`,
          {
            hint: 'check api_key against api-key in the configuration of the server',
          },
        );
      case 404:
        return new ProviderError('zone-unknown', `${this.host} has no zone ${displayName(zone)}`, {
          hint: 'check the zone and server_id; pdnsutil list-all-zones shows what it has',
        });
      case 422:
        return new ProviderError('provider-refused', `${this.host} refused the records: ${told}`, {
          hint: 'nothing was changed; the server checks names, values and TTLs by itself',
        });
      default:
        return new ProviderError('provider-protocol', `${this.host} answered HTTP ${status}: ${told}`, {
          hint: 'see the log of the server',
          retryable: status >= 500,
        });
    }
  }
}

interface Reply {
  readonly status: number;
  readonly text: string;
}

async function readBounded(response: Response): Promise<string> {
  const chunks: Uint8Array[] = [];
  let length = 0;
  const body = (response.body ?? []) as AsyncIterable<Uint8Array> | never[];
  for await (const chunk of body) {
    length += chunk.length;
    if (length > maxAnswerBytes) throw new Error('the answer is longer than 64 MiB');
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString('utf8');
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}

/** The API puts its reason into `error`. */
function errorText(text: string): string {
  const parsed = z.object({ error: z.string() }).safeParse(jsonOf(text));
  return parsed.success ? parsed.data.error : text;
}

/** No connection was made. */
function isUnsent(error: unknown): boolean {
  const cause = error instanceof Error ? error.cause : null;
  const code: unknown = typeof cause === 'object' && cause !== null && 'code' in cause ? cause.code : null;
  return code === 'ECONNREFUSED' || code === 'ENOTFOUND' || code === 'EAI_AGAIN';
}

/** fetch hides the reason of a failed connection in `cause`. */
function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return 'unknown failure';
  if (error.name === 'TimeoutError') return 'no answer in time';
  return sanitise(error.cause instanceof Error ? error.cause.message : error.message, 200);
}
