/**
 * The page's state as Svelte sees it: the line's state, the run's state, and the newest picture of the run. Records are applied as they
 * come; the picture is renewed at most ten times a second, however fast a log is caught up with.
 */
import type { RunState, WireCommand, WireEvent } from '../../protocol.ts';
import { Connection, type LinkState } from './connection.ts';
import { RunModel, type View } from './model.ts';

const REFRESH_MS = 100;
const WHOLE_KEPT = 200;

export class Live {
  view = $state.raw<View>(new RunModel().view());
  link = $state.raw<LinkState>({ status: 'connecting' });
  run = $state('');
  state = $state.raw<RunState | null>(null);
  plannedRounds = $state.raw<number | null>(null);
  /** The server's clock, renewed every half second, ms since the epoch. */
  now = $state(Date.now());
  /** What the server or the line could not do, for a while. */
  notice = $state('');
  /** The command that was sent and not seen in the log yet. */
  asked = $state.raw<WireCommand | null>(null);
  /** Whole records that were asked for, by key; those asked for first are let go first. */
  whole = $state.raw<ReadonlyMap<string, WireEvent>>(new Map());

  #model = new RunModel();
  #clockOffset = 0;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #noticeTimer: ReturnType<typeof setTimeout> | undefined;
  readonly #connection: Connection;

  constructor() {
    this.#connection = new Connection({
      open: () => new WebSocket(`ws://${location.host}/socket`),
      refused: async () => {
        try {
          return (await fetch('/', { method: 'HEAD', cache: 'no-store' })).status === 403;
        } catch {
          return false;
        }
      },
      onLink: (link) => (this.link = link),
      onHello: (hello, fresh) => {
        if (fresh) {
          this.#model = new RunModel();
          this.whole = new Map();
        }
        this.run = hello.run;
        this.state = hello.state;
        this.plannedRounds = hello.plannedRounds;
        this.#setClock(hello.now);
        this.#refresh();
      },
      onState: (message) => {
        this.state = message.state;
        this.#setClock(message.now);
      },
      onEvents: (events) => {
        for (const event of events) {
          this.#model.apply(event);
          if (event.type === 'command.received' && (event.data as { command?: unknown }).command === this.asked) this.asked = null;
        }
        this.#timer ??= setTimeout(() => this.#refresh(), REFRESH_MS);
      },
      onWhole: (events) => {
        this.whole = new Map([...this.whole, ...events.map((event) => [event.key, event] as const)].slice(-WHOLE_KEPT));
      },
      onError: (message) => {
        this.asked = null;
        this.tell(message);
      },
    });
  }

  /** Connects; returns what ends everything. */
  start(): () => void {
    const ticking = setInterval(() => (this.now = Date.now() + this.#clockOffset), 500);
    this.#connection.connect();
    return () => {
      clearInterval(ticking);
      clearTimeout(this.#timer);
      this.#connection.close();
    };
  }

  command(command: WireCommand): void {
    if (this.#connection.command(command)) this.asked = command;
    else this.tell('The line to the server is down; the command was not sent.');
  }

  /** Asks for the whole records of these keys that are not here yet; they come into `whole`. */
  ask(...keys: string[]): void {
    const missing = keys.filter((key) => !this.whole.has(key));
    if (missing.length > 0 && !this.#connection.whole(missing)) this.tell('The line to the server is down; try again when it is back.');
  }

  retryNow(): void {
    this.#connection.connect();
  }

  tell(message: string): void {
    this.notice = message;
    clearTimeout(this.#noticeTimer);
    this.#noticeTimer = setTimeout(() => (this.notice = ''), 8000);
  }

  #setClock(serverNow: number): void {
    this.#clockOffset = serverNow - Date.now();
    this.now = serverNow;
  }

  #refresh(): void {
    this.#timer = undefined;
    this.view = this.#model.view();
  }
}
