// The field's notation as records: zone file lines, and the lines of nsupdate.

import { classes, type ResourceRecord, type WireType } from '../../src/dns/message.ts';
import { domainNameOf } from '../../src/model/domain-name.ts';

const linesOf = (text: string) =>
  text
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '');

/** `OWNER TTL TYPE RDATA` a line. */
export function zoneLines(text: string): ResourceRecord[] {
  return linesOf(text).map((line) => {
    const [owner = '', ttl = '', type = '', ...rdata] = line.split(/\s+/);
    return {
      owner: domainNameOf(owner),
      type: type as WireType,
      class: classes.in,
      ttl: Number(ttl),
      rdata: rdata.join(' '),
    };
  });
}

export function formatZoneLines(records: readonly ResourceRecord[]): string[] {
  return records.map((one) => `${one.owner} ${one.ttl} ${one.type} ${one.rdata ?? ''}`);
}

/** `prereq yxrrset|nxrrset|yxdomain|nxdomain NAME [TYPE [RDATA]]`, `add NAME TTL TYPE RDATA`, `delete NAME [TYPE [RDATA]]`. */
export function updateLines(text: string): { answers: ResourceRecord[]; authorities: ResourceRecord[] } {
  const answers: ResourceRecord[] = [];
  const authorities: ResourceRecord[] = [];
  for (const line of linesOf(text)) {
    const words = line.split(/\s+/);
    if (words[0] === 'add') authorities.push(...zoneLines(words.slice(1).join(' ')));
    else {
      const isPrerequisite = words[0] === 'prereq';
      const [name = '', type = 'ANY', ...rest] = words.slice(isPrerequisite ? 2 : 1);
      const rdata = rest.length === 0 ? null : rest.join(' ');
      const isNone = isPrerequisite ? words[1]?.startsWith('nx') : rdata !== null;
      const classNumber = isNone ? classes.none : rdata === null ? classes.any : classes.in;
      const record = { owner: domainNameOf(name), type: type as WireType, class: classNumber, ttl: 0, rdata };
      (isPrerequisite ? answers : authorities).push(record);
    }
  }
  return { answers, authorities };
}
