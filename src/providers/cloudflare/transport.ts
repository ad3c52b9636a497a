// One HTTP exchange under Cloudflare's client: bounded in time and size, never redirected, and what failed is told
// apart by whether the request may have got there. The client's own retries are off: it repeats a batch too, which
// would do twice what is not to be done twice.

import { APIError, BaseRecords, BaseZones, createClient } from './sdk.ts';

/** No answer: `not-sent` = nothing left this machine; `lost` = who knows. */
export class NoAnswer extends Error {
  readonly kind: 'not-sent' | 'lost';
  readonly reason: string;

  constructor(kind: NoAnswer['kind'], reason: string) {
    super(reason);
    this.kind = kind;
    this.reason = reason;
  }
}

export interface Answer {
  readonly status: number;
  /** Parsed JSON; undefined where it was none. */
  readonly body: unknown;
  /** `retry-after` in ms; null where there was none. */
  readonly retryAfterMs: number | null;
}

/** A page of 1,000 records is half a MiB; a batch of 3,500 operations answers with 2 MiB. Bytes. */
const maxAnswerBytes = 16 * 1024 * 1024;

/** The answers' shapes are those of this day, whatever the API's newest is. */
const apiVersion = '2026-11-01';

/** Texts of answers, beside the Response that the client hands on: a page is read once, not copied through a stream. */
const texts = new WeakMap<Response, string>();

export type Client = ReturnType<typeof openClient>;

export function openClient(options: {
  readonly token: string;
  /** With the version's path. */
  readonly url: string;
  readonly timeoutMs: number;
}) {
  return createClient({
    resources: [BaseRecords, BaseZones],
    apiToken: options.token,
    // The environment must not add a second credential, another host, or a log of headers.
    apiKey: null,
    apiEmail: null,
    userServiceKey: null,
    baseURL: options.url,
    logLevel: 'off',
    apiVersion,
    maxRetries: 0,
    // Above ours, so that there is one message.
    timeout: options.timeoutMs * 2,
    fetch: (input, init) => exchange(input, init, options.timeoutMs),
  });
}

/** What came back, whatever its status. Throws NoAnswer. */
export async function answerOf(call: () => Promise<Response>): Promise<Answer> {
  try {
    const response = await call();
    return {
      status: response.status,
      body: jsonOf(texts.get(response) ?? (await response.text())),
      retryAfterMs: retryAfterOf(response.headers),
    };
  } catch (error) {
    if (error instanceof APIError && typeof error.status === 'number') {
      const { status, headers, error: body } = error as APIError<number, Headers>;
      return { status, body, retryAfterMs: retryAfterOf(headers) };
    }
    const cause = error instanceof Error ? error.cause : null;
    for (const one of [error, cause]) if (one instanceof NoAnswer) throw one;
    // Aborted before or while it was out.
    throw new NoAnswer('lost', 'interrupted before the reply');
  }
}

async function exchange(
  input: string | URL | Request,
  init: RequestInit | undefined,
  timeoutMs: number,
): Promise<Response> {
  const timeout = AbortSignal.timeout(timeoutMs);
  const signal = init?.signal == null ? timeout : AbortSignal.any([init.signal, timeout]);
  try {
    const response = await fetch(input, { ...init, redirect: 'error', signal });
    const text = await boundedText(response);
    const { status, headers } = response;
    // Of a refusal the client makes an error, and reads it itself.
    const answer = new Response(response.ok ? null : text, { status, headers });
    if (response.ok) texts.set(answer, text);
    return answer;
  } catch (error) {
    if (error instanceof NoAnswer) throw error;
    // Not "timed out": the client takes these words for an error of its own, and drops the reason.
    if (timeout.aborted) throw new NoAnswer('lost', `no reply in ${timeoutMs} ms`);
    throw noAnswerOf(error);
  }
}

async function boundedText(response: Response): Promise<string> {
  const chunks: Uint8Array[] = [];
  let length = 0;
  for await (const chunk of (response.body ?? []) as AsyncIterable<Uint8Array>) {
    length += chunk.length;
    if (length > maxAnswerBytes) throw new NoAnswer('lost', 'the reply has more than 16 MiB');
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString('utf8');
}

/** What goes wrong before a request is sent: look-up, connection, TLS. */
const beforeSending: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'nothing listens there',
  ENOTFOUND: 'its name does not resolve',
  EAI_AGAIN: 'its name cannot be looked up',
  EHOSTUNREACH: 'no route to it',
  ENETUNREACH: 'no route to it',
  UND_ERR_CONNECT_TIMEOUT: 'no connection in time',
  DEPTH_ZERO_SELF_SIGNED_CERT: 'its certificate is not trusted',
  SELF_SIGNED_CERT_IN_CHAIN: 'its certificate is not trusted',
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: 'its certificate is not trusted',
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: 'its certificate is not trusted',
  CERT_HAS_EXPIRED: 'its certificate has expired',
  ERR_TLS_CERT_ALTNAME_INVALID: 'its certificate is for another name',
};

/** `fetch` says "fetch failed" and hides the reason in its cause. */
function noAnswerOf(error: unknown): NoAnswer {
  const cause = error instanceof Error ? (error.cause ?? error) : error;
  const code: unknown = typeof cause === 'object' && cause !== null && 'code' in cause ? cause.code : null;
  if (typeof code === 'string') {
    const known = beforeSending[code];
    if (known !== undefined) return new NoAnswer('not-sent', known);
    if (/^(ECONNRESET|EPIPE|UND_ERR_SOCKET)$/.test(code))
      return new NoAnswer('lost', 'connection closed before the reply');
    if (/^[A-Z0-9_]{1,40}$/.test(code)) return new NoAnswer('lost', code);
  }
  return new NoAnswer('lost', 'connection failed');
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return undefined;
  }
}

/** RFC 9110 §10.2.3: seconds; the form with a date is not used by this API. */
function retryAfterOf(headers: Headers | undefined): number | null {
  const text = headers?.get('retry-after') ?? '';
  return /^\d{1,6}$/.test(text) ? Number(text) * 1000 : null;
}
