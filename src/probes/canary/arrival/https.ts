// Arrived canaries as an HTTPS endpoint of the operator tells them. One GET, bearer token, certificate verified, no
// redirects, bounded. RFC 9110, RFC 6750 §2.1.

import { get } from 'node:https';

import type { ArrivalSource } from '../../../model/canary.ts';
import { sanitise } from '../../../model/text.ts';
import type { ArrivalMailbox, MailboxAnswer } from '../../canary.ts';
import { clockMarginMs, pollMs } from './bounds.ts';
import { certificateFault } from './certificate-fault.ts';
import type { ArrivalDeps } from './deps.ts';
import { parseListing } from './listing.ts';
import { trustedCertificates } from './trust.ts';

/** A run from cron has a minute, and other mailboxes to look into. */
const defaultTimeoutMs = 15_000;
/** 2,000 letters with ten Received fields each would be 6 MiB; without them, 200 KiB. */
const maxAnswerBytes = 1024 * 1024;

type HttpsSource = ArrivalSource & { readonly kind: 'https' };
type Fetched =
  | { readonly ok: true; readonly text: string }
  | { readonly ok: false; readonly why: string; readonly hint: string };

export function openHttps(source: HttpsSource, deps: ArrivalDeps): ArrivalMailbox {
  const where = placeOf(source.url);
  return {
    async look(sinceAt, signal) {
      signal.throwIfAborted();
      const token = source.token === null ? null : await deps.readSecret(source.token);
      const ca = trustedCertificates(source.caFile);
      const since = new Date(Math.max(0, sinceAt - clockMarginMs)).toISOString();
      const headers = {
        accept: 'application/json',
        ...(token === null ? {} : { authorization: `Bearer ${token.reveal()}` }),
      };
      const fetched = await fetchBounded(urlSince(source.url, since), { headers, ca }, deps, signal);
      const unreadable = (why: string, hint: string): MailboxAnswer => ({
        outcome: 'unreadable',
        reason: `${where} ${why}: ${hint}`,
      });
      if (!fetched.ok) return unreadable(fetched.why, fetched.hint);
      const answer = parseListing(fetched.text);
      return answer.outcome === 'read'
        ? answer
        : unreadable(`answered with what is no list of canaries (${answer.reason})`, 'correct the endpoint');
    },
    // Cleaning up is the endpoint's own business.
    remove: () => Promise.resolve(false),
    changed: (mostMs, signal) => deps.sleep(Math.min(mostMs, pollMs), signal),
    close: () => Promise.resolve(),
  };
}

/** Without user, password and query, which may be secrets. */
function placeOf(text: string): string {
  const url = new URL(text);
  return sanitise(`${url.origin}${url.pathname}`);
}

/** `since` tells the endpoint how much to list; one that lists everything need not look at it. */
function urlSince(text: string, since: string): URL {
  const url = new URL(text);
  url.searchParams.set('since', since);
  return url;
}

function fetchBounded(
  url: URL,
  how: { readonly headers: Readonly<Record<string, string>>; readonly ca: string[] | null },
  deps: ArrivalDeps,
  signal: AbortSignal,
): Promise<Fetched> {
  const timeout = AbortSignal.timeout(deps.timeoutMs ?? defaultTimeoutMs);
  const bounded = AbortSignal.any([signal, timeout]);
  return new Promise((resolve, reject) => {
    const fail = (why: string, hint: string) => resolve({ ok: false, why, hint });
    const onError = (error: Error) => {
      if (signal.aborted) reject(signal.reason as Error);
      else if (timeout.aborted) fail('gave no answer in time', 'check that it is up and answers in seconds');
      else {
        const fault = faultOf(error, url.hostname);
        fail(fault.why, fault.hint);
      }
    };
    const outgoing = get(
      url,
      { headers: how.headers, signal: bounded, agent: false, ...(how.ca === null ? {} : { ca: how.ca }) },
      (incoming) => {
        const code = incoming.statusCode ?? 0;
        if (code !== 200) {
          incoming.destroy();
          fail(`answered HTTP ${code}`, hintFor(code));
          return;
        }
        const chunks: Buffer[] = [];
        let length = 0;
        incoming.on('data', (chunk: Buffer) => {
          length += chunk.length;
          chunks.push(chunk);
          if (length <= maxAnswerBytes) return;
          incoming.destroy();
          fail('answered with more than 1 MiB', 'let it list only what came since the time in ?since=');
        });
        incoming.on('end', () => resolve({ ok: true, text: Buffer.concat(chunks).toString('utf8') }));
        incoming.on('error', onError);
      },
    );
    outgoing.on('error', onError);
  });
}

function hintFor(code: number): string {
  if (code === 401 || code === 403) return 'check the token in canary.arrival.https.token';
  if (code >= 300 && code < 400)
    return 'redirects are not followed, since the token would go along; name the final URL';
  if (code === 404) return 'check canary.arrival.https.url';
  return 'see its log';
}

function faultOf(error: Error, host: string): { readonly why: string; readonly hint: string } {
  const certificate = certificateFault(error, host);
  if (certificate !== null) return certificate;
  const code = (error as NodeJS.ErrnoException).code ?? '';
  if (code === 'ECONNREFUSED')
    return { why: 'refused the connection', hint: 'check that it runs, and its port' };
  if (code === 'ENOTFOUND' || code === 'EAI_AGAIN')
    return {
      why: `has no address (${code})`,
      hint: 'check the name in the URL, and the DNS of this machine',
    };
  return { why: `could not be asked (${sanitise(error.message, 160)})`, hint: 'check the way there' };
}
