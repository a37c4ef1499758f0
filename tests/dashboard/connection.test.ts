/** The page's line to the server: growing delays, catching up, holes asked for again. Sockets and timers are the test's. */
import { describe, expect, it } from 'vitest';
import { Connection, type LinkState, type SocketLike } from '../../dashboard/client/lib/connection.ts';
import { PROTOCOL_VERSION, type ServerMessage, type WireEvent } from '../../dashboard/protocol.ts';

class FakeSocket implements SocketLike {
  onopen: SocketLike['onopen'] = null;
  onmessage: SocketLike['onmessage'] = null;
  onclose: SocketLike['onclose'] = null;
  readonly sent: unknown[] = [];
  send(text: string): void {
    this.sent.push(JSON.parse(text));
  }
  close(): void {
    this.onclose?.(undefined as never);
  }
  say(message: ServerMessage): void {
    this.onmessage?.({ data: JSON.stringify(message) } as never);
  }
}

function setUp(refused = false) {
  const sockets: FakeSocket[] = [];
  const timers = new Map<number, { work: () => void; ms: number }>();
  const links: LinkState[] = [];
  const events: WireEvent[] = [];
  const wholes: WireEvent[] = [];
  const fresh: boolean[] = [];
  let next = 1;
  const connection = new Connection({
    open: () => {
      const socket = new FakeSocket();
      sockets.push(socket);
      return socket;
    },
    refused: () => Promise.resolve(refused),
    onLink: (link) => links.push(link),
    onHello: (_, isFresh) => fresh.push(isFresh),
    onState: () => {},
    onEvents: (more) => events.push(...more),
    onWhole: (more) => wholes.push(...more),
    onError: () => {},
    now: () => 0,
    setTimer: (work, ms) => (timers.set(next, { work, ms }), next++),
    clearTimer: (timer) => void timers.delete(timer as number),
  });
  /** Lets the timer run that is due first. */
  const elapse = (): number => {
    const [id, timer] = [...timers].sort((a, b) => a[1].ms - b[1].ms)[0]!;
    timers.delete(id);
    timer.work();
    return timer.ms;
  };
  return { connection, sockets, timers, links, events, wholes, fresh, elapse, last: () => sockets.at(-1)! };
}

const hello = (lastSeq: number, run = 'run', protocol = PROTOCOL_VERSION): ServerMessage => ({ type: 'hello', protocol, run, state: 'live', lastSeq, plannedRounds: null, now: 0 });
const batch = (from: number, to: number): ServerMessage => ({
  type: 'events', from, to,
  events: Array.from({ length: to - from + 1 }, (_, i) => ({ seq: from + i, key: `k${from + i}`, type: 't', data: null, hashed: false, time: 0 })),
});

describe('Connection', () => {
  it('subscribes after what it has, and reports how far behind it is', () => {
    const { connection, last, links, events } = setUp();
    connection.connect();
    expect(connection.command('pause')).toBe(false);
    last().say(hello(5));
    expect(last().sent).toEqual([{ type: 'subscribe', after: 0 }]);
    last().say(batch(1, 3));
    expect(links.at(-1)).toEqual({ status: 'open', behind: 2 });
    last().say(batch(4, 5));
    expect(links.at(-1)).toEqual({ status: 'open', behind: 0 });
    expect(events.map((event) => event.seq)).toEqual([1, 2, 3, 4, 5]);
    expect(connection.command('pause')).toBe(true);
    expect(last().sent.at(-1)).toEqual({ type: 'command', command: 'pause' });
  });

  it('comes back with growing, bounded delays and goes on where it was', () => {
    const { connection, sockets, last, elapse, events, links, fresh } = setUp();
    connection.connect();
    last().say(hello(3));
    last().say(batch(1, 3));
    const delays: number[] = [];
    for (let i = 0; i < 8; i++) {
      last().close();
      expect(links.at(-1)).toMatchObject({ status: 'lost', attempt: i + 1 });
      delays.push(elapse());
    }
    expect(connection.command('pause')).toBe(false);
    delays.forEach((delay, i) => {
      const base = Math.min(10_000, 500 * 2 ** i);
      expect(delay).toBeGreaterThanOrEqual(base * 0.75);
      expect(delay).toBeLessThanOrEqual(base * 1.25);
    });
    expect(sockets).toHaveLength(9);
    last().say(hello(4));
    expect(last().sent).toEqual([{ type: 'subscribe', after: 3 }]);
    last().say(batch(4, 4));
    expect(events.map((event) => event.seq)).toEqual([1, 2, 3, 4]);
    expect(fresh).toEqual([true, false]);
    last().close();
    expect(elapse()).toBeLessThanOrEqual(625);
  });

  it('asks again when a batch leaves a hole, and drops what it has already', () => {
    const { connection, last, events } = setUp();
    connection.connect();
    last().say(hello(9));
    last().say(batch(1, 2));
    last().say(batch(5, 6));
    expect(last().sent.at(-1)).toEqual({ type: 'subscribe', after: 2 });
    last().say(batch(1, 2));
    last().say(batch(3, 6));
    expect(events.map((event) => event.seq)).toEqual([1, 2, 3, 4, 5, 6]);
  });

  it("starts anew with another run's log, or one that is shorter than what it has", () => {
    const { connection, last, elapse, fresh } = setUp();
    connection.connect();
    last().say(hello(3));
    last().say(batch(1, 3));
    for (const message of [hello(3, 'other'), hello(1, 'other'), hello(0, 'other')]) {
      last().close();
      elapse();
      last().say(message);
    }
    expect(fresh).toEqual([true, true, false, false]);
    expect(last().sent).toEqual([{ type: 'subscribe', after: 0 }]);
    last().say(batch(1, 1));
    last().close();
    elapse();
    last().say(hello(0, 'other'));
    expect(fresh.at(-1)).toBe(true);
  });

  it('asks for whole records over an open line and hands them on', () => {
    const { connection, last, wholes, events } = setUp();
    connection.connect();
    expect(connection.whole(['sample/a'])).toBe(false);
    last().say(hello(1));
    expect(connection.whole(['sample/a'])).toBe(true);
    expect(last().sent.at(-1)).toEqual({ type: 'whole', keys: ['sample/a'] });
    const event: WireEvent = { seq: 1, key: 'sample/a', type: 'sample.created', data: { tokens: [1] }, hashed: true, time: 0 };
    last().say({ type: 'whole', events: [event] });
    expect(wholes).toEqual([event]);
    expect(events).toEqual([]);
  });

  it('takes silence for a lost line', () => {
    const { connection, links, timers, elapse, last } = setUp();
    connection.connect();
    last().say(hello(0));
    expect(elapse()).toBe(45_000);
    expect(links.at(-1)!.status).toBe('lost');
    expect(timers.size).toBe(1);
  });

  it('says when the server refuses it, and when it is too old for the server', async () => {
    const refused = setUp(true);
    refused.connection.connect();
    refused.last().close();
    await Promise.resolve();
    await Promise.resolve();
    expect(refused.links.at(-1)).toEqual({ status: 'refused' });
    const told = refused.links.length;
    refused.elapse();
    refused.last().close();
    await Promise.resolve();
    await Promise.resolve();
    expect(refused.links).toHaveLength(told);
    const outdated = setUp();
    outdated.connection.connect();
    outdated.last().say(hello(0, 'run', PROTOCOL_VERSION + 1));
    expect(outdated.links.at(-1)).toEqual({ status: 'outdated' });
    expect(outdated.timers.size).toBe(0);
  });

  it('is quiet once closed', () => {
    const { connection, sockets, timers, last } = setUp();
    connection.connect();
    last().say(hello(0));
    connection.close();
    connection.connect();
    expect(sockets).toHaveLength(1);
    expect(timers.size).toBe(0);
  });
});
