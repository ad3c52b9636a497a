import { describe, expect, it } from 'vitest';
import { ConfigError } from '../../../src/errors.ts';
import { domainNameOf } from '../../../src/model/domain-name.ts';
import { Secret } from '../../../src/model/secret.ts';
import { ProviderShelf } from '../../../src/provider-shelf.ts';
import type { ProviderBlock } from '../../../src/providers/registry.ts';
import { systemClock } from '../../../src/runtime/clock.ts';

const block: ProviderBlock = {
  type: 'rfc2136',
  server: { address: '127.0.0.1', port: 53 },
  tsig: { name: domainNameOf('mxctl.'), algorithm: 'hmac-sha256', secret: { env: 'KEY' } },
  timeoutMs: 1000,
};

function shelf() {
  const scene = { secret: 'c2VzYW1l' as string | null, reads: 0 };
  const providers = new ProviderShelf({
    clock: systemClock,
    readSecret: () => {
      scene.reads += 1;
      return scene.secret === null
        ? Promise.reject(new ConfigError('secret-unreadable', 'it is not set'))
        : Promise.resolve(new Secret(scene.secret));
    },
  });
  const blocks = (one: ProviderBlock = block) => new Map([['bind', one]]);
  providers.use(blocks(), () => Promise.resolve(null));
  return { scene, providers, blocks };
}

describe('the providers of a program that is reloaded', () => {
  it('are opened on first use, once', async () => {
    const { scene, providers } = shelf();
    expect(scene.reads).toBe(0);
    const [one, other] = await Promise.all([providers.open('bind'), providers.open('bind')]);
    expect(one).toBe(other);
    expect(scene.reads).toBe(1);
  });

  it('stay open where block and secret are the same, and only there', async () => {
    const { scene, providers, blocks } = shelf();
    const opened = await providers.open('bind');
    const again = { ...block, tsig: { ...block.tsig } };
    expect(await providers.stale(blocks(again))).toEqual([]);
    expect(await providers.stale(blocks({ ...block, timeoutMs: 2000 }))).toEqual(['bind']);
    expect(await providers.stale(new Map())).toEqual(['bind']);
    scene.secret = 'bmV3ZXI=';
    const stale = await providers.stale(blocks());
    expect(stale).toEqual(['bind']);
    // Nothing is closed before somebody says so.
    expect(await providers.open('bind')).toBe(opened);
    await providers.drop(stale);
    expect(await providers.open('bind')).not.toBe(opened);
  });

  it('are all kept where a secret cannot be read any more', async () => {
    const { scene, providers, blocks } = shelf();
    const opened = await providers.open('bind');
    scene.secret = null;
    await expect(providers.stale(blocks())).rejects.toMatchObject({ code: 'secret-unreadable' });
    expect(await providers.open('bind')).toBe(opened);
  });

  it('that could not be opened are tried again in the next round', async () => {
    const { scene, providers } = shelf();
    scene.secret = null;
    await expect(providers.open('bind')).rejects.toMatchObject({ code: 'secret-unreadable' });
    scene.secret = 'c2VzYW1l';
    expect((await providers.open('bind')).name).toBe('bind');
    await providers.close();
  });
});
