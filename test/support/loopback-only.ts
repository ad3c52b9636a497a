// Traffic off loopback fails the suite: every connect and send of a test goes through these two doors.
import dgram from 'node:dgram';
import net from 'node:net';

const loopback = /^(127\.|::1$|::ffff:127\.|localhost$|0\.0\.0\.0$|::$)/;

/** Hosts that the person who runs the suite against a real provider has named. */
const named = new Set((process.env['MXCTL_E2E_HOSTS'] ?? '').split(',').filter(Boolean));

function refuse(address: string): never {
  throw new Error(`off-loopback traffic in a test: ${address}`);
}

// eslint-disable-next-line @typescript-eslint/unbound-method -- re-bound by apply below
const connect = net.Socket.prototype.connect;
net.Socket.prototype.connect = function (this: net.Socket, ...args: unknown[]) {
  const first = Array.isArray(args[0]) ? (args[0] as unknown[])[0] : args[0];
  const host =
    typeof first === 'object' && first !== null
      ? ((first as { host?: string; path?: string }).path ?? (first as { host?: string }).host)
      : args[1];
  if (typeof host === 'string' && !host.startsWith('/') && !loopback.test(host) && !named.has(host))
    refuse(host);
  return Reflect.apply(connect, this, args) as net.Socket;
};

// eslint-disable-next-line @typescript-eslint/unbound-method -- re-bound by apply below
const send = dgram.Socket.prototype.send as (...args: unknown[]) => void;
dgram.Socket.prototype.send = function (this: dgram.Socket, ...args: unknown[]) {
  const host = args.find((one) => typeof one === 'string' && /^[\d.:a-f]+$/.test(one));
  if (typeof host === 'string' && !loopback.test(host)) refuse(host);
  Reflect.apply(send, this, args);
} as typeof dgram.Socket.prototype.send;

// A connected socket sends without naming a host, so connecting is the door. Link-local is refused by the kernel
// before anything is sent; a test shows that.
// eslint-disable-next-line @typescript-eslint/unbound-method -- re-bound by apply below
const connectUdp = dgram.Socket.prototype.connect as (...args: unknown[]) => void;
dgram.Socket.prototype.connect = function (this: dgram.Socket, ...args: unknown[]) {
  const host = args.find((one) => typeof one === 'string');
  if (typeof host === 'string' && !loopback.test(host) && !host.startsWith('fe80:')) refuse(host);
  Reflect.apply(connectUdp, this, args);
};
