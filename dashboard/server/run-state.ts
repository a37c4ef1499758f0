/**
 * What may truthfully be said of a run: live, paused, stalled, finished, failed, stopped or dead. Decided from three facts only: what the
 * log says, whether the owner's process is alive, and how old the newest record is. The clock is handed in.
 */
import type { RunState, WireEvent } from '../protocol.ts';

/** Silence after which a run whose process lives is called stalled, in milliseconds. */
export const STALL_AFTER_MS = 30_000;

export class RunStateTracker {
  #ended: 'finished' | 'failed' | null = null;
  #command = '';
  #newest = 0;

  /** Takes records in order. */
  observe(event: WireEvent): void {
    this.#newest = Math.max(this.#newest, event.time);
    switch (event.type) {
      case 'run.finished':
        this.#ended = 'finished';
        break;
      case 'run.failed':
        this.#ended = 'failed';
        break;
      case 'run.started':
      case 'run.resumed':
        this.#ended = null;
        this.#command = '';
        break;
      case 'command.received':
        this.#command = String((event.data as { command?: unknown }).command);
        break;
    }
  }

  /** The state at `now` (ms since the epoch). A run that was paused and still writes is live: it has not come to rest yet. */
  state(ownerAlive: boolean, now: number): RunState {
    if (this.#ended) return this.#ended;
    if (!ownerAlive) return this.#command.startsWith('stop-') ? 'stopped' : 'dead';
    if (now - this.#newest <= STALL_AFTER_MS) return 'live';
    return this.#command === 'pause' ? 'paused' : 'stalled';
  }
}
