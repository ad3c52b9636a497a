// Arrived canaries in an IMAP mailbox, and in those that count as spam. The server searches; only headers of what it
// finds come here. Removes by UID what carried a token it was told, and nothing else. RFC 9051 (of which RFC 3501 is
// enough), RFC 4315 (UIDPLUS), RFC 2177 (IDLE).

import type { ImapFlow, MailboxObject, SearchObject } from 'imapflow';

import { ConfigError } from '../../../errors.ts';
import { sanitise } from '../../../model/text.ts';
import type { ArrivalMailbox, FoundBounce, FoundLetter, MailboxAnswer } from '../../canary.ts';
import { maxLettersPerLook, pollMs } from './bounds.ts';
import type { ArrivalDeps } from './deps.ts';
import { isNotification, maxNotificationBytes, readBounce } from './dsn.ts';
import { type HeaderField, maxHeaderBytes, parseHeader } from './header.ts';
import { ImapRefusal, type ImapSource, imapReason } from './imap-fault.ts';
import { createImapSession } from './imap-session.ts';
import { readLetter } from './letter.ts';

/** SINCE knows days only, and the server's day may be another than ours: RFC 9051 §6.4.4. ms. */
const dayMs = 86_400_000;
/** Of others' notifications the newest: each costs up to 64 KiB, and nobody but their owner takes them away. */
const maxNotifications = 200;
/** UIDs in one command: RFC 7162 §4 asks servers for 8192 octets a line. */
const uidsPerCommand = 200;
/** RFC 2177: a server may log out who idles for 30 minutes. ms. */
const maxIdleMs = 28 * 60_000;

/** All start with `mxc-`; where servers search by words, that is one too. */
const hasToken: SearchObject = { or: [{ header: { 'X-Mxctl-Canary': 'mxc-' } }, { subject: 'mxc-' }] };
/** As `isNotification` has it, as far as a server can search for it. */
const mayBeNotification: SearchObject = {
  or: [
    { header: { 'Content-Type': 'delivery-status' } },
    { header: { 'X-Failed-Recipients': true } },
    { from: 'mailer-daemon' },
    { from: 'microsoftexchange' },
  ],
};

interface Found {
  readonly token: string;
  readonly uid: number;
  readonly letter: FoundLetter | null;
  readonly bounce: FoundBounce | null;
}

/** Where letters with a token lie. UIDs mean nothing under another UIDVALIDITY: RFC 9051 §2.3.1.1. */
interface Place {
  readonly mailbox: string;
  readonly uidValidity: bigint;
  readonly uid: number;
}

export function openImap(source: ImapSource, deps: ArrivalDeps): ArrivalMailbox {
  const session = createImapSession(source, deps);
  /** Of the last look. */
  let found = new Map<string, Place[]>();
  let uidNext = 0;

  async function lookInto(client: ImapFlow, sinceAt: number): Promise<MailboxAnswer> {
    const letters: FoundLetter[] = [];
    const bounces: FoundBounce[] = [];
    let isCut = false;
    found = new Map();
    for (const [n, mailbox] of [source.mailbox, ...source.spam].entries()) {
      const opened = await openMailbox(client, mailbox, source, true);
      if (n === 0) uidNext = opened.uidNext;
      const room = maxLettersPerLook - letters.length;
      const answer = await readMailbox(client, { sinceAt, room, isSpam: n > 0 });
      isCut ||= answer.isCut;
      for (const { token, uid, letter, bounce } of answer.found) {
        const place = { mailbox, uidValidity: opened.uidValidity, uid };
        found.set(token, [...(found.get(token) ?? []), place]);
        if (letter !== null) letters.push(letter);
        if (bounce !== null) bounces.push(bounce);
      }
    }
    return { outcome: 'read', letters, bounces, isCut };
  }

  return {
    async look(sinceAt, signal) {
      try {
        return await session.use((client) => lookInto(client, sinceAt), signal);
      } catch (error) {
        rethrow(error, signal);
        return { outcome: 'unreadable', reason: imapReason(error, source, session.secret()) };
      }
    },
    async remove(tokens, signal) {
      const places = [...tokens].flatMap((token) => found.get(token.toLowerCase()) ?? []);
      if (places.length === 0) return true;
      try {
        const isGone = await session.use((client) => removeAll(client, places, source), signal);
        for (const token of tokens) found.delete(token.toLowerCase());
        return isGone;
      } catch (error) {
        rethrow(error, signal);
        return false;
      }
    },
    async changed(mostMs, signal) {
      // IDLE tells of the mailbox that is open alone, so those with spam want a look of their own.
      const longestMs = Math.min(mostMs, source.spam.length > 0 ? pollMs : maxIdleMs);
      // Not to log in once more: a wrong password tried every few seconds locks an account.
      const client = session.current();
      try {
        if (client?.capabilities.has('IDLE') === true) {
          const opened = await session.use(() => openMailbox(client, source.mailbox, source, true), signal);
          if (opened.uidNext !== uidNext || (await idle(client, longestMs, deps, signal))) return;
        }
      } catch (error) {
        rethrow(error, signal);
      }
      await deps.sleep(Math.min(mostMs, pollMs), signal);
    },
    close: () => session.close(),
  };
}

/** What is not the server's doing. */
function rethrow(error: unknown, signal: AbortSignal): void {
  signal.throwIfAborted();
  if (error instanceof ConfigError) throw error;
}

async function openMailbox(
  client: ImapFlow,
  mailbox: string,
  source: ImapSource,
  isReadOnly: boolean,
): Promise<MailboxObject> {
  try {
    return await client.mailboxOpen(mailbox, { readOnly: isReadOnly });
  } catch (error) {
    if ((error as { readonly mailboxMissing?: boolean }).mailboxMissing !== true) throw error;
    const isSpam = mailbox !== source.mailbox;
    throw new ImapRefusal(
      `has no mailbox ${sanitise(mailbox, 100)} for ${sanitise(source.user, 100)}`,
      // A folder that is spelt wrong would look like swallowed mail.
      isSpam
        ? 'correct it in spam of canary.arrival.imap, take it out, or make it (an empty one will do)'
        : 'correct mailbox of canary.arrival.imap',
    );
  }
}

interface Want {
  readonly sinceAt: number;
  readonly room: number;
  readonly isSpam: boolean;
}

async function readMailbox(
  client: ImapFlow,
  { sinceAt, room, isSpam }: Want,
): Promise<{ readonly found: readonly Found[]; readonly isCut: boolean }> {
  // Flagged as deleted: by us, where the server has no UIDPLUS, or by somebody who has seen enough of it.
  const since: SearchObject = { since: new Date(Math.max(0, sinceAt - dayMs)), deleted: false };
  const first = await firstOf(client, since);
  if (first === null) return { found: [], isCut: false };
  // Not every server looks at the date before it opens 100,000 letters for their header; all know UIDs by heart.
  const recent: SearchObject = { uid: `${first}:*`, ...since };
  const withToken = await search(client, { ...recent, ...hasToken });
  const others = await search(client, { ...recent, ...mayBeNotification });
  const found: Found[] = [];
  const notifications = new Set(others.slice(-maxNotifications));
  // The oldest first: it has waited longest to be counted, and what is counted is taken away.
  await fetchHeaders(client, withToken.slice(0, room), (uid, fields, storedAt) => {
    const letter = readLetter(fields, { storedAt, isSpam });
    if (letter !== null) {
      found.push({ token: letter.token, uid, letter, bounce: null });
      notifications.delete(uid);
    } else if (isNotification(fields)) notifications.add(uid);
  });
  await fetchSources(client, [...notifications], (uid, octets) => {
    const bounce = readBounce(octets);
    if (bounce !== null) found.push({ token: bounce.token, uid, letter: null, bounce });
  });
  return { found, isCut: withToken.length > room };
}

/** The least UID; null where nothing fits. Where the server lacks ESEARCH (RFC 4731) it lists them all. */
async function firstOf(client: ImapFlow, query: SearchObject): Promise<number | null> {
  const answer = await client.search(query, { uid: true, returnOptions: ['MIN'] });
  if (Array.isArray(answer)) return answer[0] ?? null;
  return hasAnswer(client, answer) ? (answer.min ?? null) : null;
}

async function search(client: ImapFlow, query: SearchObject): Promise<readonly number[]> {
  const uids = await client.search(query, { uid: true });
  return hasAnswer(client, uids) ? uids : [];
}

/** imapflow answers false to NO and BAD (RFC 9051 §6.4.4), and to a connection that was lost. */
function hasAnswer<T>(client: ImapFlow, answer: T | false | undefined): answer is T {
  if (answer !== false && answer !== undefined) return true;
  throw client.usable
    ? new ImapRefusal('refused to search', 'see its log; it must support SEARCH HEADER')
    : new ImapRefusal('closed the connection in the middle of a search', 'see its log');
}

async function fetchHeaders(
  client: ImapFlow,
  uids: readonly number[],
  take: (uid: number, fields: readonly HeaderField[], storedAt: number | null) => void,
): Promise<void> {
  const what = { internalDate: true, bodyParts: [{ key: 'HEADER', maxLength: maxHeaderBytes }] };
  for (const range of rangesOf(uids)) {
    for await (const { uid, internalDate, headers } of client.fetch(range, what, { uid: true })) {
      const storedAt = internalDate === undefined ? Number.NaN : new Date(internalDate).getTime();
      if (headers !== undefined) take(uid, parseHeader(headers), Number.isNaN(storedAt) ? null : storedAt);
    }
  }
}

async function fetchSources(
  client: ImapFlow,
  uids: readonly number[],
  take: (uid: number, octets: Uint8Array) => void,
): Promise<void> {
  const what = { source: { start: 0, maxLength: maxNotificationBytes } };
  for (const range of rangesOf(uids))
    for await (const { uid, source } of client.fetch(range, what, { uid: true }))
      if (source !== undefined) take(uid, source);
}

function rangesOf(uids: readonly number[]): readonly string[] {
  const count = Math.ceil(uids.length / uidsPerCommand);
  return Array.from({ length: count }, (_, n) =>
    uids.slice(n * uidsPerCommand, (n + 1) * uidsPerCommand).join(','),
  );
}

async function removeAll(client: ImapFlow, places: readonly Place[], source: ImapSource): Promise<boolean> {
  let isGone = true;
  for (const [mailbox, inOne] of Map.groupBy(places, (place) => place.mailbox)) {
    const opened = await openMailbox(client, mailbox, source, false);
    const uids = inOne.filter(({ uidValidity }) => uidValidity === opened.uidValidity).map(({ uid }) => uid);
    for (const range of rangesOf(uids)) isGone = (await removeRange(client, range)) && isGone;
  }
  return isGone;
}

async function removeRange(client: ImapFlow, range: string): Promise<boolean> {
  if (client.capabilities.has('UIDPLUS')) return client.messageDelete(range, { uid: true });
  // Without it EXPUNGE would take all that others have flagged as deleted along: RFC 4315 §2.1.
  await client.messageFlagsAdd(range, ['\\Deleted'], { uid: true });
  return false;
}

/** false where the connection went away meanwhile. */
async function idle(
  client: ImapFlow,
  mostMs: number,
  deps: ArrivalDeps,
  signal: AbortSignal,
): Promise<boolean> {
  const stop = new AbortController();
  const end = () => stop.abort();
  client.once('exists', end);
  client.once('close', end);
  // Ends with the next command.
  void client.idle().catch(() => undefined);
  try {
    await deps.sleep(mostMs, AbortSignal.any([signal, stop.signal]));
  } catch (error) {
    if (!stop.signal.aborted || signal.aborted) throw error;
  } finally {
    client.off('exists', end);
    client.off('close', end);
  }
  return client.usable;
}
