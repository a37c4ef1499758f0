/**
 * The time that a run takes, without its pauses. RoundTimer stands between the agents and the event log, sees what passes and notes
 * `round.timed` after each round. Times never enter hashed events, so they are noted here, beside them.
 */
import type { EventSink, HashedEvent, UnhashedEvent } from '../contracts/events.ts';
import type { Clock } from './activity.ts';

/** A clock that stands still from `pause` to `resume`. Work in flight when the pause begins, which ends all the same, goes uncounted. */
export class PausableClock {
  #paused = 0;
  #since: number | null = null;

  constructor(private readonly clock: Clock) {}

  readonly read: Clock = () => (this.#since ?? this.clock()) - this.#paused;

  pause(): void {
    this.#since ??= this.clock();
  }

  resume(): void {
    if (this.#since !== null) this.#paused += this.clock() - this.#since;
    this.#since = null;
  }
}

export class RoundTimer implements EventSink {
  #begun: number;
  #sampled = { tokens: 0, seconds: 0 };
  #trained = { tokens: 0, seconds: 0 };

  constructor(private readonly sink: EventSink, private readonly clock: Clock) {
    this.#begun = clock();
  }

  record(events: readonly { readonly key: string; readonly event: HashedEvent }[]): void {
    this.sink.record(events);
    for (const { event } of events) this.#see(event);
  }

  note(event: UnhashedEvent): void {
    this.sink.note(event);
    if (event.type !== 'activity.finished') return;
    const { agent, activity, seconds } = event.data;
    if (agent === 'generator') this.#sampled.seconds += seconds;
    if (agent === 'learner' && activity === 'learn') this.#trained.seconds += seconds;
  }

  #see(event: HashedEvent): void {
    if (event.type === 'sample.created' && event.data.parent === undefined) this.#sampled.tokens += event.data.tokens?.length ?? 0;
    if (event.type === 'policy.updated') this.#trained.tokens += event.data.tokens;
    if (event.type !== 'round.finished') return;
    const rate = ({ tokens, seconds }: { tokens: number; seconds: number }): number => (seconds > 0 ? tokens / seconds : 0);
    const now = this.clock();
    this.sink.note({
      type: 'round.timed',
      data: { round: event.data.round, seconds: (now - this.#begun) / 1000, sampledTokensPerSecond: rate(this.#sampled), trainedTokensPerSecond: rate(this.#trained) },
    });
    this.#begun = now;
    this.#sampled = { tokens: 0, seconds: 0 };
    this.#trained = { tokens: 0, seconds: 0 };
  }
}
