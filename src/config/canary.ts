// Canaries of a route: its own values over the defaults of the file over the built-in ones, and what only makes sense
// beside the route's paths and domains. Opens nothing.

import { resolve } from 'node:path';
import type { ArrivalSource, CanaryPolicy } from '../model/canary.ts';
import {
  type DomainName,
  displayName,
  domainNameOf,
  isWithin,
  labelsOf,
  parentOf,
} from '../model/domain-name.ts';
import { nearest } from '../model/nearest.ts';
import type { Route } from '../model/route.ts';
import { formatDuration } from '../providers/config-parts.ts';
import { withAbsoluteFiles } from './absolute-files.ts';
import type { ArrivalShape, CanaryShape } from './canary-schema.ts';
import type { Owners } from './owners.ts';
import { type Defined, defined } from './policy.ts';
import type { ConfigPath } from './problems.ts';
import type { Report } from './report.ts';

const minuteMs = 60_000;
const hourMs = 60 * minuteMs;

const builtIn = {
  // 288 a day for each path: what a mailbox and a spam filter do not notice, and an operator waits for.
  every: 5 * minuteMs,
  // Three canaries: a sender's first retry after greylisting comes within (RFC 6647 §5), and so does Postfix's after a
  // passing fault, so that neither is late.
  delayed_after: 15 * minuteMs,
  // When mail servers of old told the sender that a message still waits; a queue that works has drained by then.
  swallowed_after: 4 * hourMs,
  // One may be lost or held by chance, with nobody to blame.
  fall: 2,
  // More than it took to leave: a path must not flap.
  rise: 3,
} as const;

/** RFC 8314 §7.3 for the first; RFC 9051 §2.1 for the second. */
const imapPorts = { tls: 993, starttls: 143 } as const;

/** More domains than these fit on no line. */
const mostNamed = 4;

export interface CanarySource {
  readonly route: Pick<Route, 'strategy' | 'paths' | 'prefer' | 'failoverTo'>;
  readonly owners: Owners;
  /** Of the route in the file. */
  readonly path: ConfigPath;
  readonly given: CanaryShape;
  readonly defaults: CanaryShape | undefined;
  /** Of the config file. */
  readonly directory: string;
  readonly report: Report;
}

type BuiltIn = keyof typeof builtIn;
type Values = Omit<Defined<CanaryShape>, BuiltIn> & Readonly<Record<BuiltIn, number>>;

/** The given keys together, and where each was written. */
interface Merged {
  readonly values: Values;
  readonly place: (key: keyof CanaryShape) => ConfigPath;
  readonly isGiven: (key: keyof CanaryShape) => boolean;
}

function merge({ given, defaults, path }: CanarySource): Merged {
  const own = defined(given);
  const inherited = defined(defaults);
  return {
    values: { ...builtIn, ...inherited, ...own },
    place: (key) =>
      !Object.hasOwn(own, key) && Object.hasOwn(inherited, key)
        ? ['defaults', 'canary', key]
        : [...path, 'canary', key],
    isGiven: (key) => Object.hasOwn(own, key) || Object.hasOwn(inherited, key),
  };
}

/** Null where something that must be there is missing: that is reported. */
export function canaryPolicy(source: CanarySource): CanaryPolicy | null {
  const merged = merge(source);
  const { values } = merged;
  const paths = pathsOf(source, merged);
  checkTimes(source, merged);
  checkDomains(source, merged);
  if (!hasAll(source, values)) return null;
  checkSpam(source, merged, values.arrival);
  const { directory } = source;
  return {
    from: asciiAddress(values.from),
    to: asciiAddress(values.to),
    everyMs: values.every,
    delayedAfterMs: values.delayed_after,
    swallowedAfterMs: values.swallowed_after,
    fall: values.fall,
    rise: values.rise,
    key: withAbsoluteFiles(values.key, directory),
    dkim:
      values.dkim === undefined
        ? null
        : {
            domain: displayName(values.dkim.domain),
            selector: values.dkim.selector,
            privateKey: withAbsoluteFiles(values.dkim.private_key, directory),
          },
    paths,
    arrival: arrivalOf(values.arrival, directory),
  };
}

/** What to write, for each key without which there is no canary. */
const wanted = {
  from: 'an address in a domain of your own, such as canary@ops.example',
  to: 'the canary mailbox, such as canary@example.com',
  key: 'where the key of the tokens is kept, such as {file: /run/secrets/mxctl-canary-key}',
  arrival: 'where canaries arrive: {imap: ...}, {maildir: ...}, {https: ...} or {command: [...]}',
} as const;

type Needed = Required<Pick<Values, keyof typeof wanted>>;

function hasAll({ path, report }: CanarySource, values: Values): values is Values & Needed {
  const missing = (Object.keys(wanted) as (keyof typeof wanted)[]).filter((key) => values[key] === undefined);
  for (const key of missing)
    report.problem(
      [...path, 'canary', key],
      `is missing, here and in defaults.canary; it must be ${wanted[key]}`,
    );
  return missing.length === 0;
}

/** In the order in which the route has its paths. */
function pathsOf({ route, path, report }: CanarySource, { values, place }: Merged): string[] {
  const names = route.paths.map((one) => one.name);
  const usable = names.filter((name) => name === route.prefer || route.failoverTo.includes(name));
  const given = values.paths;
  given?.forEach((name, index) => {
    const at = [...place('paths'), index];
    if (!names.includes(name))
      report.problem(at, `is no path of this route; its paths are ${names.join(', ')}`, {
        suggestion: nearest(name, names),
      });
    else if (!usable.includes(name))
      report.problem(
        at,
        `is neither preferred nor in failover_to, so its canaries would decide nothing; those are ${usable.join(', ')}`,
        { suggestion: nearest(name, usable) },
      );
    else if (given.indexOf(name) < index) report.problem(at, 'stands here twice; keep one');
  });
  const chosen = usable.filter((name) => given === undefined || given.includes(name));
  if (chosen.length < 2)
    report.warning(
      'canary-alone',
      given === undefined ? [...path, 'canary'] : place('paths'),
      'has nothing to compare with: with canaries on one path alone lateness is told, never acted on',
    );
  return chosen;
}

function checkTimes({ report }: CanarySource, { values, place, isGiven }: Merged): void {
  const { every, fall, delayed_after: delayed, swallowed_after: swallowed } = values;
  /** The first of them that somebody wrote; the built-in values fit each other. */
  const written = (...keys: (keyof CanaryShape)[]) => place(keys.find(isGiven) ?? keys[0] ?? 'every');
  if (delayed < fall * every)
    report.problem(
      written('delayed_after', 'every', 'fall'),
      `would decide on fewer than fall (${fall}) canaries: one goes out every ${formatDuration(every)} and delayed_after ` +
        `is ${formatDuration(delayed)}; write delayed_after: ${formatDuration(fall * every)} or more, or send more often`,
    );
  if (swallowed <= delayed)
    report.problem(
      written('swallowed_after', 'delayed_after'),
      `swallowed_after (${formatDuration(swallowed)}) is not more than delayed_after (${formatDuration(delayed)}): ` +
        'nothing would ever count as late',
    );
}

function checkDomains({ route, owners, report }: CanarySource, { values, place }: Merged): void {
  // Of an address route nobody knows here whose mail it carries: others point their MX to it.
  if (route.strategy !== 'mx') return;
  const domains = owners.declared.map((one) => one.owner);
  const { from, to } = values;
  if (from !== undefined && domains.includes(domainOf(from)))
    report.warning(
      'canary-own-domain',
      place('from'),
      'is in a domain of this route: a canary comes from outside under its own name, and meets its SPF and DMARC; ' +
        'write an address in another domain of yours',
    );
  // A name that could not be read is reported already, and might be this one.
  if (to === undefined || domains.length < owners.nameCount) return;
  if (domains.some((one) => isReached(domainOf(to), one))) return;
  const shown = domains.slice(0, mostNamed).map(displayName).join(', ');
  const meant = nearest(displayName(domainOf(to)), domains.map(displayName));
  report.problem(
    place('to'),
    `is not reached by this route: its paths carry mail of ${shown}${domains.length > mostNamed ? ', ...' : ''}`,
    { suggestion: meant === null ? null : `${localOf(to)}@${meant}` },
  );
}

/** By that owner's MX: the name itself, or one that a wildcard stands for (RFC 4592 §2.1.1). */
function isReached(domain: DomainName, owner: DomainName): boolean {
  if (domain === owner) return true;
  return labelsOf(owner)[0] === '*' && domain !== parentOf(owner) && isWithin(domain, parentOf(owner));
}

function checkSpam({ report }: CanarySource, { place }: Merged, { imap, maildir }: ArrivalShape): void {
  const kind = imap === undefined ? 'maildir' : 'imap';
  const spam = imap?.spam ?? maildir?.spam ?? [];
  spam.forEach((name, index) => {
    const at = [...place('arrival'), kind, 'spam', index];
    if (name === imap?.mailbox) report.problem(at, 'is the mailbox itself; a canary in it is no spam');
    else if (spam.indexOf(name) < index) report.problem(at, 'stands here twice; keep one');
  });
}

function arrivalOf({ imap, maildir, https, command }: ArrivalShape, directory: string): ArrivalSource {
  const absolute = (file: string | undefined) => (file === undefined ? null : resolve(directory, file));
  if (imap !== undefined)
    return {
      kind: 'imap',
      host: imap.host,
      port: imap.port ?? imapPorts[imap.security],
      security: imap.security,
      user: imap.user,
      password: withAbsoluteFiles(imap.password, directory),
      mailbox: imap.mailbox,
      spam: imap.spam,
      caFile: absolute(imap.ca_file),
    };
  if (maildir !== undefined)
    return { kind: 'maildir', directory: resolve(directory, maildir.directory), spam: maildir.spam };
  if (https !== undefined)
    return {
      kind: 'https',
      url: https.url,
      token: https.token === undefined ? null : withAbsoluteFiles(https.token, directory),
      caFile: absolute(https.ca_file),
    };
  return { kind: 'command', argv: command ?? [] };
}

function localOf(address: string): string {
  return address.slice(0, address.lastIndexOf('@'));
}

function domainOf(address: string): DomainName {
  return domainNameOf(address.slice(address.lastIndexOf('@') + 1));
}

/** With the domain in A-labels: not every hop takes SMTPUTF8 (RFC 6531 §3.2). */
function asciiAddress(address: string): string {
  return `${localOf(address)}@${displayName(domainOf(address))}`;
}
