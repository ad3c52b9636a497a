// What each command that only looks, or only notes, prints: for a person, for a script, on a terminal, and in the face
// of servers that mean ill.

import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import net from 'node:net';
import path from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, it, onTestFinished } from 'vitest';
import { type CliWorld, expectHarmless, expectScreen, startCliWorld } from '../../support/cli-world.ts';

let flow: CliWorld;
beforeAll(async () => {
  flow = await startCliWorld();
  flow.useConfig((yaml) => yaml.replace('interval: 1s', 'interval: 5m').replace('forgive: 3', 'forgive: 1'));
});
beforeEach(() => flow.reset());
afterAll(() => flow.close());

describe('every command', () => {
  it('answers with one envelope, text within 80 columns, and Next only to a terminal', async () => {
    const commands: [string[], number][] = [
      [['status'], 8],
      [['probe'], 0],
      [['plan', 'shop'], 0],
      [['history'], 0],
      [['validate'], 0],
      [['schema', 'config'], 0],
    ];
    const screens = await Promise.all(
      commands.map(async ([args, exitCode]) => {
        const [text, json] = await Promise.all([flow.run(args), flow.json(args)]);
        expect([args, text.exitCode, json.exit_code]).toEqual([args, exitCode, exitCode]);
        expect(json.error).toBeNull();
        return text;
      }),
    );
    for (const { stdout, stderr } of screens) {
      expect(stderr).toBe('');
      expect(stdout).not.toMatch(/^Next/m);
      if (!stdout.startsWith('{')) expectScreen(stdout);
    }
    const [status, probe, , , validate, schema] = screens.map(({ stdout }) => stdout);
    expect(status).toMatch(/\nshop {3}proxy {3}\? {7}direct \? {2}in sync {2}-\n/);
    expect(probe).toMatch(/\n4 hops: 4 pass, 0 fail\n$/);
    expect(validate).toMatch(/\nok: 1 route, recovers within \S+\n$/);
    expect(JSON.parse(schema ?? '')).toMatchObject({ type: 'object' });
  });

  it('has one envelope for what it cannot do too', async () => {
    const cases: [string[], string][] = [
      [['watch'], 'change-unknown'],
      [['rollback'], 'change-unknown'],
      [['status', 'shopp'], 'route-unknown'],
      [['probe', 'mx1..example'], 'usage'],
    ];
    await Promise.all(
      cases.map(async ([args, code]) => {
        const { exit_code, data, error } = await flow.json(args);
        expect([args, exit_code, data, error?.code]).toEqual([args, 64, null, code]);
      }),
    );
  });

  it('tells a person on a terminal what to type next', async () => {
    const run = await flow.startOnTerminal(['status']).ended;
    expect(run.exitCode).toBe(8);
    expect(run.stdout).toMatch(/^Next {2}mxctl probe shop +\S/m);
    expectScreen(run.stdout.replace(/\r/g, ''));
  });
});

describe('status', () => {
  it('shows the fault, what it means for mail, and since when a path is active', async () => {
    expect((await flow.run(['auto', '--once'])).exitCode).toBe(0);
    expect((await flow.json(['status'])).exit_code).toBe(0);
    await flow.world.setFault('proxy', '550-rcpt');
    // The mode is manual: found, said, left to a person.
    const found = await flow.run(['auto', '--once']);
    expect(found.exitCode).toBe(2);
    expectScreen(found.stdout + found.stderr);
    const [text, json] = await Promise.all([flow.run(['status']), flow.json(['status'])]);
    expect([text.exitCode, json.exit_code]).toEqual([2, 2]);
    expect(text.stdout).toMatch(/^1 route {3}1 DOWN {3}auto last run \S+ ago/);
    expect(text.stdout).toMatch(/^shop {3}proxy {3}DOWN {2}0\/2 up {2}direct ok 1\/1 {2}in sync {2}\d/m);
    expect(text.stdout.replace(/\s+/g, ' ')).toMatch(
      /senders give up at once: mail is being lost\. 1 domain\./i,
    );
    expectScreen(text.stdout);

    expect((await flow.run(['failover', 'shop', '--yes'])).exitCode).toBe(0);
    const moved = await flow.json(['status']);
    const [route] = (
      moved.data as { routes: { active: string; active_since: string; last_flip: { at: string } }[] }
    ).routes;
    expect(route).toMatchObject({ active: 'direct', last_flip: { to: 'direct' } });
    expect(route?.active_since).toBe(route?.last_flip.at);
  });
});

describe('pause and resume', () => {
  it('are seen by status and end by themselves or by word', async () => {
    const paused = await flow.json(['pause', 'shop', '--for', '2h', '--reason', 'OPS-1182']);
    expect(paused).toMatchObject({ exit_code: 0, data: { route: 'shop', reason: 'OPS-1182' } });
    const [status, all, long, unnamed] = await Promise.all([
      flow.run(['status']),
      flow.run(['pause', '--for', '1m', '--reason', 'everything']),
      flow.json(['pause', '--for', '31d', '--reason', 'too long']),
      flow.json(['pause', 'shop']),
    ]);
    expect(status.stdout).toMatch(/paused for 1h59m more by person:\S+ OPS-1182/);
    expect(all.stdout).toMatch(/^every route is paused until .* UTC\n$/);
    expect([long.exit_code, unnamed.exit_code]).toEqual([64, 64]);
    const resumed = await flow.run(['resume', 'shop']);
    expect(resumed.stdout).toMatch(
      /^shop: the pause is over\nstill paused: every route, by .*: everything\n$/,
    );
    const rest = await flow.json(['resume']);
    expect(rest.data).toEqual({
      route: null,
      resumed: true,
      released: [],
      still_paused: false,
      still_braked: [],
    });
    expect((await flow.json(['resume', 'shop'])).data).toMatchObject({ resumed: false });
    const history = await flow.run(['history']);
    expect(history.stdout.match(/^\S+ \S+ UTC {2}(pause|resume) /gm)).toHaveLength(4);
    expectScreen(history.stdout);
  });
});

describe('a server that means ill', () => {
  /** Clears the screen, sets the title, turns the text around, forges a line. */
  const evil = '\u001b[2J\u001b]0;owned\u0007\u202eflip\u009b31m\rmx OK';

  /** In the place of the direct path's hop. */
  async function startEvilHop(dialogue: (socket: net.Socket) => void): Promise<void> {
    await flow.world.setFault('mx.shop', 'down');
    const server = net.createServer((socket) => {
      socket.on('error', () => socket.destroy()).resume();
      dialogue(socket);
    });
    server.listen(flow.world.hopPort, '127.0.2.1');
    await once(server, 'listening');
    onTestFinished(() => new Promise<void>((resolve) => server.close(() => resolve())));
  }

  it('never gets a control character of its replies to a terminal or into a file', async () => {
    await startEvilHop((socket) => socket.end(`421 4.3.2 ${evil}\r\n`));
    const runs = [
      ...(await Promise.all([
        flow.run(['probe', 'shop', '--verbose']),
        flow.run(['probe', 'shop', '--json']),
        flow.run(['auto', '--once', '--verbose']),
      ])),
      ...(await Promise.all([
        flow.run(['status', '--verbose']),
        flow.run(['status', '--json']),
        flow.run(['history', '--json']),
        flow.run(['failover', 'shop', '--yes', '--verbose']),
      ])),
    ];
    for (const { stdout, stderr } of runs) {
      expectHarmless(stdout + stderr);
    }
    expect(runs[0]!.stdout).toContain('\\u001b[2J');
    expect(runs.at(-1)).toMatchObject({ exitCode: 3 });
  });
});

describe('a config for a thousand routes', () => {
  it('is validated onto one screen', async () => {
    const file = path.join(flow.world.directory, 'thousand.yaml');
    const route = (at: number) =>
      `  customer-${at}: {strategy: mx, ttl: ${at % 3 === 0 ? 3600 : 300}, prefer: a, failover_to: [b], ` +
      `records: [{provider: bind, zone: c${at}.example, names: ["@"]}], ` +
      `paths: {a: {role: proxy, mx: [{preference: 10, exchange: a.example.net}]}, ` +
      `b: {role: primary, mx: [{preference: 10, exchange: b.example.net}]}}}`;
    const key = 'tsig: {name: k., secret: {env: NOT_SET}}';
    writeFileSync(
      file,
      ['version: 1', `providers: {bind: {type: rfc2136, server: 127.0.0.1, ${key}}}`, 'routes:']
        .concat(Array.from({ length: 1000 }, (_, at) => route(at)))
        .join('\n'),
    );
    const run = await flow.run(['validate', '--config', file]);
    expect(run).toMatchObject({ exitCode: 0, stderr: '' });
    expect(run.stdout.split('\n').length).toBeLessThanOrEqual(24);
    expect(run.stdout).toMatch(/^customer-0 \+333 /m);
    expect(run.stdout).toMatch(/\nok: 1000 routes recover within \S+; slowest: customer-0\n$/);
    expectScreen(run.stdout);
  });
});
