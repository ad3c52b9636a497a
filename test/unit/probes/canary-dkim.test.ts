// The signature as a receiver reads it: with mailauth, which is not what made it.
import { createPublicKey, generateKeyPairSync } from 'node:crypto';

import { dkimVerify } from 'mailauth/lib/dkim/verify.js';
import { describe, expect, test } from 'vitest';

import { ConfigError } from '../../../src/errors.ts';
import { domainNameOf } from '../../../src/model/domain-name.ts';
import { Secret } from '../../../src/model/secret.ts';
import { createDkimSigner } from '../../../src/probes/canary/dkim.ts';
import { composeCanary } from '../../../src/probes/canary/message.ts';

const pem = { type: 'pkcs8', format: 'pem' } as const;
const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
const secret = new Secret(privateKey.export(pem).toString());
const published = createPublicKey(privateKey).export({ type: 'spki', format: 'der' }).toString('base64');

const key = { domain: 'ops.example', selector: 'mxctl', privateKey: { file: '/nowhere' } };
const sign = createDkimSigner(key, secret);
const order = {
  token: 'mxc-01km3z6q8v5t7wxyz0123456ab-abcdefghijklmnopqrstuvwxyz',
  route: 'Straße\r\nBcc: you@example.com',
  path: 'proxy',
  vantage: 'here and there and everywhere between the two of them and further away still',
  hop: { exchange: domainNameOf('mx.example.com'), address: '192.0.2.1', port: 25 },
  sentAt: Date.parse('2026-11-22T03:12:00Z'),
};
const compose = () => composeCanary(order, { from: 'canary@ops.example', to: 'canary@example.com' }, sign);

const asked: string[] = [];
async function verify(message: Buffer) {
  const resolver = (name: string, type: string): Promise<string[][]> => {
    asked.push(`${name} ${type}`);
    return Promise.resolve([[`v=DKIM1; k=rsa; p=${published}`]]);
  };
  const { results } = await dkimVerify(message, { resolver });
  return results[0];
}

test('a signed canary verifies, with the key published for the selector', async () => {
  const result = await verify(await compose());
  expect(result).toMatchObject({
    signingDomain: 'ops.example',
    selector: 'mxctl',
    status: { result: 'pass' },
  });
  expect(result?.status).toMatchObject({ aligned: 'ops.example' });
  expect(asked).toEqual(['mxctl._domainkey.ops.example TXT']);
});

test('signed again it is the same octets', async () => {
  expect(await compose()).toEqual(await compose());
});

test.each([
  ['its token', 'X-Mxctl-Canary: mxc-01km', 'X-Mxctl-Canary: mxc-02km'],
  ['its path', 'X-Mxctl-Path: proxy', 'X-Mxctl-Path: direct'],
  ['its date', 'Nov 2026', 'Nov 2025'],
  ['its sender', 'From: canary@', 'From: another@'],
  ['its subject', 'Subject: mxctl canary', 'Subject: [SPAM] mxctl canary'],
  ['that no machine answers it', 'auto-generated', 'no'],
  ['its text', 'This is a canary', 'This is a canape'],
])('a filter that changes %s breaks the signature', async (_title, from, to) => {
  const text = (await compose()).toString('latin1');
  expect(text).toContain(from);
  const result = await verify(Buffer.from(text.replace(from, to), 'latin1'));
  expect(result?.status.result).not.toBe('pass');
});

test('a relay that puts its Received above and folds anew does not', async () => {
  const text = (await compose()).toString('latin1');
  const relayed = `Received: from a by b; Sun, 22 Nov 2026 03:12:01 +0000\r\n${text.replace('Subject: mxctl canary', 'Subject:  mxctl\r\n\tcanary')}`;
  expect((await verify(Buffer.from(relayed, 'latin1')))?.status.result).toBe('pass');
});

describe('a key that cannot sign is refused before anything is sent', () => {
  const ed25519 = generateKeyPairSync('ed25519').privateKey.export(pem);
  const elliptic = generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey.export(pem);
  const short = generateKeyPairSync('rsa', { modulusLength: 512 }).privateKey.export(pem);
  const locked = privateKey.export({ ...pem, cipher: 'aes-256-cbc', passphrase: 'x' });
  test.each([
    ['no key', 'hunter2-hunter2', 'not a private key in PEM'],
    [
      'the public half',
      createPublicKey(privateKey).export({ type: 'spki', format: 'pem' }),
      'not a private key',
    ],
    ['one under a passphrase', locked, 'without a passphrase'],
    ['Ed25519', ed25519, 'not an RSA key'],
    ['ECDSA', elliptic, 'not an RSA key'],
    ['512 bits', short, '512 bits, fewer than 1024'],
  ])('%s', (_title, text, words) => {
    const refused = () => createDkimSigner(key, new Secret(text.toString()));
    expect(refused).toThrow(ConfigError);
    expect(refused).toThrow(words);
    expect(refused).not.toThrow(/hunter2/);
  });
});
