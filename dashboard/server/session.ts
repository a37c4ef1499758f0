/**
 * One page's connection: its place in the log and what it asked for. A page that reads slowly is sent the next batch later; no
 * batch is ever left out for it. Not here: who may connect (security.ts).
 */
import { WebSocket } from 'ws';
import { MOST_KEYS, WIRE_COMMANDS, type ClientMessage, type ServerMessage, type WireCommand, type WireEvent } from '../protocol.ts';
import { BATCH, forWire } from './wire.ts';

/** Bytes that may wait in the socket before the next batch has to wait too. */
export const HIGH_WATER = 1 << 20;

export interface SessionHost {
  after(seq: number, limit: number): readonly WireEvent[];
  withKeys(keys: readonly string[]): readonly WireEvent[];
  lastSeq(): number;
  /** Returns why the command cannot be given, or null when it was. */
  command(command: WireCommand): string | null;
}

export class Session {
  readonly #socket: WebSocket;
  readonly #host: SessionHost;
  /** Null until the page subscribes. */
  #cursor: number | null = null;
  #waiting = false;
  #answered = true;

  constructor(socket: WebSocket, host: SessionHost) {
    this.#socket = socket;
    this.#host = host;
    socket.on('pong', () => (this.#answered = true));
    socket.on('message', (data, binary) => this.#receive(binary ? '' : String(data)));
    // A socket's error is always followed by 'close', which the server listens to.
    socket.on('error', () => {});
  }

  send(message: ServerMessage): void {
    if (this.#socket.readyState === WebSocket.OPEN) this.#socket.send(JSON.stringify(message));
  }

  /** Sends what is new since the last batch, as fast as the page takes it. */
  pump(): void {
    if (this.#cursor === null || this.#waiting || this.#socket.readyState !== WebSocket.OPEN) return;
    const cursor = this.#cursor;
    const events = this.#host.after(cursor, BATCH);
    const last = events.at(-1);
    if (!last) return;
    // May throw; what was not sent is to be read again.
    const message: ServerMessage = { type: 'events', from: cursor + 1, to: last.seq, events: forWire(events, this.#host.lastSeq()) };
    this.#cursor = last.seq;
    this.#waiting = true;
    this.#socket.send(JSON.stringify(message), () => this.#settle());
  }

  /** Goes on once the socket has taken the batch, or looks again shortly while too much waits in it. */
  #settle(): void {
    if (this.#socket.readyState !== WebSocket.OPEN) return;
    if (this.#socket.bufferedAmount > HIGH_WATER) {
      setTimeout(() => this.#settle(), 20).unref();
      return;
    }
    this.#waiting = false;
    setImmediate(() => {
      try {
        this.pump();
      } catch {
        // The log cannot be read right now; the server's next look tries again and says so.
      }
    });
  }

  /** Called at intervals: ends a connection whose page did not answer the ping before. */
  heartbeat(): void {
    if (!this.#answered) return this.#socket.terminate();
    this.#answered = false;
    this.#socket.ping();
  }

  close(): void {
    this.#socket.close(1001, 'The dashboard stops.');
  }

  terminate(): void {
    this.#socket.terminate();
  }

  /** A log that cannot be read now may be readable in a second, when the server looks again. */
  #reading(read: () => void): void {
    try {
      read();
    } catch (error) {
      this.send({ type: 'error', message: unreadable(error) });
    }
  }

  #receive(text: string): void {
    const message = parse(text);
    if (!message) {
      this.send({ type: 'error', message: 'The server does not understand this message.' });
      this.#socket.close(1008);
    } else if (message.type === 'subscribe') {
      this.#cursor = message.after;
      this.#reading(() => this.pump());
    } else if (message.type === 'whole') {
      this.#reading(() => this.send({ type: 'whole', events: this.#host.withKeys(message.keys) }));
    } else {
      const refusal = this.#host.command(message.command);
      if (refusal) this.send({ type: 'error', message: refusal });
    }
  }
}

export const unreadable = (error: unknown): string => `The event log cannot be read: ${error instanceof Error ? error.message : String(error)}`;

/** A client's message, or null when it is none. */
function parse(text: string): ClientMessage | null {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return null;
  }
  if (typeof value !== 'object' || value === null) return null;
  const { type, after, keys, command } = value as Record<string, unknown>;
  if (type === 'subscribe' && Number.isSafeInteger(after) && (after as number) >= 0) return { type, after: after as number };
  if (type === 'whole' && Array.isArray(keys) && keys.length <= MOST_KEYS && keys.every((key) => typeof key === 'string')) return { type, keys };
  if (type === 'command' && WIRE_COMMANDS.includes(command as WireCommand)) return { type, command: command as WireCommand };
  return null;
}
