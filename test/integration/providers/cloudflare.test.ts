import { domainNameOf } from '../../../src/model/domain-name.ts';
import { cloudflareAt } from '../../support/cloudflare-world.ts';
import { CloudflareFake } from '../../support/fakes/cloudflare.ts';
import { describeProviderContract } from '../../support/provider-contract.ts';

describeProviderContract('cloudflare keeps the contract of a provider', async () => {
  const fake = new CloudflareFake();
  fake.addZone({ name: 'example.com' });
  fake.addZone({ name: 'shop.example' });
  const url = await fake.listen();
  return {
    provider: cloudflareAt(url),
    zone: domainNameOf('example.com'),
    otherZone: domainNameOf('shop.example'),
    unknownZone: domainNameOf('unknown.example'),
    read: (owner, type) => Promise.resolve(fake.read(owner, type)),
    write: (owner, type, rrset) => {
      fake.write(owner, type, rrset);
      return Promise.resolve();
    },
    withWrongCredentials: () => cloudflareAt(url, { token: 'other-token-0123456789abcdefghijklmnopqr' }),
    withClockOff: null,
    // Port 1 of a loopback address that nothing binds.
    withNobodyThere: () => cloudflareAt('http://127.255.255.254:1/client/v4'),
    faults: {
      loseReplyAfterApply: () => void fake.writeFaults.push('close-after'),
      loseReplyBeforeApply: () => void fake.writeFaults.push('close-before'),
      loseReplyAndFallSilent: () => void fake.writeFaults.push('then-gone'),
      beforeWrite: (run) => {
        fake.beforeBatch = () => {
          fake.beforeBatch = null;
          run();
        };
      },
    },
    close: () => {
      fake.close();
      return Promise.resolve();
    },
  };
});
