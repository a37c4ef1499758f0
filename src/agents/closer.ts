/** The closer: records the end of a run that was not stopped. Not here: reports and tables, which are queries over the log. */
import type { Closer } from '../contracts/agents.ts';
import type { EventSink } from '../contracts/events.ts';

export interface CloserDeps {
  readonly events: EventSink;
  /** Hash of the last checkpoint's weights. */
  readonly weightsHash: () => string | Promise<string>;
}

export class RecordingCloser implements Closer {
  constructor(private readonly deps: CloserDeps) {}

  /** Records `run.finished` under the key `run/finished`. */
  async finish({ rounds, reason }: { readonly rounds: number; readonly reason: string }): Promise<void> {
    const weightsHash = await this.deps.weightsHash();
    this.deps.events.record([{ key: 'run/finished', event: { type: 'run.finished', data: { rounds, reason, weightsHash } } }]);
  }
}
