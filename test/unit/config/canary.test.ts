// The `canary:` block: what it means, what is refused and where, what is warned of.

import { describe, expect, it } from 'vitest';
import { configOf, providers, refusalOf, route, withAddressRoute, withMxRoute } from './config-text.ts';

const maildir = 'arrival: {maildir: {directory: Maildir}}';
const enough = `from: canary@ops.example, to: canary@example.com, key: {file: canary-key}, ${maildir}`;
const withCanary = (canary: string, changes: Readonly<Record<string, string>> = {}) =>
  withMxRoute({ ...changes, canary: `{${canary}}` });
/** With this instead of the Maildir. */
const arriving = (arrival: string) => withCanary(enough.replace(maildir, `arrival: ${arrival}`));
const policyOf = (text: string) => configOf(text).routes.get('r')?.canary;
const defaulting = (canary: string) => `defaults: {canary: {${canary}}}`;

describe('the canaries of a route', () => {
  it('are none without the block, whatever the defaults say', () => {
    expect(policyOf(withMxRoute())).toBeNull();
    expect(policyOf(withMxRoute({}, defaulting(enough)))).toBeNull();
  });

  it('have built-in values for all that may be left out', () => {
    expect(policyOf(withCanary(enough))).toEqual({
      from: 'canary@ops.example',
      to: 'canary@example.com',
      everyMs: 300_000,
      delayedAfterMs: 900_000,
      swallowedAfterMs: 14_400_000,
      fall: 2,
      rise: 3,
      key: { file: '/etc/mxctl/canary-key' },
      dkim: null,
      paths: ['proxy', 'direct'],
      arrival: { kind: 'maildir', directory: '/etc/mxctl/Maildir', spam: [] },
    });
  });

  it('take all of it from the defaults, and key by key what the route says otherwise', () => {
    const signed = 'dkim: {domain: Ops.example., selector: mxctl, private_key: {file: dkim.pem}}';
    const defaults = defaulting(`${enough}, every: 10m, delayed_after: 30m, rise: 5, ${signed}`);
    expect(policyOf(withMxRoute({ canary: '{}' }, defaults))).toMatchObject({
      from: 'canary@ops.example',
      everyMs: 600_000,
      rise: 5,
      dkim: { domain: 'ops.example', selector: 'mxctl', privateKey: { file: '/etc/mxctl/dkim.pem' } },
    });
    const own = '{from: other@ops.example, every: 5m, arrival: {command: [find, them]}}';
    expect(policyOf(withMxRoute({ canary: own }, defaults))).toMatchObject({
      from: 'other@ops.example',
      to: 'canary@example.com',
      everyMs: 300_000,
      delayedAfterMs: 1_800_000,
      arrival: { kind: 'command', argv: ['find', 'them'] },
    });
  });

  it.each([
    [
      '{imap: {host: IMAP.Example.com., user: canary, password: {credential: p}}}',
      {
        kind: 'imap',
        host: 'imap.example.com',
        port: 993,
        security: 'tls',
        user: 'canary',
        password: { credential: 'p' },
        mailbox: 'INBOX',
        spam: [],
        caFile: null,
      },
    ],
    [
      '{imap: {host: "2001:db8::1", security: starttls, user: a@b.example, password: {file: p}, mailbox: Canary, spam: [Junk, Spam], ca_file: ca.pem}}',
      {
        kind: 'imap',
        host: '2001:db8::1',
        port: 143,
        security: 'starttls',
        user: 'a@b.example',
        password: { file: '/etc/mxctl/p' },
        mailbox: 'Canary',
        spam: ['Junk', 'Spam'],
        caFile: '/etc/mxctl/ca.pem',
      },
    ],
    [
      '{imap: {host: 127.0.0.1, port: 10993, user: u, password: {env: P}}}',
      { kind: 'imap', host: '127.0.0.1', port: 10_993 },
    ],
    [
      '{maildir: {directory: /var/mail/canary/Maildir, spam: [.Junk]}}',
      { kind: 'maildir', directory: '/var/mail/canary/Maildir', spam: ['.Junk'] },
    ],
    [
      '{https: {url: "https://mail.example.com/canaries", token: {file: t}, ca_file: /ca.pem}}',
      {
        kind: 'https',
        url: 'https://mail.example.com/canaries',
        token: { file: '/etc/mxctl/t' },
        caFile: '/ca.pem',
      },
    ],
    [
      '{https: {url: "https://[2001:db8::1]:8443/"}}',
      { kind: 'https', url: 'https://[2001:db8::1]:8443/', token: null, caFile: null },
    ],
    ['{command: [/usr/local/bin/find, --all]}', { kind: 'command', argv: ['/usr/local/bin/find', '--all'] }],
  ])('arrive at %s', (arrival, meant) => {
    expect(policyOf(arriving(arrival))?.arrival).toMatchObject(meant);
  });

  it('go over the paths that are named, in the order of the route', () => {
    const paths = { failover_to: '[direct, spool]' };
    expect(policyOf(withCanary(enough, paths))?.paths).toEqual(['proxy', 'direct', 'spool']);
    expect(policyOf(withCanary(`${enough}, paths: [spool, proxy]`, paths))?.paths).toEqual([
      'proxy',
      'spool',
    ]);
  });

  it('have addresses in A-labels, whatever was written', () => {
    const text = withCanary(
      enough.replace('ops.example', 'Bücher.example').replace('example.com', 'EXAMPLE.com'),
    );
    expect(policyOf(text)).toMatchObject({ from: 'canary@xn--bcher-kva.example', to: 'canary@example.com' });
  });

  it('reach every name that the route moves, one behind a wildcard too', () => {
    const to = (domain: string) => enough.replace('example.com', domain);
    const records = '[{provider: ns, zone: example.com, names: ["@", in, "*.eu"]}]';
    for (const domain of ['example.com', 'in.example.com', 'fr.eu.example.com'])
      expect(policyOf(withCanary(to(domain), { records }))?.to, domain).toBe(`canary@${domain}`);
    const { text } = refusalOf(withCanary(to('eu.example.com'), { records }));
    expect(text).toContain('mail of example.com, in.example.com, *.eu.example.com');
  });

  it('may go anywhere where others point their MX to us', () => {
    const canary = `{${enough.replace('example.com', 'customer.test')}}`;
    const { canary: policy } = configOf(withAddressRoute({ canary })).routes.get('r')!;
    expect(policy).toMatchObject({ to: 'canary@customer.test', paths: ['fra', 'ams'] });
  });

  it('are frozen all the way down', () => {
    const policy = policyOf(withCanary(enough));
    for (const one of [policy, policy?.key, policy?.paths, policy?.arrival])
      expect(Object.isFrozen(one)).toBe(true);
  });
});

const imap = (rest: string) =>
  arriving(`{imap: {host: imap.example.com, user: u, password: {env: P}${rest}}}`);
const signing = (dkim: string) => withCanary(`${enough}, dkim: ${dkim}`);
const key = 'private_key: {env: D}';

// [what is wrong, the configuration with ▸ where it is wrong, parts of the messages]
const table: [string, string, ...string[]][] = [
  [
    'nothing at all',
    withMxRoute({ '▸▸▸▸canary': '{}' }),
    'canary.from: is missing, here and in defaults.canary; it must be an address in a domain of your own',
    'canary.to: is missing, here and in defaults.canary',
    'canary.key: is missing, here and in defaults.canary',
    'canary.arrival: is missing, here and in defaults.canary',
  ],
  ['a block that is no map', withMxRoute({ canary: '▸yes' }), 'canary: must be a map of keys and values'],
  [
    'an unknown key',
    withCanary(`${enough}, ▸delayd_after: 15m`),
    'canary.delayd_after: unknown key (delayed_after)',
  ],
  [
    'an unknown key in the defaults',
    withMxRoute({ canary: '{}' }, defaulting('▸form: a@ops.example')),
    'defaults.canary.form: unknown key (from)',
  ],
  [
    'a sender that is no address',
    withCanary(enough.replace('canary@ops', '▸canary at ops')),
    'plain address',
  ],
  [
    'a sender with a line break',
    withCanary(enough.replace('canary@ops.example', '▸"a@ops.example\\r\\nDATA"')),
    'plain address',
  ],
  [
    'a mailbox in no domain of the route',
    withCanary(enough.replace('canary@example', '▸canary@exmple')),
    'is not reached by this route: its paths carry mail of example.com (canary@example.com)',
  ],
  [
    'a mailbox below a domain of the route',
    withCanary(enough.replace('canary@example', '▸canary@mail.example')),
    'is not reached by this route',
  ],
  [
    'a mailbox of the defaults in no domain of the route',
    withMxRoute({ canary: '{}' }, defaulting(enough.replace('canary@example', '▸canary@elsewhere'))),
    'defaults.canary.to: is not reached by this route',
  ],
  [
    'a path that is not declared',
    withCanary(`${enough}, paths: [▸prxy, proxy, direct]`),
    'paths[0]: is no path of this route; its paths are proxy, direct, spool (proxy)',
  ],
  [
    'a path that is never active',
    withCanary(`${enough}, paths: [proxy, direct, ▸spool]`),
    'is neither preferred nor in failover_to, so its canaries would decide nothing; those are proxy, direct',
  ],
  ['a path twice', withCanary(`${enough}, paths: [proxy, direct, ▸proxy]`), 'stands here twice; keep one'],
  ['no path', withCanary(`${enough}, paths: ▸[]`), 'needs at least one path'],
  ['a time without a unit', withCanary(`${enough}, every: ▸300`), 'must be a duration', '(300s)'],
  ['canaries without a pause', withCanary(`${enough}, every: ▸0s`), 'must lie between 1s and 1d'],
  ['a wait beyond every queue', withCanary(`${enough}, swallowed_after: ▸6d`), 'must lie between 1s and 5d'],
  [
    'too little time to judge in',
    withCanary(`${enough}, delayed_after: ▸9m`),
    'delayed_after: would decide on fewer than fall (2) canaries: one goes out every 5m and delayed_after is 9m; write delayed_after: 10m or more',
  ],
  [
    'canaries too rare for the built-in time',
    withCanary(`${enough}, every: ▸10m`),
    'canary.every: would decide on fewer than fall (2) canaries',
  ],
  [
    'more canaries than fit into the time',
    withCanary(`${enough}, fall: ▸4`),
    'canary.fall: would decide on fewer than fall (4) canaries',
  ],
  [
    'too little time in the defaults',
    withMxRoute({ canary: '{fall: 3}' }, defaulting(`${enough}, delayed_after: ▸14m`)),
    'defaults.canary.delayed_after: would decide on fewer than fall (3) canaries',
  ],
  [
    'swallowed before late',
    withCanary(`${enough}, swallowed_after: ▸15m`),
    'swallowed_after (15m) is not more than delayed_after (15m)',
  ],
  [
    'late after swallowed',
    withCanary(`${enough}, delayed_after: ▸5h`),
    'canary.delayed_after: swallowed_after (4h)',
  ],
  ['no place of arrival', arriving('▸{}'), 'must hold exactly one of imap, maildir, https, command'],
  [
    'two places of arrival',
    arriving('▸{command: [x], maildir: {directory: m}}'),
    'must hold exactly one of imap, maildir, https, command',
  ],
  ['an unknown place of arrival', arriving('{▸pop3: {}}'), 'the keys here are imap, maildir, https, command'],
  ['a place misspelt', arriving('{▸imp: {}}'), 'arrival.imp: unknown key (imap)'],
  [
    'a server by URL',
    arriving('{imap: {host: ▸"imaps://x", user: u, password: {env: P}}}'),
    'must be a host name',
  ],
  ['IMAP in clear', imap(', security: ▸none'), 'must be one of tls, starttls'],
  ['a port out of range', imap(', port: ▸0'), 'arrival.imap.port: must be'],
  [
    'a user that ends the command',
    imap('').replace('user: u', 'user: ▸"u\\r\\nA2 DELETE"'),
    'must be a user name',
  ],
  ['the mailbox as spam', imap(', spam: [Junk, ▸INBOX]'), 'is the mailbox itself'],
  ['a spam folder twice', imap(', spam: [Junk, ▸Junk]'), 'stands here twice'],
  ['no directory', arriving('{maildir: {directory: ▸""}}'), 'arrival.maildir.directory: must be a directory'],
  [
    'a folder outside of the Maildir',
    arriving('{maildir: {directory: m, spam: [▸../other, ▸"..", ▸/etc]}}'),
    'spam[0]: must be the name of a folder',
    'spam[1]: must be the name of a folder',
    'spam[2]: must be the name of a folder',
  ],
  ['a list in clear', arriving('{https: {url: ▸"http://mail.example.com/"}}'), 'must be an https URL'],
  ['a list that is no URL', arriving('{https: {url: ▸mail.example.com}}'), 'must be an https URL'],
  ['a command of nothing', arriving('{command: ▸[]}'), 'must be a program and its arguments'],
  ['a command as one text', arriving('{command: ▸find --all}'), 'must be a list'],
  ['a NUL on a command line', arriving('{command: [find, ▸"a\\0b"]}'), 'command[1]: must be a program'],
  ['a selector of no DNS name', signing(`{domain: ops.example, selector: ▸"a b", ${key}}`), 'RFC 6376 §3.1'],
  [
    'a signing domain that is none',
    signing(`{domain: ▸a..b, selector: s, ${key}}`),
    'dkim.domain: has an empty',
  ],
  [
    'a signature without a key',
    withCanary(`${enough}, ▸dkim: {domain: ops.example, selector: s}`),
    'dkim.private_key: is missing',
  ],
];

const secrets: [string, string][] = [
  ['key', withCanary(enough.replace('{file: canary-key}', '▸hunter2'))],
  ['key in braces', withCanary(enough.replace('{file: canary-key}', '▸{hunter2: x}'))],
  ['password', arriving('{imap: {host: imap.example.com, user: u, password: ▸hunter2}}')],
  ['token', arriving('{https: {url: "https://mail.example.com/", token: ▸hunter2}}')],
  ['password in a URL', arriving('{https: {url: ▸"https://u:hunter2@mail.example.com/"}}')],
  ['private key', signing('{domain: ops.example, selector: s, private_key: ▸hunter2}')],
];

describe('a canary block that will not do', () => {
  it.each(table)('is refused at the place of %s', (_, marked, ...messages) => {
    const { marks, places, text } = refusalOf(marked);
    for (const message of messages) expect(text).toContain(message);
    expect(places).toEqual(marks);
  });

  it.each(secrets)('never shows a literal secret: %s', (_, marked) => {
    const { marks, places, text, message } = refusalOf(marked);
    expect(places).toEqual(marks);
    expect(text).toMatch(/write \{file: |without user or password/);
    expect(`${text} ${message}`).not.toContain('hunter2');
  });

  it('is not said to lack what stands in defaults that have a typing error', () => {
    const defaults = defaulting(`${enough}, ▸evry: 5m`);
    const { marks, places } = refusalOf(withMxRoute({ canary: '{}' }, defaults));
    expect(places).toEqual(marks);
  });

  it('is not doubted for a name that could not be read', () => {
    const records = '[{provider: ns, zone: example.com, names: [in, ▸example.com]}]';
    const { marks, places } = refusalOf(withCanary(enough, { records }));
    expect(places).toEqual(marks);
  });

  it('is told once of a default that every route inherits', () => {
    const records = '[{provider: ns, zone: b.example, names: ["@"]}]';
    const marked = [
      'version: 1',
      providers,
      defaulting(`${enough}, delayed_after: ▸9m`),
      'routes:',
      route('r', 'mx', { canary: '{}' }),
      route('s', 'mx', { records, canary: '{to: canary@b.example}' }),
    ].join('\n');
    const { marks, places } = refusalOf(marked);
    expect(places).toEqual(marks);
  });
});

describe('a canary block that is hardly meant', () => {
  it.each([
    [
      'canary-own-domain',
      withCanary(enough.replace('canary@ops.example', 'canary@Example.com')),
      'mxctl.yaml:10:20: routes.r.canary.from',
    ],
    ['canary-alone', withCanary(`${enough}, paths: [proxy]`), 'routes.r.canary.paths'],
    ['canary-alone', withCanary(enough, { failover_to: '[]' }), 'mxctl.yaml:10:13: routes.r.canary'],
  ])('is warned of as %s', (code, text, subject) => {
    const [warning, ...others] = configOf(text).warnings;
    expect(others).toEqual([]);
    expect(warning?.code).toBe(code);
    expect(warning?.subject).toContain(subject);
  });
});
