/** The server: who may talk to it, what it sends, and what it says of a run. Real sockets, a run in memory, a clock in hand. */
import { mkdtempSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, request, type IncomingHttpHeaders } from 'node:http';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { WebSocket } from 'ws';
import type { ClientMessage, ServerMessage, WireEvent } from '../../dashboard/protocol.ts';
import { DashboardError, openRunFolder, startDashboard, type Dashboard, type DashboardOptions } from '../../dashboard/server/index.ts';
import { STALL_AFTER_MS } from '../../dashboard/server/run-state.ts';
import { hostAllowed, sameToken } from '../../dashboard/server/security.ts';
import { BATCH, forWire, SAMPLE_WINDOW } from '../../dashboard/server/wire.ts';
import { EventLog } from '../../src/store/event-log.ts';
import { MemoryRun } from './memory-run.ts';

let folder: string;
let clientFolder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'dashboard-'));
  clientFolder = join(folder, 'client');
  mkdirSync(join(clientFolder, 'assets'), { recursive: true });
  writeFileSync(join(clientFolder, 'index.html'), '<!doctype html><title>page</title>');
  writeFileSync(join(clientFolder, 'assets', 'index-abc.js'), 'export {};');
  writeFileSync(join(folder, 'secret.js'), 'secret');
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const open: Dashboard[] = [];
afterEach(async () => {
  await Promise.all(open.splice(0).map((dashboard) => dashboard.stop()));
});

async function start(run: MemoryRun, options: Partial<DashboardOptions> = {}): Promise<Dashboard> {
  const dashboard = await startDashboard({ source: run, port: 0, host: '127.0.0.1', clientFolder, tickMs: 0, ...options });
  open.push(dashboard);
  return dashboard;
}

interface Answer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
}

/** A request with the path sent as it stands: clients normalise `..` away. */
function ask(dashboard: Dashboard, path: string, headers: Record<string, string> = {}, method = 'GET'): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const sent = request({ host: '127.0.0.1', port: dashboard.port, path, method, headers, agent: false }, (response) => {
      let body = '';
      response.setEncoding('utf8');
      response.on('data', (chunk: string) => (body += chunk));
      response.on('end', () => resolve({ status: response.statusCode!, headers: response.headers, body }));
    });
    sent.on('error', reject);
    sent.end();
  });
}

const cookieOf = (dashboard: Dashboard): string => `ouroboros-${dashboard.port}=${dashboard.token}`;

/** A connected page: messages in the order they came, and a way to wait for one. */
class Page {
  readonly messages: ServerMessage[] = [];
  readonly socket: WebSocket;
  readonly #waiting = new Set<() => void>();
  closed: number | null = null;

  constructor(dashboard: Dashboard, headers: Record<string, string> = {}) {
    this.socket = new WebSocket(`ws://127.0.0.1:${dashboard.port}/socket`, { headers: { Cookie: cookieOf(dashboard), Origin: `http://127.0.0.1:${dashboard.port}`, ...headers } });
    this.socket.on('message', (data) => {
      this.messages.push(JSON.parse(String(data)) as ServerMessage);
      this.#wake();
    });
    this.socket.on('close', (code) => {
      this.closed = code;
      this.#wake();
    });
    this.socket.on('error', () => {});
  }

  async until(done: (page: Page) => boolean): Promise<this> {
    while (!done(this)) await new Promise<void>((resolve) => this.#waiting.add(resolve));
    return this;
  }

  send(message: ClientMessage): void {
    this.socket.send(JSON.stringify(message));
  }

  get events(): WireEvent[] {
    return this.messages.flatMap((message) => (message.type === 'events' ? message.events : []));
  }

  #wake(): void {
    this.#waiting.forEach((resolve) => resolve());
    this.#waiting.clear();
  }
}

const greeted = (page: Page): boolean => page.messages.length > 0;

function runWith(count: number): MemoryRun {
  const run = new MemoryRun();
  for (let i = 1; i <= count; i++) run.append('policy.updated', { round: i }, i);
  return run;
}

describe('who may look', () => {
  it('refuses every path without the token, the page and its assets alike', async () => {
    const dashboard = await start(new MemoryRun());
    for (const path of ['/', '/index.html', '/assets/index-abc.js', '/nothing', '/?token=', '/?token=wrong', `/?token=${dashboard.token}x`, `/?TOKEN=${dashboard.token}`]) {
      const answer = await ask(dashboard, path);
      expect([path, answer.status]).toEqual([path, 403]);
      expect(answer.body).not.toContain(dashboard.token);
      expect(answer.headers['set-cookie']).toBeUndefined();
    }
  });

  it('turns the token of the address into a cookie and leaves it out of the address', async () => {
    const dashboard = await start(new MemoryRun());
    expect(dashboard.token).toMatch(/^[\w-]{22}$/);
    expect(dashboard.url).toBe(`http://127.0.0.1:${dashboard.port}/?token=${dashboard.token}`);
    const first = await ask(dashboard, `/?token=${dashboard.token}`);
    expect(first.status).toBe(303);
    expect(first.headers.location).toBe('/');
    const [cookie] = first.headers['set-cookie']!;
    expect(cookie).toContain('HttpOnly');
    expect(cookie).toContain('SameSite=Strict');
    const page = await ask(dashboard, '/', { Cookie: `other=1; ${cookie!.split(';')[0]!}` });
    expect([page.status, page.body]).toEqual([200, '<!doctype html><title>page</title>']);
    expect((await ask(dashboard, '/assets/index-abc.js', { Cookie: cookieOf(dashboard) })).headers['content-type']).toContain('text/javascript');
  });

  it("does not take another server's cookie, nor one of its own with a wrong value", async () => {
    const dashboard = await start(new MemoryRun());
    expect((await ask(dashboard, '/', { Cookie: `ouroboros-1=${dashboard.token}` })).status).toBe(403);
    expect((await ask(dashboard, '/', { Cookie: `ouroboros-${dashboard.port}=x` })).status).toBe(403);
  });

  it('refuses other names for this machine, token or not', async () => {
    const dashboard = await start(new MemoryRun());
    for (const host of ['evil.example', `evil.example:${dashboard.port}`, '127.0.0.1.evil.example', '192.168.0.9', 'localhost@evil']) {
      expect([host, (await ask(dashboard, `/?token=${dashboard.token}`, { Host: host })).status]).toEqual([host, 403]);
    }
    expect((await ask(dashboard, '/', { Host: 'localhost:9999', Cookie: cookieOf(dashboard) })).status).toBe(200);
    expect(hostAllowed('[::1]:80', '127.0.0.1')).toBe(true);
    expect(hostAllowed('10.0.0.5:80', '0.0.0.0')).toBe(true);
    expect(hostAllowed('a.example:80', '0.0.0.0')).toBe(false);
    expect(hostAllowed(undefined, '127.0.0.1')).toBe(false);
  });

  it('refuses requests from other pages', async () => {
    const dashboard = await start(new MemoryRun());
    const own = `http://127.0.0.1:${dashboard.port}`;
    expect((await ask(dashboard, '/', { Cookie: cookieOf(dashboard), Origin: 'http://evil.example' })).status).toBe(403);
    expect((await ask(dashboard, '/', { Cookie: cookieOf(dashboard), Origin: `http://127.0.0.1:${dashboard.port + 1}` })).status).toBe(403);
    expect((await ask(dashboard, '/', { Cookie: cookieOf(dashboard), Origin: 'null' })).status).toBe(403);
    expect((await ask(dashboard, '/', { Cookie: cookieOf(dashboard), Origin: own })).status).toBe(200);
  });

  it('serves nothing but the files that were built, however a path is written', async () => {
    const dashboard = await start(new MemoryRun());
    for (const path of ['/../secret.js', '/assets/../../secret.js', '/..%2fsecret.js', '/%2e%2e/secret.js', '/assets/..%5c..%5csecret.js', '//secret.js', '/assets', '/assets/', '/package.json', '/%00', '/secret.js']) {
      const answer = await ask(dashboard, path, { Cookie: cookieOf(dashboard) });
      expect([path, answer.status]).toEqual([path, 404]);
      expect(answer.body).not.toContain('secret');
    }
    expect((await ask(dashboard, '/', { Cookie: cookieOf(dashboard) }, 'POST')).status).toBe(405);
    expect((await ask(dashboard, '/', { Cookie: cookieOf(dashboard) }, 'HEAD')).body).toBe('');
  });

  it('allows no inline code, no framing, no sniffing and no referrer, refused or not', async () => {
    const dashboard = await start(new MemoryRun());
    for (const headers of [{ Cookie: cookieOf(dashboard) }, {}]) {
      const answer = await ask(dashboard, '/', headers);
      const policy = String(answer.headers['content-security-policy']);
      expect(policy).toContain("default-src 'self'");
      expect(policy).toContain("frame-ancestors 'none'");
      expect(policy).not.toContain('unsafe');
      expect(answer.headers).toMatchObject({ 'x-content-type-options': 'nosniff', 'referrer-policy': 'no-referrer' });
    }
  });

  it('opens no socket without token, with a foreign or missing origin, another name or another path', async () => {
    const dashboard = await start(new MemoryRun());
    const own = `http://127.0.0.1:${dashboard.port}`;
    const good = { Host: `127.0.0.1:${dashboard.port}`, Origin: own, Cookie: cookieOf(dashboard) };
    const status = (headers: Record<string, string>, path = '/socket'): Promise<string> =>
      new Promise((resolve, reject) => {
        const socket = connect(dashboard.port, '127.0.0.1', () => {
          const all = { Connection: 'Upgrade', Upgrade: 'websocket', 'Sec-WebSocket-Version': '13', 'Sec-WebSocket-Key': 'dGhlIHNhbXBsZSBub25jZQ==', ...headers };
          socket.write(`GET ${path} HTTP/1.1\r\n${Object.entries(all).map(([name, value]) => `${name}: ${value}\r\n`).join('')}\r\n`);
        });
        socket.once('data', (data) => {
          resolve(String(data).split(' ')[1]!);
          socket.destroy();
        });
        socket.on('error', reject);
      });
    expect(await status(good)).toBe('101');
    expect(await status({ ...good, Cookie: '' })).toBe('403');
    expect(await status({ ...good, Cookie: `ouroboros-${dashboard.port}=nope` })).toBe('403');
    expect(await status({ ...good, Origin: 'http://evil.example' })).toBe('403');
    expect(await status({ Host: good.Host, Cookie: good.Cookie })).toBe('403');
    expect(await status({ ...good, Host: 'evil.example', Origin: 'http://evil.example' })).toBe('403');
    expect(await status(good, '/elsewhere')).toBe('404');
  });

  it('compares tokens by their whole value', () => {
    expect(sameToken('abc', 'abc')).toBe(true);
    expect(sameToken('abd', 'abc')).toBe(false);
    expect(sameToken('', '')).toBe(true);
    expect(sameToken(undefined, '')).toBe(false);
  });
});

describe('where it listens', () => {
  it('takes the next port when the first is taken, and says what to do when the page is not built', async () => {
    const blocker = createServer();
    await new Promise<void>((resolve) => blocker.listen(0, '127.0.0.1', resolve));
    const taken = (blocker.address() as { port: number }).port;
    const dashboard = await start(new MemoryRun(), { port: taken });
    expect(dashboard.port).toBeGreaterThan(taken);
    await new Promise((resolve) => blocker.close(resolve));
    await expect(startDashboard({ source: new MemoryRun(), port: 0, host: '127.0.0.1', clientFolder: join(folder, 'none') })).rejects.toThrow(DashboardError);
    await expect(startDashboard({ source: new MemoryRun(), port: 0, host: '203.0.113.7', clientFolder })).rejects.toThrow(/cannot listen on 203\.0\.113\.7/);
  });
});

describe('what it sends', () => {
  it('greets, then sends the whole log in batches that follow one another', async () => {
    const run = runWith(BATCH * 2 + 7);
    const page = await new Page(await start(run, { now: () => 77 })).until(greeted);
    expect(page.messages[0]).toEqual({ type: 'hello', protocol: 1, run: run.name, state: 'live', lastSeq: run.lastSeq(), plannedRounds: 20, now: 77 });
    page.send({ type: 'subscribe', after: 0 });
    await page.until(({ events }) => events.length === run.lastSeq());
    const batches = page.messages.flatMap((message) => (message.type === 'events' ? [[message.from, message.to]] : []));
    expect(batches).toEqual([[1, 500], [501, 1000], [1001, 1007]]);
    expect(page.events.map((event) => event.seq)).toEqual(Array.from({ length: 1007 }, (_, i) => i + 1));
  });

  it('sends news when told of it, and when looking by itself', async () => {
    const run = runWith(3);
    const dashboard = await start(run);
    const page = await new Page(dashboard).until(greeted);
    page.send({ type: 'subscribe', after: 3 });
    run.append('round.started', { round: 1 }, 5);
    dashboard.notify();
    await page.until(({ events }) => events.length === 1);
    run.append('round.started', { round: 2 }, 6);
    dashboard.tick();
    await page.until(({ events }) => events.length === 2);
    expect(page.events.map((event) => event.seq)).toEqual([4, 5]);
  });

  it('goes on where a page that was away left off, on a server that was started again', async () => {
    const run = runWith(40);
    const first = await start(run);
    const page = await new Page(first).until(greeted);
    page.send({ type: 'subscribe', after: 0 });
    await page.until(({ events }) => events.length === 40);
    await first.stop();
    open.splice(open.indexOf(first), 1);
    await page.until(({ closed }) => closed !== null);
    for (let i = 0; i < 25; i++) run.append('policy.updated', { round: i }, 100 + i);
    const second = await start(run, { token: first.token });
    expect(second.token).toBe(first.token);
    const again = await new Page(second).until(greeted);
    again.send({ type: 'subscribe', after: 40 });
    await again.until(({ events }) => events.length === 25);
    expect(again.events.map((event) => event.seq)).toEqual(Array.from({ length: 25 }, (_, i) => 41 + i));
  });

  it('makes a page that does not read wait and leaves nothing out for it', async () => {
    const run = new MemoryRun();
    // 60 MB: more than every buffer between the two ends holds.
    const text = 'x'.repeat(20_000);
    for (let i = 0; i < 3000; i++) run.append('preview.created', { text, step: i }, i);
    let reads = 0;
    const counting = Object.assign(Object.create(run) as MemoryRun, {
      after: (seq: number, limit: number) => ((reads += limit === BATCH ? 1 : 0), run.after(seq, limit)),
      lastSeq: () => run.lastSeq(),
    });
    const dashboard = await start(counting);
    const page = await new Page(dashboard).until(greeted);
    page.socket.pause();
    page.send({ type: 'subscribe', after: 0 });
    // The server has had its turn once it answers another request; it must not have read everything by then or later.
    for (let i = 0; i < 20; i++) await ask(dashboard, '/', { Cookie: cookieOf(dashboard) });
    expect(reads).toBeGreaterThan(0);
    expect(reads).toBeLessThan(6);
    page.socket.resume();
    await page.until(({ events }) => events.length === 3000);
    expect(page.events.map((event) => event.seq)).toEqual(Array.from({ length: 3000 }, (_, i) => i + 1));
  });

  it('leaves out token ids and samples far behind, and says which positions it covered', () => {
    const sample = { seq: 1, key: 'a', type: 'sample.created', data: { id: 's', completion: 'x', tokens: [1], logProbs: [-1] }, hashed: true, time: 1 };
    expect(forWire([sample], 1)[0]!.data).toEqual({ id: 's', completion: 'x' });
    expect(forWire([{ ...sample, type: 'critique.recorded', data: { sampleId: 's', logOdds: 1, trace: { empty: 0, at: [0], logOdds: [1] } } }], 1)[0]!.data).toEqual({ sampleId: 's', logOdds: 1 });
    const answers = (round: number) => ({ ...sample, type: 'prompts.measured', data: { round, results: [{ taskId: 't', prompt: 'p', completion: 'c', valid: true }] } });
    expect(forWire([answers(0), answers(1)], 2).map(({ data }) => data)).toEqual([{ round: 0, results: [{ taskId: 't', prompt: 'p', valid: true }] }, { round: 1, results: [{ taskId: 't', valid: true }] }]);
    expect(forWire([sample, { ...sample, seq: 2, type: 'round.finished' }], SAMPLE_WINDOW + 10).map((event) => event.seq)).toEqual([2]);
  });

  it('gives whole records to those who ask for them by key, and says when the log cannot be read', async () => {
    const run = new MemoryRun([{ seq: 1, key: 'sample/a', type: 'sample.created', data: { id: 'a', tokens: [1] }, hashed: true, time: 1 }]);
    const page = await new Page(await start(run)).until(greeted);
    page.send({ type: 'whole', keys: ['sample/a', 'sample/none'] });
    await page.until(({ messages }) => messages.length === 2);
    expect(page.messages[1]).toMatchObject({ type: 'whole', events: [{ key: 'sample/a', data: { id: 'a', tokens: [1] } }] });
    run.trouble = new Error('disk on fire');
    page.send({ type: 'whole', keys: ['sample/a'] });
    await page.until(({ messages }) => messages.length === 3);
    expect(page.messages[2]).toEqual({ type: 'error', message: 'The event log cannot be read: disk on fire' });
  });

  it('lets a page in and answers it while the log cannot be read, and serves it once it can', async () => {
    const run = runWith(2);
    const dashboard = await start(run);
    run.trouble = new Error('disk on fire');
    const page = await new Page(dashboard).until(greeted);
    expect(page.messages[0]).toMatchObject({ type: 'hello', lastSeq: 2 });
    page.send({ type: 'subscribe', after: 0 });
    await page.until(({ messages }) => messages.length === 2);
    expect(page.messages[1]).toEqual({ type: 'error', message: 'The event log cannot be read: disk on fire' });
    for (let i = 0; i < 15; i++) dashboard.tick();
    await page.until(({ messages }) => messages.at(-1)!.type === 'state');
    run.trouble = null;
    dashboard.tick();
    await page.until(({ events }) => events.length === 2);
  });

  it('sends a batch that could be read and not be sent once it can', async () => {
    const run = runWith(2);
    let failures = 1;
    const failing = Object.assign(Object.create(run) as MemoryRun, {
      after: (seq: number, limit: number) => run.after(seq, limit),
      lastSeq: () => {
        if (subscribed && failures-- > 0) throw new Error('disk on fire');
        return run.lastSeq();
      },
    });
    let subscribed = false;
    const dashboard = await start(failing);
    const page = await new Page(dashboard).until(greeted);
    subscribed = true;
    page.send({ type: 'subscribe', after: 0 });
    await page.until(({ messages }) => messages.length === 2);
    expect(page.messages[1]).toMatchObject({ type: 'error' });
    dashboard.tick();
    await page.until(({ events }) => events.length === 2);
  });

  it('says once that the log cannot be read, and goes on when it can', async () => {
    const run = runWith(2);
    const dashboard = await start(run);
    const page = await new Page(dashboard).until(greeted);
    page.send({ type: 'subscribe', after: 0 });
    await page.until(({ events }) => events.length === 2);
    run.trouble = new Error('disk on fire');
    dashboard.tick();
    dashboard.tick();
    await page.until(({ messages }) => messages.at(-1)!.type === 'error');
    run.trouble = null;
    run.append('round.started', { round: 1 }, 9);
    dashboard.tick();
    await page.until(({ events }) => events.length === 3);
    expect(page.messages.filter((message) => message.type === 'error')).toEqual([{ type: 'error', message: 'The event log cannot be read: disk on fire' }]);
  });

  it('closes on what it does not understand and on what is too long, and lives on', async () => {
    const dashboard = await start(runWith(1));
    for (const text of ['nonsense', '{}', '{"type":"subscribe","after":-1}', '{"type":"subscribe","after":1.5}', '{"type":"command","command":"rm"}', '[]', 'null', '{"type":"whole"}', '{"type":"whole","keys":[1]}', `{"type":"whole","keys":[${'"k",'.repeat(16)}"k"]}`, `{"type":"${'x'.repeat(9000)}"}`]) {
      const page = await new Page(dashboard).until(greeted);
      page.socket.send(text);
      await page.until(({ closed }) => closed !== null);
      expect([1008, 1009]).toContain(page.closed);
    }
    await new Page(dashboard).until(greeted);
  });

  it('hands on commands while the run lives, and refuses them when nobody is there', async () => {
    const run = runWith(1);
    const dashboard = await start(run);
    const page = await new Page(dashboard).until(greeted);
    page.send({ type: 'command', command: 'pause' });
    page.send({ type: 'subscribe', after: 0 });
    await page.until(({ events }) => events.length === 1);
    expect(run.commands).toEqual(['pause']);
    run.alive = false;
    dashboard.tick();
    page.send({ type: 'command', command: 'resume' });
    await page.until(({ messages }) => messages.at(-1)!.type === 'error');
    expect(run.commands).toEqual(['pause']);
  });

  it('ends a connection that does not answer its pings, and tells the others it is there', async () => {
    const dashboard = await start(runWith(1));
    const silent = new Page(dashboard);
    silent.socket.pong = () => {};
    (silent.socket as unknown as { _receiver: unknown; _autoPong: boolean })._autoPong = false;
    await silent.until(greeted);
    const beat = (): void => {
      for (let i = 0; i < 15; i++) dashboard.tick();
    };
    beat();
    await silent.until(({ messages }) => messages.at(-1)!.type === 'state');
    beat();
    await silent.until(({ closed }) => closed !== null);
    expect(silent.closed).toBe(1006);
  });
});

describe('what it says of a run', () => {
  const NEWS = 1_000_000;
  function setUp(): { run: MemoryRun; clock: { now: number }; dashboard: Promise<Dashboard> } {
    const run = new MemoryRun();
    const clock = { now: NEWS };
    run.append('run.started', { seed: 1 }, NEWS);
    return { run, clock, dashboard: start(run, { now: () => clock.now }) };
  }

  it('live, stalled, live again, dead', async () => {
    const { run, clock, dashboard: starting } = setUp();
    const dashboard = await starting;
    const page = await new Page(dashboard).until(greeted);
    expect(dashboard.state).toBe('live');
    clock.now = NEWS + STALL_AFTER_MS;
    dashboard.tick();
    expect(dashboard.state).toBe('live');
    clock.now++;
    dashboard.tick();
    expect(dashboard.state).toBe('stalled');
    run.append('round.started', { round: 1 }, clock.now);
    dashboard.tick();
    expect(dashboard.state).toBe('live');
    run.alive = false;
    dashboard.tick();
    expect(dashboard.state).toBe('dead');
    await page.until(({ messages }) => messages.some((message) => message.type === 'state' && message.state === 'dead'));
    expect(page.messages.flatMap((message) => (message.type === 'state' ? [message.state] : []))).toEqual(['stalled', 'live', 'dead']);
  });

  it('paused only once a run that was told to pause is silent', async () => {
    const { run, clock, dashboard: starting } = setUp();
    const dashboard = await starting;
    run.append('command.received', { command: 'pause' }, clock.now);
    dashboard.tick();
    expect(dashboard.state).toBe('live');
    clock.now += STALL_AFTER_MS + 1;
    dashboard.tick();
    expect(dashboard.state).toBe('paused');
    run.append('command.received', { command: 'resume' }, clock.now);
    clock.now += STALL_AFTER_MS + 1;
    dashboard.tick();
    expect(dashboard.state).toBe('stalled');
  });

  it('finished and failed by the log, whether the process is still there or not; live again when resumed', async () => {
    for (const [type, state] of [['run.finished', 'finished'], ['run.failed', 'failed']] as const) {
      const { run, clock, dashboard: starting } = setUp();
      const dashboard = await starting;
      run.append(type, {}, clock.now);
      run.append('process.changed', { state: 'stopped' }, clock.now);
      dashboard.tick();
      expect(dashboard.state).toBe(state);
      run.alive = false;
      clock.now += 10 * STALL_AFTER_MS;
      dashboard.tick();
      expect(dashboard.state).toBe(state);
      expect((await start(run, { now: () => clock.now })).state).toBe(state);
      run.append('run.resumed', { fromRound: 1 }, clock.now);
      run.alive = true;
      dashboard.tick();
      expect(dashboard.state).toBe('live');
    }
  });

  it('stopped when the process went after it was told to', async () => {
    const { run, clock, dashboard: starting } = setUp();
    const dashboard = await starting;
    run.append('command.received', { command: 'stop-now' }, clock.now);
    run.alive = false;
    dashboard.tick();
    expect(dashboard.state).toBe('stopped');
  });

  it('reads a real run folder, from before its log exists on', () => {
    const place = join(folder, 'a run');
    mkdirSync(place);
    const source = openRunFolder(place);
    expect([source.name, source.lastSeq(), source.after(0, 10), source.ownerAlive(), source.plannedRounds()]).toEqual(['a run', 0, [], false, null]);
    const log = new EventLog(place);
    log.record([{ key: 'run', event: { type: 'run.started', data: { seed: 3, configHash: 'x' } } }]);
    writeFileSync(join(place, 'config.json'), JSON.stringify({ budget: { rounds: 12 } }));
    expect(source.lastSeq()).toBe(1);
    expect(source.after(0, 10)).toMatchObject([{ seq: 1, type: 'run.started', data: { seed: 3 }, hashed: true }]);
    expect(source.plannedRounds()).toBe(12);
    writeFileSync(join(place, 'owner.json'), JSON.stringify({ pid: process.ppid, startedAt: new Date().toISOString() }));
    expect(source.ownerAlive()).toBe(true);
    writeFileSync(join(place, 'owner.json'), JSON.stringify({ pid: 2 ** 30, startedAt: new Date().toISOString() }));
    expect(source.ownerAlive()).toBe(false);
    source.command('pause');
    source.close();
    log.close();
  });
});
