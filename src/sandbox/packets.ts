// From our RRsets to dns2's packets, for the sandbox's own servers. Never used by the program
// proper: that has its own codec in dns/. RFC 1035 §3.3, RFC 6698 §2.1 (TLSA), RFC 6891 §6.1.1 (OPT is answered).

import { Packet } from 'dns2';
import { isDataType, numberOf, typeOf } from '../dns/rr-types.ts';
import { type DomainName, displayName, domainNameOf, parseDomainName } from '../model/domain-name.ts';
import type { Rrset, RrType } from '../model/rrset.ts';

type Resource = Packet['answers'][number];

/** DNS Flag Day 2020: what passes without fragments; the size our OPT offers. */
const udpSize = 1232;

/** dns2's names carry no trailing dot; the root is empty. */
const wireName = (name: DomainName): string => (name === '.' ? '' : displayName(name));

function rdataFields(type: RrType, rdata: string): Partial<Resource> {
  const words = rdata.split(' ');
  const name = (at: number) => wireName(domainNameOf(words[at] ?? ''));
  switch (type) {
    case 'A':
    case 'AAAA':
      return { address: rdata };
    case 'NS':
      return { ns: name(0) };
    case 'CNAME':
      return { domain: name(0) };
    case 'MX':
      return { priority: Number(words[0]), exchange: name(1) };
    case 'SOA': {
      const [serial, refresh, retry, expiration, minimum] = words.slice(2).map(Number);
      return {
        primary: name(0),
        admin: name(1),
        serial: serial ?? 0,
        refresh: refresh ?? 0,
        retry: retry ?? 0,
        expiration: expiration ?? 0,
        minimum: minimum ?? 0,
      };
    }
    case 'TXT':
      return { data: [...rdata.matchAll(/"((?:[^"\\]|\\.)*)"/g)].map((match) => match[1] ?? '') };
    case 'TLSA':
      return {
        data: Buffer.concat([Buffer.from(words.slice(0, 3).map(Number)), Buffer.from(words[3] ?? '', 'hex')]),
      };
    default:
      return { data: Buffer.from(words[2] ?? '', 'hex') };
  }
}

function toResources(rrset: Rrset): Resource[] {
  return rrset.rdata.map((rdata) => {
    const resource = new Packet.Resource(
      wireName(rrset.owner),
      numberOf(rrset.type),
      Packet.CLASS.IN,
      rrset.ttl,
    );
    return Object.assign(resource, rdataFields(rrset.type, rdata));
  });
}

/** The one question of a plain query, or the RCODE that answers anything else. */
export function questionOf(request: Packet): { name: DomainName; type: RrType | 'ANY' } | { rcode: number } {
  const question = request.questions[0];
  if (request.header.opcode !== 0) return { rcode: Packet.RCODE.NOTIMP };
  if (
    request.header.qr !== 0 ||
    request.questions.length !== 1 ||
    question === undefined ||
    request.errors.length > 0
  ) {
    return { rcode: Packet.RCODE.FORMERR };
  }
  const name = parseDomainName(question.name === '' ? '.' : `${question.name}.`);
  const type = typeOf(question.type);
  if (!name.ok) return { rcode: Packet.RCODE.FORMERR };
  return type === 'ANY' || isDataType(type) ? { name: name.name, type } : { rcode: Packet.RCODE.NOTIMP };
}

/** A response to `request`, its OPT answered. */
export function respondTo(
  request: Packet,
  rcode: number,
  sections: { answers?: readonly Rrset[]; authorities?: readonly Rrset[]; aa?: boolean; ra?: boolean } = {},
): Packet {
  const response = Packet.createResponseFromRequest(request);
  response.header.rcode = rcode;
  response.header.aa = sections.aa === true ? 1 : 0;
  response.header.ra = sections.ra === true ? 1 : 0;
  response.answers = (sections.answers ?? []).flatMap(toResources);
  response.authorities = (sections.authorities ?? []).flatMap(toResources);
  if (request.additionals.some((one) => one.type === Packet.TYPE.EDNS)) {
    response.additionals = [
      Object.assign(new Packet.Resource(''), Packet.Resource.EDNS([], { udpPayloadSize: udpSize })),
    ];
  }
  return response;
}
