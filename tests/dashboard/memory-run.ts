/** A run in memory for the dashboard's server: a log that a test appends to, an owner it may end, and the commands it was given. */
import type { RunSource } from '../../dashboard/server/index.ts';
import type { WireCommand, WireEvent } from '../../dashboard/protocol.ts';

export class MemoryRun implements RunSource {
  readonly name: string;
  readonly commands: WireCommand[] = [];
  alive = true;
  planned: number | null = 20;
  /** Set: reading throws it. */
  trouble: Error | null = null;
  readonly #events: WireEvent[] = [];

  constructor(events: readonly WireEvent[] = [], name = '20260101-120000-ab12') {
    this.name = name;
    this.#events.push(...events);
  }

  /** Appends a record with the next position. */
  append(type: string, data: unknown, time: number): void {
    const seq = this.#events.length + 1;
    this.#events.push({ seq, key: `k${seq}`, type, data, hashed: false, time });
  }

  after(seq: number, limit: number): readonly WireEvent[] {
    if (this.trouble) throw this.trouble;
    return this.#events.slice(seq, seq + limit);
  }

  withKeys(keys: readonly string[]): readonly WireEvent[] {
    if (this.trouble) throw this.trouble;
    return this.#events.filter(({ key }) => keys.includes(key));
  }

  lastSeq(): number {
    if (this.trouble) throw this.trouble;
    return this.#events.length;
  }

  ownerAlive(): boolean {
    return this.alive;
  }

  plannedRounds(): number | null {
    return this.planned;
  }

  command(command: WireCommand): void {
    this.commands.push(command);
  }

  close(): void {}
}
