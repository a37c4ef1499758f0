/**
 * The pretrainer: self-supervised pretraining in chunks, its record step by step, and something to watch meanwhile. Where a
 * saved step lies on disk is the composition root's business: it hands over `save`.
 */
import type { Pretrainer } from '../contracts/agents.ts';
import type { Evaluator } from '../contracts/evaluator.ts';
import type { ModelHost } from '../contracts/model.ts';
import type { Config } from '../config/schema.ts';
import { during, type ActivityDeps, type Clock } from './activity.ts';

export interface PretrainerDeps extends ActivityDeps {
  readonly model: Pick<ModelHost, 'pretrain' | 'generate' | 'beginRounds'>;
  readonly evaluator: Evaluator;
  readonly config: Pick<Config, 'pretraining' | 'model' | 'sampling'>;
  /** Saves the weights after `step` steps so that pretraining can go on from there; returns their hash. */
  readonly save: (step: number) => Promise<string>;
}

/** Milliseconds between two previews. */
const PREVIEW_EVERY = 20_000;

export class ChunkedPretrainer implements Pretrainer {
  readonly #deps: PretrainerDeps;
  readonly #clock: Clock;
  #previewed: number;

  constructor(deps: PretrainerDeps) {
    this.#deps = deps;
    this.#clock = deps.clock;
    this.#previewed = deps.clock();
  }

  /**
   * Records `pretraining.step` (key `pretraining/<step>`) for each step, notes `pretraining.progress`, saves whenever a multiple of
   * `pretraining.saveEvery` was passed, and samples a preview every 20 s.
   */
  async advance({ fromStep, steps }: { readonly fromStep: number; readonly steps: number }, signal?: AbortSignal): Promise<{ step: number; loss: number }> {
    const { model, events, config: { pretraining, model: shape }, save } = this.#deps;
    const totalSteps = pretraining.steps;
    const toStep = Math.min(fromStep + steps, totalSteps);
    return during(this.#deps, { agent: 'pretrainer', activity: 'pretrain', round: null, amount: toStep - fromStep }, async () => {
      const begun = this.#clock();
      const reports = await model.pretrain({ fromStep, toStep });
      const seconds = (this.#clock() - begun) / 1000;
      signal?.throwIfAborted();
      events.record(
        reports.map((report) => ({ key: `pretraining/${report.step}`, event: { type: 'pretraining.step' as const, data: { ...report, totalSteps } } })),
      );
      const loss = reports.at(-1)?.loss ?? Number.NaN;
      if (seconds > 0) {
        const tokensPerSecond = ((toStep - fromStep) * shape.batch * shape.context) / seconds;
        const secondsLeft = ((totalSteps - toStep) * seconds) / (toStep - fromStep);
        events.note({ type: 'pretraining.progress', data: { step: toStep, totalSteps, loss, tokensPerSecond, secondsLeft } });
      }
      const passed = Math.floor(toStep / pretraining.saveEvery) > Math.floor(fromStep / pretraining.saveEvery);
      if (passed && toStep < totalSteps) await save(toStep);
      await this.#preview(toStep, signal);
      return { step: toStep, loss };
    });
  }

  /** Makes the trained weights the promoted ones, saves them, and records `pretraining.finished` (key `pretraining/finished`). */
  async finish({ step }: { readonly step: number }, signal?: AbortSignal): Promise<{ weightsHash: string }> {
    const { model, events, save } = this.#deps;
    return during(this.#deps, { agent: 'pretrainer', activity: 'finish', round: null, amount: 1 }, async () => {
      await model.beginRounds();
      const weightsHash = await save(step);
      signal?.throwIfAborted();
      events.record([{ key: 'pretraining/finished', event: { type: 'pretraining.finished', data: { steps: step, weightsHash } } }]);
      return { weightsHash };
    });
  }

  async #preview(step: number, signal: AbortSignal | undefined): Promise<void> {
    const { model, evaluator, events, config: { sampling } } = this.#deps;
    if (this.#clock() - this.#previewed < PREVIEW_EVERY) return;
    const key = `preview/${step}`;
    const [completion] = await model.generate({
      key, prompts: [''], maxTokens: sampling.maxTokens, temperature: sampling.temperature, weights: 'raw',
    });
    const [evaluation] = await evaluator.evaluateMany([{ id: key, text: completion!.text, promptLength: 0, finish: completion!.finish }], signal);
    events.note({ type: 'preview.created', data: { step, text: completion!.text, valid: evaluation!.valid } });
    this.#previewed = this.#clock();
  }
}
