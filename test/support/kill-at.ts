// Loaded into the built program by `NODE_OPTIONS=--import`: counts the points at which a crash could hurt (before and
// after every commit of the state store, every message to the DNS provider, every reply of it) and kills the process
// with SIGKILL at one of them. Nothing of it is in the program itself.

import { appendFileSync } from 'node:fs';
import { Socket } from 'node:net';
import type { StatementResultingChanges } from 'node:sqlite';

/** The point to die at, from 1; 0 = none. */
const killAt = Number(process.env['MXCTL_TEST_KILL_AT'] ?? 0);
/** Where each point's name goes, one a line. */
const logFile = process.env['MXCTL_TEST_POINTS'] ?? '';
const portOf = (name: string) => Number(process.env[name] ?? 0);
const providerPort = portOf('MXCTL_TEST_PROVIDER_PORT');
const databasePort = portOf('MXCTL_TEST_DATABASE_PORT');

let count = 0;

function point(name: string): void {
  count += 1;
  if (logFile !== '') appendFileSync(logFile, `${name}\n`);
  if (count === killAt) process.kill(process.pid, 'SIGKILL');
}

const isCommit = (text: string): boolean => text.trim().toLowerCase() === 'commit';

function watchSqlite(): void {
  const { StatementSync } = process.getBuiltinModule('node:sqlite');
  const run = Reflect.get(StatementSync.prototype, 'run');
  StatementSync.prototype.run = function (...parameters: unknown[]) {
    const isPoint = isCommit(this.sourceSQL);
    if (isPoint) point('store: before commit');
    const result = Reflect.apply(run, this, parameters) as StatementResultingChanges;
    if (isPoint) point('store: after commit');
    return result;
  };
}

/** What a message of this socket is about; null where no crash there could hurt. */
function subjectOf(socket: Socket, octets: Uint8Array | string): string | null {
  if (socket.remotePort === undefined) return null;
  if (socket.remotePort === providerPort) return 'provider';
  // PostgreSQL's protocol: the text of a simple query, and the tag in the reply.
  const isDatabase = socket.remotePort === databasePort;
  return isDatabase && /\bcommit\b/i.test(Buffer.from(octets).toString('latin1')) ? 'database: commit' : null;
}

function watchSockets(): void {
  const [write, push] = [Reflect.get(Socket.prototype, 'write'), Reflect.get(Socket.prototype, 'push')];
  Socket.prototype.write = function (this: Socket, ...sent: unknown[]) {
    const subject = subjectOf(this, sent[0] as Uint8Array | string);
    if (subject !== null) point(`${subject}: before sending`);
    const isRoom = Reflect.apply(write, this, sent) as boolean;
    if (subject !== null) point(`${subject}: after sending`);
    return isRoom;
  };
  Socket.prototype.push = function (this: Socket, ...received: unknown[]) {
    const octets = received[0] as Uint8Array | null;
    const subject = octets === null ? null : subjectOf(this, octets);
    if (subject !== null) point(`${subject}: reply received`);
    return Reflect.apply(push, this, received) as boolean;
  };
}

watchSqlite();
watchSockets();
