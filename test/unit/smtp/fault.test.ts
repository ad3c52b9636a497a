import { describe, expect, test } from 'vitest';

import { faultOf, tlsFaultOf } from '../../../src/smtp/fault.ts';

const errno = (code: string) => Object.assign(new Error(`connect ${code}`), { code });

describe('whose fault a socket error is', () => {
  test.each([
    ['ECONNREFUSED', '192.0.2.1', 'remote', 'connection refused'],
    ['ECONNRESET', '192.0.2.1', 'remote', 'connection reset'],
    ['EPIPE', '192.0.2.1', 'remote', 'connection closed'],
    ['ETIMEDOUT', '192.0.2.1', 'remote', 'connection timed out'],
    ['EHOSTUNREACH', '192.0.2.1', 'remote', 'no route to host'],
    ['ESOMETHING', '192.0.2.1', 'remote', 'ESOMETHING'],
    ['EHOSTUNREACH', '2001:db8::1', 'local', 'no IPv6 route from here'],
    ['ENETUNREACH', '2001:db8::1', 'local', 'no route from this machine'],
    ['ENETUNREACH', '192.0.2.1', 'local', 'no route from this machine'],
    ['EADDRNOTAVAIL', '192.0.2.1', 'local', 'source address is not on this machine'],
    ['EINVAL', '192.0.2.1', 'local', 'source address is of the other address family'],
    ['EMFILE', '192.0.2.1', 'local', 'too many open files'],
    ['ENOBUFS', '192.0.2.1', 'local', 'no buffer space on this machine'],
  ])('%s from %s is %s: %s', (code, address, kind, text) => {
    expect(faultOf(errno(code), address)).toEqual({ kind, text });
  });

  test('an error without a code is shown, sanitised and bounded', () => {
    expect(faultOf(new Error('odd\n\x1b'), '192.0.2.1').text).toBe('odd\\n\\u001b');
    expect(faultOf(new Error('x'.repeat(500)), '192.0.2.1').text).toHaveLength(80);
  });
});

test("a TLS fault is told in OpenSSL's word", () => {
  const error = Object.assign(errno('ERR_SSL_WRONG_VERSION_NUMBER'), { reason: 'wrong version number' });
  expect(tlsFaultOf(error)).toEqual({ kind: 'tls', text: 'TLS handshake failed: wrong version number' });
  expect(tlsFaultOf(errno('ECONNRESET')).text).toBe('TLS handshake failed: connection reset');
});
