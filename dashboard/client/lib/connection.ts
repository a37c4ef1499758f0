/**
 * The page's line to the server: connects, subscribes after the last position it has, reconnects with growing delays and catches up.
 * Batches that do not continue where the last ended are asked for again, so the page's picture has no holes. No DOM and no
 * framework: sockets and timers are handed in.
 */
import { PROTOCOL_VERSION, type HelloMessage, type ServerMessage, type StateMessage, type WireCommand, type WireEvent } from '../../protocol.ts';

/** The part of a browser's WebSocket that is used. */
export interface SocketLike {
  onopen: ((event: never) => void) | null;
  onmessage: ((event: never) => void) | null;
  onclose: ((event: never) => void) | null;
  send(text: string): void;
  close(): void;
}

export type LinkState =
  | { readonly status: 'connecting' }
  /** `behind`: records still to come before the page is up to date. */
  | { readonly status: 'open'; readonly behind: number }
  | { readonly status: 'lost'; readonly retryAt: number; readonly attempt: number }
  /** The server is there and does not know this page's token any more. */
  | { readonly status: 'refused' }
  | { readonly status: 'outdated' };

export interface ConnectionOptions {
  readonly open: () => SocketLike;
  /** Whether the server answers and refuses this page: asked after a connection could not be made. */
  readonly refused: () => Promise<boolean>;
  readonly onLink: (link: LinkState) => void;
  readonly onHello: (hello: HelloMessage, fresh: boolean) => void;
  readonly onState: (state: StateMessage) => void;
  readonly onEvents: (events: readonly WireEvent[]) => void;
  readonly onWhole: (events: readonly WireEvent[]) => void;
  readonly onError: (message: string) => void;
  readonly now?: () => number;
  readonly setTimer?: (work: () => void, ms: number) => unknown;
  readonly clearTimer?: (timer: unknown) => void;
}

const FIRST_DELAY_MS = 500;
const LONGEST_DELAY_MS = 10_000;
/** The server speaks at least every 15 s; three silent beats mean that the line is dead whatever the socket says. */
const SILENCE_MS = 45_000;

export class Connection {
  readonly #options: ConnectionOptions;
  readonly #now: () => number;
  readonly #setTimer: (work: () => void, ms: number) => unknown;
  readonly #clearTimer: (timer: unknown) => void;
  #socket: SocketLike | null = null;
  #run: string | null = null;
  #have = 0;
  #last = 0;
  #attempt = 0;
  #refused = false;
  #timer: unknown;
  #watchdog: unknown;
  #closed = false;

  constructor(options: ConnectionOptions) {
    this.#options = options;
    this.#now = options.now ?? Date.now;
    this.#setTimer = options.setTimer ?? ((work, ms) => setTimeout(work, ms));
    this.#clearTimer = options.clearTimer ?? ((timer) => clearTimeout(timer as ReturnType<typeof setTimeout>));
  }

  connect(): void {
    this.#clearTimer(this.#timer);
    if (this.#closed || this.#socket) return;
    if (this.#attempt === 0) this.#options.onLink({ status: 'connecting' });
    const socket = this.#options.open();
    this.#socket = socket;
    this.#watch(socket);
    socket.onmessage = ((event: { data: unknown }) => {
      this.#watch(socket);
      this.#receive(JSON.parse(String(event.data)) as ServerMessage);
    }) as SocketLike['onmessage'];
    socket.onclose = () => this.#lost(socket);
  }

  /** Returns false when there is no line to give it over. */
  command(command: WireCommand): boolean {
    return this.#send({ type: 'command', command });
  }

  /** Asks for whole records; false when there is no line to ask over. */
  whole(keys: readonly string[]): boolean {
    return this.#send({ type: 'whole', keys });
  }

  close(): void {
    this.#closed = true;
    this.#clearTimer(this.#timer);
    this.#clearTimer(this.#watchdog);
    this.#socket?.close();
  }

  #send(message: unknown): boolean {
    if (!this.#socket || this.#attempt > 0 || this.#run === null) return false;
    this.#socket.send(JSON.stringify(message));
    return true;
  }

  #watch(socket: SocketLike): void {
    this.#clearTimer(this.#watchdog);
    this.#watchdog = this.#setTimer(() => {
      socket.close();
      this.#lost(socket);
    }, SILENCE_MS);
  }

  #lost(socket: SocketLike): void {
    if (this.#socket !== socket) return;
    this.#socket = null;
    this.#clearTimer(this.#watchdog);
    if (this.#closed) return;
    const attempt = ++this.#attempt;
    // Pages that lost the same server come back at different moments.
    const delay = Math.min(LONGEST_DELAY_MS, FIRST_DELAY_MS * 2 ** (attempt - 1)) * (0.75 + Math.random() / 2);
    const lost: LinkState = { status: 'lost', retryAt: this.#now() + delay, attempt };
    // Who was refused is told so once, and not of every trial after that.
    if (!this.#refused) this.#options.onLink(lost);
    this.#timer = this.#setTimer(() => this.connect(), delay);
    void this.#options.refused().then((refused) => {
      if (this.#closed || this.#attempt !== attempt) return;
      if (refused !== this.#refused) this.#options.onLink(refused ? { status: 'refused' } : lost);
      this.#refused = refused;
    });
  }

  #receive(message: ServerMessage): void {
    switch (message.type) {
      case 'hello': {
        if (message.protocol !== PROTOCOL_VERSION) {
          this.close();
          this.#options.onLink({ status: 'outdated' });
          return;
        }
        this.#attempt = 0;
        this.#refused = false;
        // Another run's log, or one that was begun anew: nothing of what the page has belongs to it.
        const fresh = this.#run !== message.run || message.lastSeq < this.#have;
        if (fresh) this.#have = 0;
        this.#run = message.run;
        this.#last = message.lastSeq;
        this.#options.onHello(message, fresh);
        this.#send({ type: 'subscribe', after: this.#have });
        this.#report();
        return;
      }
      case 'events':
        if (message.to <= this.#have) return;
        if (message.from !== this.#have + 1) {
          this.#send({ type: 'subscribe', after: this.#have });
          return;
        }
        this.#have = message.to;
        this.#last = Math.max(this.#last, message.to);
        this.#options.onEvents(message.events);
        this.#report();
        return;
      case 'state':
        this.#last = Math.max(this.#last, message.lastSeq);
        this.#options.onState(message);
        this.#report();
        return;
      case 'whole':
        this.#options.onWhole(message.events);
        return;
      case 'error':
        this.#options.onError(message.message);
    }
  }

  #report(): void {
    this.#options.onLink({ status: 'open', behind: this.#last - this.#have });
  }
}
