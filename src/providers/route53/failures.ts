// What went wrong with one call to AWS: the SDK's errors sorted by what they mean for us. Pure. Never repeats what AWS
// says about a signature: its text quotes the request's headers, session token included.

import { sanitise } from '../../model/text.ts';

/** not-sent: nothing left this machine; lost: sent, and no answer that can be read. What is neither lost nor odd was
 *  surely not carried out. */
export type FailureKind =
  | 'throttled'
  | 'busy'
  | 'denied'
  | 'credentials'
  | 'clock-skew'
  | 'no-zone'
  | 'batch-refused'
  | 'odd'
  | 'not-sent'
  | 'lost';

export class CallFailure extends Error {
  readonly kind: FailureKind;
  /** e.g. `route53:GetChange`. */
  readonly action: string;
  /** AWS's code, or the operating system's. */
  readonly code: string;

  constructor(kind: FailureKind, action: string, code: string, message: string) {
    super(message);
    this.kind = kind;
    this.action = action;
    this.code = code;
  }
}

/** HTTP 400, not 429: Route 53 says `Throttling`, other services under the same SDK the rest. */
const throttlingCodes = new Set([
  'Throttling',
  'ThrottlingException',
  'ThrottledException',
  'RequestLimitExceeded',
  'TooManyRequestsException',
  'SlowDown',
]);
const credentialCodes = new Set([
  'InvalidClientTokenId',
  'UnrecognizedClientException',
  'SignatureDoesNotMatch',
  'InvalidSignatureException',
  'IncompleteSignature',
  'MissingAuthenticationToken',
  'MissingAuthenticationTokenException',
  'ExpiredToken',
  'ExpiredTokenException',
  'OptInRequired',
  'CredentialsProviderError',
  'TokenProviderError',
]);
const skewCodes = new Set(['RequestExpired', 'RequestInTheFuture', 'RequestTimeTooSkewed']);
const deniedCodes = new Set(['AccessDenied', 'AccessDeniedException', 'NotAuthorizedException']);
/** No connection was made, so nothing was sent. */
const unsentCodes = new Set([
  'ECONNREFUSED',
  'ENOTFOUND',
  'EAI_AGAIN',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'EADDRNOTAVAIL',
  'ERR_TLS_CERT_ALTNAME_INVALID',
  'CERT_HAS_EXPIRED',
  'DEPTH_ZERO_SELF_SIGNED_CERT',
  'SELF_SIGNED_CERT_IN_CHAIN',
  'UNABLE_TO_GET_ISSUER_CERT_LOCALLY',
  'UNABLE_TO_VERIFY_LEAF_SIGNATURE',
]);

interface SdkError {
  readonly name?: unknown;
  readonly message?: unknown;
  readonly code?: unknown;
  /** Of InvalidChangeBatch in the documented shape. */
  readonly messages?: unknown;
  /** Of InvalidChangeBatch without an ErrorResponse around it: the SDK knows no code then, and keeps the element. */
  readonly Messages?: { readonly Message?: unknown };
  readonly $metadata?: { readonly httpStatusCode?: unknown };
}

const textOf = (value: unknown) => (typeof value === 'string' ? value : '');

/** `action`: what was asked, where AWS does not say itself. */
export function failureOf(action: string, error: unknown): CallFailure {
  const given = (typeof error === 'object' && error !== null ? error : {}) as SdkError;
  const name = textOf(given.name);
  const code = textOf(given.code);
  const message = textOf(given.message);
  const status = given.$metadata?.httpStatusCode;
  const fail = (kind: FailureKind, text: string, asked = action, as = name) =>
    new CallFailure(kind, asked, as, sanitise(text));

  if (throttlingCodes.has(name)) return fail('throttled', message);
  if (name === 'PriorRequestNotComplete') return fail('busy', message);
  if (name === 'InvalidChangeBatch' || given.Messages !== undefined)
    return fail('batch-refused', batchTextOf(given), action, 'InvalidChangeBatch');
  if (skewCodes.has(name) || /Signature (expired|not yet current)/.test(message))
    return fail('clock-skew', 'the signature is not of this time');
  if (credentialCodes.has(name)) return fail('credentials', credentialText(name, message));
  if (deniedCodes.has(name)) {
    const denied = /perform: ([\w-]+:\w+)/.exec(message)?.[1] ?? action;
    return fail('denied', message, denied);
  }
  if (name === 'NoSuchHostedZone' || name === 'HostedZoneNotFound') return fail('no-zone', message);
  if (typeof status === 'number' && status >= 400 && status < 500)
    return fail('odd', message === '' ? name : message);
  if (typeof status === 'number')
    return fail('lost', `HTTP ${status}: ${message.split('\n', 1)[0] ?? ''}`, action, `HTTP ${status}`);
  if (unsentCodes.has(code)) return fail('not-sent', message, action, code);
  return fail('lost', message === '' ? 'no answer' : message, action, code === '' ? name : code);
}

/** Several reasons come joined in one text, or one by one. */
function batchTextOf({ message, messages, Messages }: SdkError): string {
  const raw = Messages?.Message ?? messages;
  const texts = (Array.isArray(raw) ? raw : [raw]).map(textOf).filter((text) => text !== '');
  return texts.length > 0 ? texts.join('; ') : textOf(message).replace(/^\[(.*)\]$/s, '$1');
}

function credentialText(name: string, message: string): string {
  // The SDK's own words, about where it looked. They hold file names and no secrets.
  return name.endsWith('ProviderError') ? message : name;
}
