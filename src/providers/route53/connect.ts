// The SDK's client with credentials from its own chain: environment, profile, container, instance; and `role_arn` assumed
// on top. Loads the SDK when called, and STS only where it is needed.

import type { Route53Client, Sdk } from './sdk.ts';
import type { STSClientConfig } from './sts.ts';

export interface AwsAccess {
  readonly roleArn: string | null;
  readonly externalId: string | null;
  readonly profile: string | null;
  readonly region: string | null;
  readonly endpoint: string | null;
  /** Bound of each answer; ms. */
  readonly timeoutMs: number;
}

export interface Connection {
  readonly sdk: Sdk;
  readonly client: Route53Client;
  /** 12 digits; null where nothing tells. */
  readAccount(signal: AbortSignal): Promise<string | null>;
  close(): void;
}

/** Route 53 is global and is signed for as us-east-1; another partition has another first region. */
const homeRegion = 'us-east-1';
/** Who we are is asked for the plan's sake only; ms. */
const accountTimeoutMs = 2000;
/** A connection is made within this or not at all: lost SYNs are repeated after 1 and 3 s; ms. */
const connectTimeoutMs = 5000;

export async function connect(access: AwsAccess): Promise<Connection> {
  const { sdk } = await import('./sdk.ts');
  const { profile, endpoint } = access;
  const region = access.region ?? (await environmentRegion(sdk, profile));
  const common = {
    region,
    ...(profile === null ? {} : { profile }),
    // Retries, and their deadline, are ours.
    maxAttempts: 1,
    requestHandler: { connectionTimeout: Math.min(connectTimeoutMs, access.timeoutMs) },
  };
  const client = new sdk.Route53Client({
    ...common,
    ...(endpoint === null ? {} : { endpoint }),
    ...(access.roleArn === null
      ? {}
      : { credentials: () => assumeRole(access.roleArn ?? '', access, common) }),
  });
  return {
    sdk,
    client,
    readAccount: async (signal) => {
      const ofRole = access.roleArn?.split(':')[4];
      if (ofRole !== undefined) return ofRole;
      const credentials = await client.config.credentials();
      if (credentials.accountId !== undefined) return credentials.accountId;
      // An emulator's account is none of STS's business.
      if (endpoint !== null) return null;
      const { STSClient, GetCallerIdentityCommand } = await import('./sts.ts');
      const sts = new STSClient({ ...common, credentials });
      try {
        const abortSignal = AbortSignal.any([signal, AbortSignal.timeout(accountTimeoutMs)]);
        const { Account } = await sts.send(new GetCallerIdentityCommand({}), { abortSignal });
        return Account !== undefined && /^\d{12}$/.test(Account) ? Account : null;
      } finally {
        sts.destroy();
      }
    },
    close: () => {
      client.destroy();
    },
  };
}

/** The region of the environment or the profile, as the SDK finds it. */
async function environmentRegion(sdk: Connection['sdk'], profile: string | null): Promise<string> {
  const probe = new sdk.Route53Client(profile === null ? {} : { profile });
  try {
    return await probe.config.region();
  } catch {
    return homeRegion;
  } finally {
    probe.destroy();
  }
}

/** Kept by the SDK until shortly before they expire. */
async function assumeRole(roleArn: string, { externalId }: AwsAccess, common: STSClientConfig) {
  const { STSClient, AssumeRoleCommand } = await import('./sts.ts');
  const sts = new STSClient({ ...common, maxAttempts: 3 });
  try {
    const { Credentials } = await sts.send(
      new AssumeRoleCommand({
        RoleArn: roleArn,
        RoleSessionName: 'mxctl',
        ...(externalId === null ? {} : { ExternalId: externalId }),
      }),
    );
    if (Credentials?.AccessKeyId === undefined || Credentials.SecretAccessKey === undefined)
      throw Object.assign(new Error('STS gave no credentials for the role'), {
        name: 'CredentialsProviderError',
      });
    return {
      accessKeyId: Credentials.AccessKeyId,
      secretAccessKey: Credentials.SecretAccessKey,
      ...(Credentials.SessionToken === undefined ? {} : { sessionToken: Credentials.SessionToken }),
      ...(Credentials.Expiration === undefined ? {} : { expiration: Credentials.Expiration }),
    };
  } finally {
    sts.destroy();
  }
}
