// The parts of the AWS SDK's client for Route 53 that are used. Named one by one, so that the build leaves the rest out
// (rolldown.config.js): as it is published, the package reads every operation of the service.

import {
  ChangeResourceRecordSetsCommand,
  GetChangeCommand,
  GetHostedZoneCommand,
  ListHostedZonesByNameCommand,
  ListResourceRecordSetsCommand,
  Route53Client,
} from '@aws-sdk/client-route-53';

export type { Route53Client } from '@aws-sdk/client-route-53';

export const sdk = {
  ChangeResourceRecordSetsCommand,
  GetChangeCommand,
  GetHostedZoneCommand,
  ListHostedZonesByNameCommand,
  ListResourceRecordSetsCommand,
  Route53Client,
};
export type Sdk = typeof sdk;
