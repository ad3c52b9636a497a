// Checks a request's AWS Signature Version 4 as AWS does: unknown key, wrong secret, wrong time.

import { createHash, createHmac } from 'node:crypto';
import type { IncomingHttpHeaders } from 'node:http';

export interface AwsKey {
  readonly id: string;
  readonly secret: string;
  readonly token?: string;
  readonly arn: string;
}

export interface SignedRequest {
  readonly method: string;
  /** Path and query as sent. */
  readonly url: string;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
}

export type SignatureVerdict =
  | { readonly ok: true; readonly key: AwsKey }
  | { readonly ok: false; readonly code: string; readonly message: string };

/** AWS takes signatures of five minutes before and after. */
const toleranceMs = 300_000;

const sha256 = (text: string) => createHash('sha256').update(text).digest('hex');
const hmac = (key: string | Buffer, text: string) => createHmac('sha256', key).update(text).digest();

export function checkSignature(
  request: SignedRequest,
  keys: ReadonlyMap<string, AwsKey>,
  now: number,
): SignatureVerdict {
  const refuse = (code: string, message: string): SignatureVerdict => ({ ok: false, code, message });
  const parts =
    /^AWS4-HMAC-SHA256 Credential=([^/]+)\/(\d{8})\/([\w-]+)\/(\w+)\/aws4_request, SignedHeaders=([\w;-]+), Signature=([0-9a-f]{64})$/.exec(
      request.headers.authorization ?? '',
    );
  if (parts === null) return refuse('MissingAuthenticationToken', 'Missing Authentication Token');
  const [, id = '', day = '', region = '', service = '', signed = '', signature = ''] = parts;
  const key = keys.get(id);
  if (key === undefined || (key.token ?? undefined) !== request.headers['x-amz-security-token'])
    return refuse('InvalidClientTokenId', 'The security token included in the request is invalid.');
  const date = String(request.headers['x-amz-date']);
  const [path = '', query = ''] = request.url.split('?');
  const canonical = [
    request.method,
    path,
    query
      .split('&')
      .filter((one) => one !== '')
      .map((one) => (one.includes('=') ? one : `${one}=`))
      .sort()
      .join('&'),
    ...signed.split(';').map((name) => `${name}:${String(request.headers[name]).trim()}`),
    '',
    signed,
    sha256(request.body),
  ].join('\n');
  const scope = `${day}/${region}/${service}/aws4_request`;
  const signing = [day, region, service, 'aws4_request'].reduce<string | Buffer>(
    (last, part) => hmac(last, part),
    `AWS4${key.secret}`,
  );
  const wanted = hmac(signing, ['AWS4-HMAC-SHA256', date, scope, sha256(canonical)].join('\n')).toString(
    'hex',
  );
  if (wanted !== signature)
    return refuse(
      'SignatureDoesNotMatch',
      `The request signature we calculated does not match the signature you provided. The Canonical String for this request should have been\n'${canonical}'`,
    );
  const at = Date.parse(date.replace(/^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z$/, '$1-$2-$3T$4:$5:$6Z'));
  if (at < now - toleranceMs)
    return refuse('SignatureDoesNotMatch', `Signature expired: ${date} is now earlier than ...`);
  if (at > now + toleranceMs)
    return refuse('SignatureDoesNotMatch', `Signature not yet current: ${date} is still later than ...`);
  return { ok: true, key };
}
