/**
 * The generator: samples completions of the round's training tasks from the weights being trained. Unconditional tasks come
 * first, then prompted ones. What is finished is judged ahead, as the critic will ask. Not here: how a token is drawn (the model host) and
 * what the text is worth (the critic).
 */
import type { Generator } from '../contracts/agents.ts';
import type { Evaluator } from '../contracts/evaluator.ts';
import type { ModelHost } from '../contracts/model.ts';
import type { Sample } from '../contracts/records.ts';
import type { Config } from '../config/schema.ts';
import { during, type ActivityDeps } from './activity.ts';
import { judgedAhead } from './ahead.ts';
import { createdEvent, critiqueRequestOf, recordAll, sampleOf, type TaskSource } from './samples.ts';

export interface GeneratorDeps extends ActivityDeps {
  readonly model: Pick<ModelHost, 'generate'>;
  readonly evaluator: Evaluator;
  readonly config: Pick<Config, 'sampling'>;
  readonly tasks: TaskSource;
}

export class PolicyGenerator implements Generator {
  constructor(private readonly deps: GeneratorDeps) {}

  /**
   * Records `round.started` (key `round/<r>/started`) and one `sample.created` a sample (key `sample/<id>`). Ids are
   * `r<round>/u<n>` and `r<round>/p<n>`: stable, since tasks and the random stream are named by the round.
   */
  async generate({ round }: { readonly round: number }, signal?: AbortSignal): Promise<Sample[]> {
    const { model, evaluator, events, config: { sampling }, tasks } = this.deps;
    events.record([{ key: `round/${round}/started`, event: { type: 'round.started', data: { round } } }]);
    const of = (prompted: boolean, count: number) =>
      count === 0 ? [] : tasks({ split: 'train', prompted, count, round }).map((task, i) => ({ task, id: `r${round}/${prompted ? 'p' : 'u'}${i}` }));
    const drawn = [...of(false, sampling.unconditional), ...of(true, sampling.prompted)];
    return during(this.deps, { agent: 'generator', activity: 'generate', round, amount: drawn.length }, async () => {
      const completions = await judgedAhead(
        evaluator,
        (listener) => model.generate({
          key: `round/${round}/generate`,
          prompts: drawn.map(({ task }) => task.prompt),
          maxTokens: sampling.maxTokens,
          temperature: sampling.temperature,
          weights: 'raw',
        }, listener),
        ({ index, text, finish }) => critiqueRequestOf({ id: drawn[index]!.id, prompt: drawn[index]!.task.prompt, completion: text, finish }),
        signal,
      );
      signal?.throwIfAborted();
      const samples = drawn.map(({ task, id }, i) => sampleOf(id, round, task, completions[i]!));
      await recordAll(events, samples.map(createdEvent));
      return samples;
    });
  }
}
