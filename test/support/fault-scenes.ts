// Domains with one fault each, for every rule of the audit that the wire can bring about: zone lines with `@` for the
// domain, what its name servers say instead, what its policy host does, and which rules must speak up, no other.

export type PolicyHost =
  | { readonly kind: 'serves'; readonly text: string }
  | { readonly kind: 'status'; readonly status: number }
  | { readonly kind: 'misnamed' }
  | { readonly kind: 'refuses' };

export interface FaultScene {
  /** Of `faultConfig`; null = named by hand. Left out = customers. */
  readonly audit?: string | null;
  /** What resolvers say. */
  readonly zone: string;
  /** What ns1 and ns2 say, where that is something else: zone lines, or an rcode. */
  readonly servers?: readonly [string, string];
  /** NS at the registry and their glue; left out = ns1 and ns2 of all. */
  readonly delegation?: string;
  /** The resolver answers SERVFAIL for it and all below it: it has no server to ask. */
  readonly isCutOff?: boolean;
  readonly policy?: PolicyHost;
  /** What the run before saw. */
  readonly before?: { readonly stsId: string; readonly patterns: readonly string[] };
  /** Of the configuration: an ignore of the domain, past its last day. */
  readonly isIgnoreOver?: boolean;
  readonly rules: readonly string[];
  /** Of those, what only --deep finds. */
  readonly deepRules?: readonly string[];
  /** Something of it cannot be found out; only --deep may see so. */
  readonly isUnknown?: boolean;
}

const spf = '@ 3600 TXT "v=spf1 include:_spf.host.example -all"';
const mx = '@ 3600 MX 10 mx1.host.example.\n@ 3600 MX 90 spool.spare.example.';
const healthy = `${mx}\n${spf}`;
const announced = `${healthy}\n_mta-sts.@ 300 TXT "v=STSv1; id=20261101"\nmta-sts.@ 300 A 127.0.0.1`;
const reported = `${announced}\n_smtp._tls.@ 300 TXT "v=TLSRPTv1; rua=mailto:tls@host.example"`;
const policyOf = (...hosts: string[]): PolicyHost => ({
  kind: 'serves',
  text: ['version: STSv1', 'mode: enforce', ...hosts.map((one) => `mx: ${one}`), 'max_age: 604800', ''].join(
    '\n',
  ),
});
const allHosts = ['mx1.host.example', 'spool.spare.example', 'filter.proxy.example'];
const plus = (line: string) => `${healthy}\n${line}`;
const only = (...exchanges: string[]) =>
  exchanges.map((one, at) => `@ 3600 MX ${10 * (at + 1)} ${one}.`).join('\n');

export const faultScenes: Readonly<Record<string, FaultScene>> = {
  'all well': { zone: healthy, rules: [] },
  'all well, with a policy': {
    zone: reported,
    policy: policyOf(...allHosts),
    before: { stsId: '20261101', patterns: allHosts },
    rules: [],
  },
  'a policy that changed with its id': {
    zone: reported,
    policy: policyOf(...allHosts),
    before: { stsId: '20260101', patterns: ['mx1.host.example'] },
    rules: [],
  },
  'all well, signed': { audit: 'signed', zone: only('mx1.signed.example', 'mx2.safe.example'), rules: [] },

  'moved away': { zone: `@ 3600 MX 10 mx.old.test.\n${spf}`, rules: ['expectation'] },
  'one left behind': { zone: plus('@ 3600 MX 50 mx.old.test.'), rules: ['foreign-exchange'] },
  'backup forgotten': { audit: 'partners', zone: only('mx1.host.example'), rules: ['missing-backup'] },
  'one host for all': { audit: null, zone: only('mx.old.test'), rules: ['missing-backup'] },
  'backup preferred': {
    zone: `@ 3600 MX 10 spool.spare.example.\n@ 3600 MX 20 mx1.host.example.\n${spf}`,
    rules: ['preference-order'],
  },
  'twice the same': { zone: plus('@ 3600 MX 20 mx1.host.example.'), rules: ['duplicate-exchange'] },
  'gone altogether': { zone: '', rules: ['nxdomain'] },
  'no MX': { zone: `@ 3600 A 192.0.2.80\n${spf}`, rules: ['no-mx'] },
  'takes no mail': { zone: `@ 3600 MX 0 .\n${spf}`, rules: ['null-mx'] },
  'null MX beside others': { zone: plus('@ 3600 MX 0 .'), rules: ['null-mx-mixed'] },
  'an address for a name': {
    zone: plus('@ 3600 MX 50 192.0.2.1.'),
    rules: ['exchange-literal', 'foreign-exchange'],
  },
  'no host name': {
    zone: plus('@ 3600 MX 50 mail_1.old.test.'),
    rules: ['exchange-name', 'foreign-exchange'],
  },
  'an alias': {
    zone: plus('@ 3600 MX 50 alias.old.test.'),
    // The certificate names the host behind it, and RFC 8461 §4.2 asks for the name in the MX.
    rules: ['exchange-cname', 'foreign-exchange', 'certificate'],
    deepRules: ['certificate'],
  },
  'no address': {
    zone: plus('@ 3600 MX 50 bare.old.test.'),
    rules: ['exchange-no-address', 'foreign-exchange'],
  },
  'an exchange anybody may register': {
    zone: plus('@ 3600 MX 50 mx.lapsed.test.'),
    rules: ['exchange-dangling', 'foreign-exchange'],
  },
  'a private address': {
    zone: plus('@ 3600 MX 50 private.old.test.'),
    rules: ['exchange-private', 'foreign-exchange'],
  },
  'behind an HTTP proxy': {
    zone: plus('@ 3600 MX 50 web.old.test.'),
    rules: ['exchange-not-mail', 'foreign-exchange'],
  },
  'a host that refuses': {
    zone: plus('@ 3600 MX 50 down.old.test.'),
    rules: ['exchange-not-mail', 'foreign-exchange'],
    deepRules: ['exchange-not-mail'],
  },
  'a backup Postfix never tries': {
    audit: 'wide',
    zone: only('mx1.wide.example', 'spool.spare.example'),
    rules: ['hidden-backup'],
  },
  'a backup next door': {
    audit: 'twins',
    zone: only('mx1.twin.example', 'mx2.twin.example'),
    rules: ['shared-fate'],
  },
  'a backup with the same name servers': {
    audit: 'siblings',
    zone: only('mx1.sib.example', 'spool.sib.example'),
    rules: ['shared-fate'],
  },

  'cached for a week': { zone: healthy.replaceAll('3600 MX', '604800 MX'), rules: ['ttl-too-long'] },
  'an address cached for a day': {
    audit: 'movable',
    zone: only('mx1.move.example'),
    rules: ['ttl-too-long'],
  },
  'TTLs that differ from server to server': {
    zone: healthy,
    servers: [healthy, healthy.replaceAll('3600', '300')],
    rules: ['ttl-mixed'],
  },
  'TTLs that differ inside the set': {
    zone: healthy,
    servers: Array.from({ length: 2 }, () => healthy.replace('3600 MX 90', '600 MX 90')) as [string, string],
    rules: ['ttl-mixed'],
  },
  'no server serves it': {
    zone: healthy,
    servers: ['REFUSED', 'REFUSED'],
    isCutOff: true,
    rules: ['broken-delegation'],
    isUnknown: true,
  },
  'delegated to its own name servers, which do not serve it': {
    zone: healthy,
    servers: ['REFUSED', 'REFUSED'],
    delegation: '@ 3600 NS ns1.@\n@ 3600 NS ns2.@\nns1.@ 3600 A 127.0.53.1\nns2.@ 3600 A 127.0.53.2',
    isCutOff: true,
    rules: ['broken-delegation'],
    isUnknown: true,
  },
  'delegated to names that do not exist': {
    zone: healthy,
    delegation: '@ 3600 NS ns1.nowhere.test.\n@ 3600 NS ns2.nowhere.test.',
    isCutOff: true,
    rules: ['broken-delegation'],
    isUnknown: true,
  },
  'a resolver that cannot reach what is served': {
    zone: healthy,
    isCutOff: true,
    rules: [],
    isUnknown: true,
  },
  'no server serves it, and a cache still does not know': {
    zone: healthy,
    servers: ['REFUSED', 'NOTAUTH'],
    rules: ['broken-delegation'],
  },
  'one server does not serve it': {
    zone: healthy,
    servers: [healthy, 'REFUSED'],
    rules: ['lame-server'],
  },
  'a secondary left behind': {
    zone: healthy,
    servers: [healthy, '@ 3600 MX 10 mx.old.test.'],
    rules: ['authorities-disagree'],
  },
  'a server out of order': {
    zone: healthy,
    servers: [healthy, 'SERVFAIL'],
    rules: [],
    isUnknown: true,
  },

  'a policy nobody serves': {
    zone: reported,
    policy: { kind: 'status', status: 404 },
    rules: ['sts-policy'],
  },
  'a policy elsewhere': { zone: reported, policy: { kind: 'status', status: 301 }, rules: ['sts-policy'] },
  'a policy with the certificate of another': {
    zone: reported,
    policy: { kind: 'misnamed' },
    rules: ['sts-policy'],
  },
  'a policy that is a web page': {
    zone: reported,
    policy: { kind: 'serves', text: '<!doctype html>' },
    rules: ['sts-policy'],
  },
  'a policy announced twice': {
    zone: `${reported}\n_mta-sts.@ 300 TXT "v=STSv1; id=2"`,
    policy: policyOf(...allHosts),
    rules: ['sts-policy'],
  },
  'a policy without the backup': {
    zone: reported,
    policy: policyOf('mx1.host.example', 'filter.proxy.example'),
    rules: ['sts-exchange'],
  },
  'a policy without the failover host': {
    zone: reported,
    policy: policyOf('mx1.host.example', 'spool.spare.example'),
    rules: ['sts-failover'],
  },
  'a policy that changed without its id': {
    zone: reported,
    policy: policyOf(...allHosts),
    before: { stsId: '20261101', patterns: ['mx1.host.example'] },
    rules: ['sts-id'],
  },
  'a policy without reports': { zone: announced, policy: policyOf(...allHosts), rules: ['tls-reporting'] },
  'a policy host that is down': {
    zone: reported.replace('A 127.0.0.1', 'A 127.0.0.2'),
    policy: { kind: 'refuses' },
    rules: ['sts-policy'],
  },

  'TLSA of the certificate before': {
    audit: 'stale',
    zone: only('mx1.stale.example'),
    rules: ['dane'],
    deepRules: ['dane'],
  },
  'TLSA that nobody can use': { audit: 'unusable', zone: only('mx1.pkix.example'), rules: ['dane'] },
  'a failover host without TLSA': { audit: 'half', zone: only('mx1.half.example'), rules: ['dane-failover'] },
  'a certificate of another name': {
    audit: 'misnamed',
    zone: only('mx1.misnamed.example'),
    rules: ['certificate'],
    deepRules: ['certificate'],
  },
  'no TLS at all': {
    audit: 'clear',
    zone: only('mx1.clear.example'),
    rules: ['certificate'],
    deepRules: ['certificate'],
  },
  'SPF without our senders': { zone: `${mx}\n@ 3600 TXT "v=spf1 mx -all"`, rules: ['spf-include'] },
  'ignored until a day that is over': { zone: healthy, isIgnoreOver: true, rules: ['expired-ignore'] },
  'two SPF records': { zone: plus('@ 3600 TXT "v=spf1 mx -all"'), rules: ['spf-include'] },
};

/** Rules that no scene can bring about, and why. */
export const unplantable: Readonly<Record<string, string>> = {
  'malformed-mx':
    'our own codec reads no answer with such a record: the domain is unknown, as it is at every resolver that checks',
};
