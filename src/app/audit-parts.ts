// What is to be audited: from names on the command line, lists and the audits of the configuration to parts that are
// judged alike.

import type { AuditConfig, Config } from '../config/config.ts';
import { UsageError } from '../errors.ts';
import type { GatherWants } from '../gather/gather.ts';
import type { Inventory } from '../inventory/inventory.ts';
import type { AuditContext, AuditMatch, Expectation } from '../model/audit.ts';
import { isHostName, parseDomainName } from '../model/domain-name.ts';
import { nearest } from '../model/nearest.ts';
import { sanitise } from '../model/text.ts';
import type { AuditPart } from './audit.ts';
import { auditContext } from './audit-context.ts';

export interface AuditSelection {
  /** Audits of the configuration, or domains. */
  readonly names: readonly string[];
  /** Files; `-` = standard input. */
  readonly lists: readonly string[];
  readonly column: string | null;
  /** Exchanges, as typed. */
  readonly expect: readonly string[];
  readonly match: AuditMatch;
  /** Domains named by hand are judged as those of this audit. */
  readonly as: string | null;
  /** MX and addresses only. */
  readonly isQuick: boolean;
  /** SMTP to the exchanges as well. */
  readonly isDeep: boolean;
}

export interface Lists {
  open(file: string, column: string | null): Inventory;
  ofNames(names: readonly string[]): Inventory;
}

/** Throws UsageError where there is nothing to audit, or what was typed is neither. */
export function auditParts(
  selection: AuditSelection,
  config: Config | null,
  lists: Lists,
  now: number,
  before: AuditContext['before'],
): AuditPart[] {
  const audits = config?.audits ?? [];
  const chosen = audits.filter((one) => selection.names.includes(one.name));
  const domains = selection.names.filter((name) => !chosen.some((one) => one.name === name));
  checkDomains(domains, audits);
  const isByHand = domains.length > 0 || selection.lists.length > 0;
  const declared = isByHand || chosen.length > 0 ? chosen : audits;
  if (!isByHand && (selection.expect.length > 0 || selection.as !== null))
    throw new UsageError('usage', '--expect and --as say how to judge domains that are named by hand', {
      hint: 'name some, or a list of them with --domains FILE',
    });
  if (!isByHand && declared.length === 0) throw nothingToAudit(config);
  const partOf = (inventory: Inventory, audit: AuditConfig | null, expectation: Expectation | null) => {
    const context = auditContext(config, audit, now, before);
    const name = audit?.name ?? null;
    const ignores = audit?.ignore ?? [];
    return { audit: name, inventory, expectation, ignores, context, wants: wantsOf(selection, context) };
  };
  const likeAudit = selection.as === null ? null : auditNamed(selection.as, audits);
  const wanted = expectationOf(selection) ?? likeAudit?.expect ?? null;
  return [
    ...declared.map((one) => partOf(lists.open(one.domains.file, one.domains.column), one, one.expect)),
    ...(domains.length === 0 ? [] : [partOf(lists.ofNames(domains), likeAudit, wanted)]),
    ...selection.lists.map((file) => partOf(lists.open(file, selection.column), likeAudit, wanted)),
  ];
}

function wantsOf(
  { isQuick, isDeep }: AuditSelection,
  { spfInclude, failoverHosts }: AuditContext,
): GatherWants {
  const isMore = !isQuick;
  return {
    sts: isMore,
    dane: isMore,
    tlsRpt: isMore,
    spf: spfInclude !== null,
    authorities: isMore,
    deep: isDeep,
    failoverHosts,
  };
}

/** A word without a dot is no domain; it was meant to name an audit. */
function checkDomains(domains: readonly string[], audits: readonly AuditConfig[]): void {
  const word = domains.find((one) => !one.includes('.') && /^[\w-]+$/.test(one));
  if (word !== undefined) throw unknownAudit(word, audits);
}

function auditNamed(name: string, audits: readonly AuditConfig[]): AuditConfig {
  const found = audits.find((one) => one.name === name);
  if (found === undefined) throw unknownAudit(name, audits);
  return found;
}

function unknownAudit(name: string, audits: readonly AuditConfig[]): UsageError {
  const names = audits.map((one) => one.name);
  const meant = nearest(name, names);
  return new UsageError('usage', `there is no audit ${JSON.stringify(sanitise(name, 80))}`, {
    hint:
      meant === null
        ? names.length === 0
          ? 'the configuration declares none; name domains as in example.com'
          : `audits: ${names.slice(0, 20).join(', ')}`
        : `did you mean ${meant}?`,
  });
}

function nothingToAudit(config: Config | null): UsageError {
  const why = config === null ? 'there is no configuration' : 'the configuration declares no audits';
  return new UsageError('usage', `there is nothing to audit: no domain was named, and ${why}`, {
    hint: 'mxctl audit example.com, mxctl audit --domains FILE, or declare audits: in mxctl.yaml',
  });
}

function expectationOf({ expect, match }: AuditSelection): Expectation | null {
  const mx = expect.map((text) => {
    const parsed = parseDomainName(text);
    if (parsed.ok && isHostName(parsed.name)) return parsed.name;
    throw new UsageError(
      'usage',
      `--expect wants the name of an exchange, not ${JSON.stringify(sanitise(text, 80))}`,
      {
        hint: 'for example --expect mx1.example.net; repeat it for more',
      },
    );
  });
  return mx.length === 0 ? null : { mx, match };
}
