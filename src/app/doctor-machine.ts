// Checks of `doctor` on the machine itself: the configuration that it finds, its Node, and who else may read or write
// the files that matter.

import type { SecretSource } from '../model/secret.ts';
import {
  type DoctorDeps,
  fail,
  failureOf,
  type FileFacts,
  type Finding,
  type Machine,
  ok,
  type Opened,
  unknown,
  warn,
} from './doctor-finding.ts';

/** Mistakes of a configuration that are shown; `validate` has them all. */
const mostMistakes = 8;

export function checkConfig({ config, configFault }: DoctorDeps): Finding[] {
  if (configFault !== null) {
    const lines = configFault.message.split('\n').slice(0, mostMistakes + 1);
    const failure = failureOf('config', null, configFault);
    return lines.map((text, at) => ({
      ...failure,
      text: text.trim(),
      next: at === lines.length - 1 ? failure.next : null,
    }));
  }
  if (config === null) return [];
  const { configFile, routes, providers, warnings } = config;
  const what = `${count(routes.size, 'route')}, ${count(providers.size, 'provider')}`;
  return [
    ok('config', null, `${configFile}: ${what}`),
    ...warnings.map(({ message, subject }) => warn('config', subject, message, null)),
  ];
}

function count(number: number, word: string): string {
  return `${number} ${word}${number === 1 ? '' : 's'}`;
}

/** `engines` of package.json: what the program is tested with, and the first with an SQLite that it needs. */
const leastNode = [22, 18] as const;

export function checkNode({ nodeVersion }: Machine): Finding[] {
  const [major = 0, minor = 0] = nodeVersion.split('.').map(Number);
  const isOldEnough = major > leastNode[0] || (major === leastNode[0] && minor >= leastNode[1]);
  if (isOldEnough) return [ok('node', null, nodeVersion)];
  return [fail('node', null, `${nodeVersion} is older than ${leastNode.join('.')}`, 'update Node.js')];
}

/** What the file's group, and what everybody may do. */
const groupWrite = 0o020;
const othersWrite = 0o002;
const othersRead = 0o004;

export async function checkFiles({ config, machine }: Opened): Promise<Finding[]> {
  const { configFile, stateUrl, providers, routes } = config;
  const sources = [
    ...(typeof stateUrl === 'object' ? secretsIn(stateUrl) : []),
    ...[...providers.values()].flatMap(secretsIn),
    ...[...routes.values()].flatMap((route) => secretsIn(route.canary)),
  ];
  const distinct = [...new Map(sources.map((one) => [JSON.stringify(one), one])).values()];
  const findings = [
    ...configRights(configFile, await machine.stat(configFile)),
    ...(await Promise.all(distinct.map((source) => checkSecret(source, machine)))),
  ];
  const odd = findings.filter((one) => one.status !== 'ok');
  if (odd.length > 0) return odd;
  return [ok('files', null, `the configuration and ${count(distinct.length, 'secret')} are nobody else's`)];
}

/** Who can write it can send the mail of every route elsewhere. */
function configRights(file: string, facts: FileFacts): Finding[] {
  if ('fault' in facts) return [unknown('files', file, `cannot be looked at: ${facts.fault}`)];
  if ((facts.mode & othersWrite) !== 0)
    return [fail('files', file, 'everybody on this machine may write it', `chmod o-w ${file}`)];
  if ((facts.mode & groupWrite) !== 0)
    return [warn('files', file, 'its group may write it', `chmod g-w ${file}, unless that is meant`)];
  return [ok('files', file, 'written by its owner alone')];
}

async function checkSecret(source: SecretSource, machine: Machine): Promise<Finding> {
  if ('command' in source) {
    const program = source.command[0] ?? '';
    return ok('files', program, 'a program that tells a secret; it runs when its provider is opened');
  }
  if ('env' in source) {
    return machine.hasEnvironment(source.env)
      ? ok('files', source.env, 'is set')
      : fail('files', source.env, 'this secret is not in the environment of this process', 'set it here too');
  }
  const file = 'file' in source ? source.file : machine.credentialFile(source.credential);
  if (file === null) {
    const name = 'credential' in source ? source.credential : '';
    return unknown(
      'files',
      name,
      'a credential of systemd, which only its unit sees',
      'run doctor within the unit: systemd-run with LoadCredential=',
    );
  }
  const facts = await machine.stat(file);
  if ('fault' in facts)
    return fail('files', file, `this secret cannot be read: ${facts.fault}`, 'check its name and its rights');
  // A warning only: container runtimes mount secrets as 0444.
  if ((facts.mode & (othersRead | othersWrite)) !== 0)
    return warn('files', file, 'everybody on this machine may read this secret', `chmod 600 ${file}`);
  return ok('files', file, 'read by its owner alone');
}

/** Every place of a secret within a block of the configuration, by its shape. */
function secretsIn(block: unknown): SecretSource[] {
  if (typeof block !== 'object' || block === null) return [];
  if (isSecretSource(block)) return [block];
  return Object.values(block).flatMap(secretsIn);
}

function isSecretSource(block: object): block is SecretSource {
  const [entry, ...more] = Object.entries(block) as [string, unknown][];
  if (entry === undefined || more.length > 0) return false;
  const [key, value] = entry;
  return key === 'command' ? Array.isArray(value) : isPlaceKey(key) && typeof value === 'string';
}

const isPlaceKey = (key: string) => key === 'file' || key === 'env' || key === 'credential';
