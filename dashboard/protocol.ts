/**
 * What server and page say to each other: tagged unions of plain data, and the plain description of a state machine that the
 * bridge logs and the page draws. It imports nothing, so that either side can be replaced. Not here: what an event's `data`
 * holds (src/contracts/events.ts) and how messages travel.
 *
 *     page    -> subscribe {after}          once after `hello`, and again whenever a batch does not continue where the last ended
 *     server  -> events {from, to, events}  until the end of the log, then one batch whenever there is news
 *     page    -> whole {keys}               records as they stand in the log, with what batches leave out
 *     server  -> whole {events}             those of them that there are
 *     server  -> state                      when the run's state changes, and as a heartbeat
 */

/** Rises with every change that an older page could not read; the page asks to be reloaded when it differs. */
export const PROTOCOL_VERSION = 1;

/**
 * `live`: the run's process is alive and wrote something lately. `paused`: alive, silent, and told to pause. `stalled`: alive
 * and silent without a reason. `finished`, `failed`: the log says so. `stopped`: the process is gone after it took a command to
 * stop; the run can be resumed. `dead`: the process is gone and the log does not say why.
 */
export type RunState = 'live' | 'paused' | 'stalled' | 'finished' | 'failed' | 'stopped' | 'dead';

/** One record of the event log. */
export interface WireEvent {
  /** Position in the log: 1, 2, 3, … */
  readonly seq: number;
  readonly key: string;
  readonly type: string;
  readonly data: unknown;
  readonly hashed: boolean;
  /** Milliseconds since the epoch. */
  readonly time: number;
}

export type WireCommand = 'pause' | 'resume' | 'stop-after-round' | 'stop-now';
export const WIRE_COMMANDS: readonly WireCommand[] = ['pause', 'resume', 'stop-after-round', 'stop-now'];

/** First message on every connection. */
export interface HelloMessage {
  readonly type: 'hello';
  readonly protocol: number;
  /** Name of the run's folder. */
  readonly run: string;
  readonly state: RunState;
  readonly lastSeq: number;
  /** Rounds the run is budgeted for; null when its configuration could not be read. */
  readonly plannedRounds: number | null;
  /** The server's clock, ms since the epoch: the page shows ages by it, not by its own clock. */
  readonly now: number;
}

/**
 * Covers every event with `from` <= seq <= `to`. `events` may hold fewer: records of single samples that lie so far back that no
 * page would show them are left out, and long lists of numbers about single samples are left out of their records.
 */
export interface EventsMessage {
  readonly type: 'events';
  readonly from: number;
  readonly to: number;
  readonly events: readonly WireEvent[];
}

/** Answers `whole`: records that exist, nothing left out of them. */
export interface WholeMessage {
  readonly type: 'whole';
  readonly events: readonly WireEvent[];
}

export interface StateMessage {
  readonly type: 'state';
  readonly state: RunState;
  readonly lastSeq: number;
  readonly now: number;
}

/** Something the page asked for could not be done; the connection stays up unless the server closes it. */
export interface ErrorMessage {
  readonly type: 'error';
  readonly message: string;
}

export type ServerMessage = HelloMessage | EventsMessage | WholeMessage | StateMessage | ErrorMessage;

/** Most keys that a page may ask for at once. */
export const MOST_KEYS = 16;

export type ClientMessage =
  /** Send everything after this position (0: from the beginning). Replaces an earlier subscription. */
  | { readonly type: 'subscribe'; readonly after: number }
  | { readonly type: 'whole'; readonly keys: readonly string[] }
  | { readonly type: 'command'; readonly command: WireCommand };

/** A state machine as plain data. */
export interface MachineDefinition {
  readonly id: string;
  readonly root: StateDefinition;
}

export interface StateDefinition {
  readonly key: string;
  /** Keys from below the root joined by dots; empty for the root. */
  readonly path: string;
  readonly type: 'atomic' | 'compound' | 'parallel' | 'final' | 'history';
  /** Path of the state entered first; null where there is none. */
  readonly initial: string | null;
  /** Sources of the actors that run while the state is active. */
  readonly invokes: readonly string[];
  readonly transitions: readonly TransitionDefinition[];
  readonly states: readonly StateDefinition[];
}

export interface TransitionDefinition {
  /** XState's event type; empty for an eventless transition. */
  readonly event: string;
  readonly guard: string | null;
  /** Paths; empty for a transition that stays where it is. */
  readonly targets: readonly string[];
}
