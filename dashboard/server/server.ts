/**
 * The dashboard's server: serves the built page and sends it the event log by cursor over a WebSocket. It reads; the only thing
 * it writes is a command that a person gave. It keeps answering when the run's process has died, and says so. Not here: the run.
 */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Duplex } from 'node:stream';
import { WebSocketServer } from 'ws';
import { PROTOCOL_VERSION, type RunState, type StateMessage, type WireCommand } from '../protocol.ts';
import { builtClientFolder, loadAssets, type Asset } from './assets.ts';
import { DashboardError } from './errors.ts';
import type { RunSource } from './log.ts';
import { RunStateTracker } from './run-state.ts';
import { cookieName, createToken, hostAllowed, originAllowed, readCookie, sameToken, securityHeaders } from './security.ts';
import { Session, unreadable } from './session.ts';

export interface DashboardOptions {
  readonly source: RunSource;
  /** First port tried; the next 19 follow when it is taken. 0 takes any free one. */
  readonly port: number;
  readonly host: string;
  /** The secret in the address; a restarted server given the old one keeps its address. Default: a fresh one. */
  readonly token?: string;
  /** Folder of the built page. */
  readonly clientFolder?: string;
  readonly now?: () => number;
  /** How often the log is looked at without having been told of news, in ms; 0: never, `tick` is called by the owner. */
  readonly tickMs?: number;
  /** Called when the number of connected pages changes. */
  readonly onWatchers?: (count: number) => void;
}

/** How many ports are tried. */
const PORTS = 20;
/** Ticks between heartbeats. */
const HEARTBEAT_TICKS = 15;
/** No more pages than a person could look at. */
const MAX_SESSIONS = 32;
/** How far back the state is read from when the server starts: what ended or paused a run stands near the end of its log. */
const STATE_WINDOW = 5_000;
const MAX_MESSAGE_BYTES = 4096;

/** Starts a server. Rejects with DashboardError when the page is not built or no port is free. */
export async function startDashboard(options: DashboardOptions): Promise<Dashboard> {
  const assets = loadAssets(options.clientFolder ?? builtClientFolder());
  const server = createServer();
  const port = await listen(server, options.host, options.port);
  return new Dashboard(options, assets, server, port);
}

export class Dashboard {
  /** The address to print: it holds the token. */
  readonly url: string;
  readonly port: number;
  readonly token: string;
  readonly #options: DashboardOptions;
  readonly #assets: ReadonlyMap<string, Asset>;
  readonly #server: Server;
  readonly #sockets = new WebSocketServer({ noServer: true, perMessageDeflate: false, maxPayload: MAX_MESSAGE_BYTES });
  readonly #sessions = new Set<Session>();
  readonly #tracker = new RunStateTracker();
  readonly #timer: NodeJS.Timeout | undefined;
  /** The last event that was looked at: the log's last one wherever it could be read. */
  #seen: number;
  #state: RunState;
  #ticks = 0;
  #trouble = '';
  #woken = false;

  constructor(options: DashboardOptions, assets: ReadonlyMap<string, Asset>, server: Server, port: number) {
    this.#options = options;
    this.#assets = assets;
    this.#server = server;
    this.port = port;
    this.token = options.token ?? createToken();
    const name = options.host === '0.0.0.0' || options.host === '::' ? '127.0.0.1' : options.host.includes(':') ? `[${options.host}]` : options.host;
    this.url = `http://${name}:${port}/?token=${this.token}`;
    this.#seen = Math.max(0, options.source.lastSeq() - STATE_WINDOW);
    this.#state = this.#readState();
    server.on('request', (request, response) => this.#answer(request, response));
    server.on('upgrade', (request, socket, head) => this.#upgrade(request, socket, head));
    const every = options.tickMs ?? 1000;
    this.#timer = every > 0 ? setInterval(() => this.tick(), every) : undefined;
  }

  get state(): RunState {
    return this.#state;
  }

  /** There is news in the log. Cheap: many calls in one turn of the event loop are one look. */
  notify(): void {
    if (this.#woken) return;
    this.#woken = true;
    setImmediate(() => {
      this.#woken = false;
      this.#look();
    });
  }

  /** Looks at the log and the owner; every fifteenth call is a heartbeat. */
  tick(): void {
    this.#look();
    if (++this.#ticks % HEARTBEAT_TICKS !== 0) return;
    for (const session of this.#sessions) {
      session.heartbeat();
      session.send(this.#stateMessage());
    }
  }

  /** Ends every connection and frees the port. The source stays the caller's. */
  async stop(): Promise<void> {
    clearInterval(this.#timer);
    for (const session of this.#sessions) session.close();
    const closed = new Promise<void>((resolve) => this.#server.close(() => resolve()));
    this.#server.closeAllConnections();
    // Upgraded sockets are no longer the HTTP server's; a page that does not answer the close is cut off.
    const cut = setTimeout(() => this.#sessions.forEach((session) => session.terminate()), 500);
    await closed;
    clearTimeout(cut);
    this.#sockets.close();
  }

  #look(): void {
    let state: RunState;
    try {
      state = this.#readState();
      for (const session of this.#sessions) session.pump();
      this.#trouble = '';
    } catch (error) {
      // A log that cannot be read now may be readable in a second; the pages are told once and nothing is skipped.
      const trouble = unreadable(error);
      if (trouble !== this.#trouble) for (const session of this.#sessions) session.send({ type: 'error', message: trouble });
      this.#trouble = trouble;
      return;
    }
    if (state === this.#state) return;
    this.#state = state;
    for (const session of this.#sessions) session.send(this.#stateMessage());
  }

  #readState(): RunState {
    for (;;) {
      const events = this.#options.source.after(this.#seen, 1000);
      for (const event of events) this.#tracker.observe(event);
      this.#seen = events.at(-1)?.seq ?? this.#seen;
      if (events.length < 1000) break;
    }
    return this.#tracker.state(this.#options.source.ownerAlive(), this.#now());
  }

  #now(): number {
    return (this.#options.now ?? Date.now)();
  }

  #stateMessage(): StateMessage {
    return { type: 'state', state: this.#state, lastSeq: this.#seen, now: this.#now() };
  }

  #command(command: WireCommand): string | null {
    if (!['live', 'paused', 'stalled'].includes(this.#state)) return `The run is ${this.#state}; nobody is there to take '${command}'.`;
    try {
      this.#options.source.command(command);
      return null;
    } catch (error) {
      return `The command '${command}' could not be left for the run: ${error instanceof Error ? error.message : String(error)}`;
    }
  }

  /** 403 and why, or null when the request may pass. The token in the address and the cookie count alike. */
  #refusal(request: IncomingMessage, url: URL, upgrade: boolean): string | null {
    if (!hostAllowed(request.headers.host, this.#options.host)) return 'This name does not belong to the dashboard.';
    if (!originAllowed(request.headers, upgrade)) return 'Requests from other pages are refused.';
    const given = url.searchParams.get('token') ?? readCookie(request.headers.cookie, cookieName(this.port));
    if (!sameToken(given, this.token)) return 'Open the address that the run printed: it holds the token that this page needs.';
    return null;
  }

  #answer(request: IncomingMessage, response: ServerResponse): void {
    const url = urlOf(request);
    const refusal = url ? this.#refusal(request, url, false) : 'This address is malformed.';
    if (!url || refusal) {
      const headers: Record<string, string> = { ...securityHeaders('127.0.0.1'), 'Content-Type': 'text/plain; charset=utf-8', 'Cache-Control': 'no-store' };
      // A link followed from another site does not carry the cookie on its first request; the page's own second one does.
      if (url?.pathname === '/' && request.headers['sec-fetch-site'] === 'cross-site') headers['Refresh'] = '0; url=/';
      response.writeHead(403, headers).end(`${refusal}\n`);
      return;
    }
    const headers = securityHeaders(request.headers.host!);
    if (request.method !== 'GET' && request.method !== 'HEAD') {
      response.writeHead(405, { ...headers, Allow: 'GET, HEAD' }).end();
      return;
    }
    if (url.searchParams.has('token')) {
      // The secret leaves the address bar, the history and every later Referer.
      const cookie = `${cookieName(this.port)}=${this.token}; HttpOnly; SameSite=Strict; Path=/`;
      response.writeHead(303, { ...headers, 'Set-Cookie': cookie, Location: '/', 'Cache-Control': 'no-store' }).end();
      return;
    }
    const asset = this.#assets.get(url.pathname);
    if (!asset) {
      response.writeHead(404, { ...headers, 'Content-Type': 'text/plain; charset=utf-8' }).end('There is nothing here.\n');
      return;
    }
    response.writeHead(200, {
      ...headers,
      'Content-Type': asset.type,
      'Content-Length': asset.body.length,
      'Cache-Control': asset.immutable ? 'private, max-age=31536000, immutable' : 'no-store',
    });
    response.end(request.method === 'HEAD' ? undefined : asset.body);
  }

  #upgrade(request: IncomingMessage, socket: Duplex, head: Buffer): void {
    socket.on('error', () => {});
    const url = urlOf(request);
    const refuse = (status: string): void => void socket.end(`HTTP/1.1 ${status}\r\nConnection: close\r\nContent-Length: 0\r\n\r\n`);
    if (!url || this.#refusal(request, url, true)) return refuse('403 Forbidden');
    if (url.pathname !== '/socket') return refuse('404 Not Found');
    if (this.#sessions.size >= MAX_SESSIONS) return refuse('503 Service Unavailable');
    this.#sockets.handleUpgrade(request, socket, head, (opened) => {
      const source = this.#options.source;
      const session = new Session(opened, {
        after: (seq, limit) => source.after(seq, limit),
        withKeys: (keys) => source.withKeys(keys),
        lastSeq: () => source.lastSeq(),
        command: (command) => this.#command(command),
      });
      opened.on('close', () => {
        this.#sessions.delete(session);
        this.#options.onWatchers?.(this.#sessions.size);
      });
      this.#look();
      this.#sessions.add(session);
      this.#options.onWatchers?.(this.#sessions.size);
      session.send({
        type: 'hello',
        protocol: PROTOCOL_VERSION,
        run: source.name,
        state: this.#state,
        lastSeq: this.#seen,
        plannedRounds: source.plannedRounds(),
        now: this.#now(),
      });
    });
  }
}

/** The path that was asked for; null when it is not one. What looks like a host in it (`//x`) stays part of the path. */
function urlOf(request: IncomingMessage): URL | null {
  if (!request.url?.startsWith('/')) return null;
  try {
    return new URL(`http://dashboard${request.url}`);
  } catch {
    return null;
  }
}

async function listen(server: Server, host: string, first: number): Promise<number> {
  for (let port = first; port < first + PORTS && port <= 65535; port++) {
    try {
      await new Promise<void>((resolve, reject) => {
        server.once('error', reject);
        server.listen(port, host, () => {
          server.removeListener('error', reject);
          resolve();
        });
      });
      return (server.address() as AddressInfo).port;
    } catch (error) {
      const code = (error as NodeJS.ErrnoException).code;
      if (code !== 'EADDRINUSE' && code !== 'EACCES') {
        throw new DashboardError(`The dashboard cannot listen on ${host}: ${(error as Error).message}.`);
      }
    }
  }
  throw new DashboardError(`Ports ${first} to ${Math.min(65535, first + PORTS - 1)} of ${host} are all taken. Give another one with --port.`);
}
