// The parts of the AWS SDK's client for STS that are used; beside sdk.ts, for most runs need none of it.

export { AssumeRoleCommand, GetCallerIdentityCommand, STSClient } from '@aws-sdk/client-sts';
export type { STSClientConfig } from '@aws-sdk/client-sts';
