// A primary's answer to one message over TCP: signed UPDATEs and authoritative queries of its zones. Pure but for the
// HMAC; the sandbox's update port and the tests put a socket around it. No wildcards, no delegation, no DNSSEC.
// RFC 2136 §3; RFC 8945 §5.2, §5.3; RFC 1035 §4.3.2 as far as a zone of plain records needs it.

import { type DomainName, isWithin, labelsOf } from '../model/domain-name.ts';
import { decodeMessage } from './decode.ts';
import { encodeMessage, makeMessage, makeResponse } from './encode.ts';
import { classes, type Decoded, type Message, opcodes, rcodes, type ResourceRecord } from './message.ts';
import { signMessage, type TsigFault, type TsigKey, verifyTsig } from './tsig.ts';
import { applyUpdate } from './update-server.ts';

export interface PrimaryZone {
  readonly name: DomainName;
  readonly records: readonly ResourceRecord[];
}

export interface PrimaryAnswer {
  /** Null where the octets deserve no answer. */
  readonly octets: Uint8Array | null;
  /** The zone as it is now, where an UPDATE changed it. */
  readonly changed: PrimaryZone | null;
}

type DecodedMessage = Extract<Decoded, { ok: true }>;

/** RFC 8945 §5.2.1–5.2.4. */
const errorOf: Readonly<Record<Exclude<TsigFault, 'unsigned'>, number>> = {
  key: rcodes.BADKEY,
  signature: rcodes.BADSIG,
  truncation: rcodes.BADTRUNC,
  time: rcodes.BADTIME,
};

/** RFC 8945 §5.3.2: what could be verified is answered signed; BADKEY and BADSIG are not. */
function refuseTsig(
  decoded: DecodedMessage,
  key: TsigKey | undefined,
  fault: Exclude<TsigFault, 'unsigned'>,
  nowSeconds: number,
): Uint8Array {
  const { message } = decoded;
  const response = makeResponse(message, { rcode: rcodes.NOTAUTH });
  const error = errorOf[fault];
  if (message.tsig === null) return encodeMessage(response);
  if (key === undefined || fault === 'key' || fault === 'signature')
    return encodeMessage({
      ...response,
      tsig: { ...message.tsig, mac: new Uint8Array(), error, otherData: new Uint8Array() },
    });
  const otherData = Buffer.alloc(fault === 'time' ? 6 : 0);
  if (fault === 'time') otherData.writeUIntBE(nowSeconds, 0, 6);
  const { timeSigned, mac } = message.tsig;
  const signedAt = fault === 'time' ? timeSigned : nowSeconds;
  return signMessage(response, key, signedAt, mac, { error, otherData }).octets;
}

function zoneFor(name: DomainName, zones: readonly PrimaryZone[]): PrimaryZone | undefined {
  return zones
    .filter((zone) => isWithin(name, zone.name))
    .sort((a, b) => labelsOf(b.name).length - labelsOf(a.name).length)[0];
}

function answerQuery(query: Message, zones: readonly PrimaryZone[]): Message {
  const [question] = query.questions;
  if (question === undefined || query.questions.length !== 1)
    return makeResponse(query, { rcode: rcodes.FORMERR });
  const zone = zoneFor(question.name, zones);
  if (zone === undefined || question.class !== classes.in)
    return makeResponse(query, { rcode: rcodes.REFUSED });
  const atName = zone.records.filter((record) => record.owner === question.name);
  const answers = atName.filter(
    (record) => record.type === question.type || record.type === 'CNAME' || question.type === 'ANY',
  );
  // RFC 2308 §2: a negative answer carries the SOA. A name with names below it exists.
  const authorities = answers.length > 0 ? [] : zone.records.filter((record) => record.type === 'SOA');
  const exists = zone.records.some((record) => isWithin(record.owner, question.name));
  return makeResponse(query, {
    isAuthoritative: true,
    rcode: exists ? rcodes.NOERROR : rcodes.NXDOMAIN,
    answers,
    authorities,
  });
}

function answerUpdate(
  update: Message,
  zones: readonly PrimaryZone[],
): { response: Message; changed: PrimaryZone | null } {
  const zone = zones.find((one) => one.name === update.questions[0]?.name);
  const refuse = (rcode: number) => ({ response: makeResponse(update, { rcode }), changed: null });
  if (zone === undefined) return refuse(rcodes.NOTAUTH);
  const { rcode, records } = applyUpdate(zone.name, zone.records, update);
  const changed = records === zone.records ? null : { name: zone.name, records };
  return { response: makeResponse(update, { rcode }), changed };
}

/** Answers one message. With keys, an UPDATE must be signed with one of them (else REFUSED); a query need not be. */
export function answerAsPrimary(
  octets: Uint8Array,
  primary: {
    readonly zones: readonly PrimaryZone[];
    readonly keys: readonly TsigKey[];
    readonly nowSeconds: number;
  },
): PrimaryAnswer {
  const decoded = decodeMessage(octets);
  if (!decoded.ok) {
    const id = octets.length < 2 ? null : (octets[0] ?? 0) * 256 + (octets[1] ?? 0);
    const response = makeMessage({ id: id ?? 0, isResponse: true, rcode: rcodes.FORMERR });
    return { octets: id === null ? null : encodeMessage(response), changed: null };
  }
  const { message } = decoded;
  // RFC 1035 §7.3: an answer is never answered.
  if (message.isResponse) return { octets: null, changed: null };
  const key = primary.keys.find((one) => one.name === message.tsig?.keyName);
  if (message.tsig !== null) {
    const verdict =
      key === undefined
        ? ({ ok: false, fault: 'key' } as const)
        : verifyTsig(octets, decoded, key, { requestMac: null, nowSeconds: primary.nowSeconds });
    if (!verdict.ok) {
      const fault = verdict.fault === 'unsigned' ? 'signature' : verdict.fault;
      return { octets: refuseTsig(decoded, key, fault, primary.nowSeconds), changed: null };
    }
  }
  const { response, changed } = answer(
    message,
    primary.zones,
    key !== undefined || primary.keys.length === 0,
  );
  const reply =
    key === undefined || message.tsig === null
      ? encodeMessage(response)
      : signMessage(response, key, primary.nowSeconds, message.tsig.mac).octets;
  return { octets: reply, changed };
}

function answer(
  message: Message,
  zones: readonly PrimaryZone[],
  mayUpdate: boolean,
): { response: Message; changed: PrimaryZone | null } {
  if (message.opcode === opcodes.query) return { response: answerQuery(message, zones), changed: null };
  if (message.opcode === opcodes.update && mayUpdate) return answerUpdate(message, zones);
  const rcode = message.opcode === opcodes.update ? rcodes.REFUSED : rcodes.NOTIMP;
  return { response: makeResponse(message, { rcode }), changed: null };
}
