/**
 * The pretrainer: self-supervised pretraining in chunks, its record step by step, when it has to end early, and something to
 * watch meanwhile. Where a saved step lies on disk is the composition root's business: it hands over `save`.
 */
import type { Pretrainer } from '../contracts/agents.ts';
import type { Evaluator } from '../contracts/evaluator.ts';
import type { EventSink } from '../contracts/events.ts';
import type { ModelHost, StepReport } from '../contracts/model.ts';
import type { Document, HeldOutBits } from '../contracts/records.ts';
import type { Config } from '../config/schema.ts';
import { measuredDocuments } from '../tasks/index.ts';
import { during, type ActivityDeps, type Clock } from './activity.ts';

export interface PretrainerDeps extends ActivityDeps {
  readonly model: Pick<ModelHost, 'pretrain' | 'generate' | 'bits' | 'beginRounds'>;
  readonly evaluator: Evaluator;
  readonly config: Pick<Config, 'pretraining' | 'model' | 'sampling' | 'measuring'>;
  /** Saves the weights after `step` steps so that pretraining can go on from there; returns their hash. */
  readonly save: (step: number) => Promise<string>;
  /** Loads what was saved after `step` steps. */
  readonly restore: (step: number) => Promise<void>;
  /** All documents of the gate split; as many as `measuring.documents` are used. */
  readonly heldOut: () => readonly Document[];
  /** Every `pretraining.measured` of the log, in order. */
  readonly measured: () => readonly HeldOutBits[];
}

/** Milliseconds between two previews. */
const PREVIEW_EVERY = 20_000;

/** The record of a pretraining that is over: what the cache keeps of it besides the weights. */
export interface PretrainingRecord {
  /** Of each step from the first to the one that it ended with. */
  readonly steps: readonly StepReport[];
  readonly measured: readonly HeldOutBits[];
}

type Recorded = Parameters<EventSink['record']>[0][number];
const stepEvent = (report: StepReport, totalSteps: number): Recorded => ({ key: `pretraining/${report.step}`, event: { type: 'pretraining.step', data: { ...report, totalSteps } } });
const measuredEvent = (measured: HeldOutBits): Recorded => ({ key: `pretraining/measured/${measured.step}`, event: { type: 'pretraining.measured', data: measured } });

/** The events of a pretraining in the order in which `advance` records them. */
export function pretrainingEvents({ steps, measured }: PretrainingRecord, totalSteps: number): Recorded[] {
  return steps.flatMap((report, i) => [stepEvent(report, totalSteps), ...measured.filter(({ step }) => step === i + 1).map(measuredEvent)]);
}

/**
 * Whether pretraining ends at `step`: none of the last `patience` measurements up to there, in order of steps, has fewer bits than the
 * best one before them. A function of what the log holds, so a resumed run decides as an uninterrupted one does. Source: Goodfellow,
 * Bengio, Courville, "Deep Learning" (2016), algorithm 7.1.
 */
export function outOfPatience(measured: readonly HeldOutBits[], step: number, patience: number): boolean {
  if (patience === 0) return false;
  const until = measured.filter((one) => one.step <= step);
  const best = bestMeasured(until);
  return best !== undefined && until.length - 1 - until.indexOf(best) >= patience;
}

/** The first of those with the fewest bits. */
export function bestMeasured(measured: readonly HeldOutBits[]): HeldOutBits | undefined {
  const least = Math.min(...measured.map(({ bitsPerByte }) => bitsPerByte));
  return measured.find(({ bitsPerByte }) => bitsPerByte === least);
}

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
   * `pretraining.saveEvery` was passed, and samples a preview every 20 s. With `pretraining.patience` it also records
   * `pretraining.measured` (key `pretraining/measured/<step>`) where it would save, and ends there, with the weights of the best
   * measurement, when patience is spent.
   */
  async advance({ fromStep, steps }: { readonly fromStep: number; readonly steps: number }, signal?: AbortSignal): Promise<{ step: number; loss: number; ended: boolean }> {
    const { model, events, config: { pretraining, model: shape }, measured, save, restore } = this.#deps;
    const totalSteps = pretraining.steps;
    const toStep = Math.min(fromStep + steps, totalSteps);
    return during(this.#deps, { agent: 'pretrainer', activity: 'pretrain', round: null, amount: toStep - fromStep }, async () => {
      const begun = this.#clock();
      const reports = await model.pretrain({ fromStep, toStep });
      const seconds = (this.#clock() - begun) / 1000;
      signal?.throwIfAborted();
      events.record(reports.map((report) => stepEvent(report, totalSteps)));
      const loss = reports.at(-1)?.loss ?? Number.NaN;
      if (seconds > 0) {
        const tokensPerSecond = ((toStep - fromStep) * shape.batch * shape.context) / seconds;
        const secondsLeft = ((totalSteps - toStep) * seconds) / (toStep - fromStep);
        events.note({ type: 'pretraining.progress', data: { step: toStep, totalSteps, loss, tokensPerSecond, secondsLeft } });
      }
      const passed = Math.floor(toStep / pretraining.saveEvery) > Math.floor(fromStep / pretraining.saveEvery);
      // What is known of a step is in the log before the step is saved: a run that goes on from there does not measure it again.
      const ended = passed && toStep < totalSteps && (await this.#measure(toStep, signal));
      if (ended) await restore(bestMeasured(measured().filter((one) => one.step <= toStep))!.step);
      else if (passed && toStep < totalSteps) await save(toStep);
      await this.#preview(toStep, signal);
      return { step: toStep, loss, ended };
    });
  }

  /** Records the held-out bits where they decide something, and returns whether pretraining ends here. */
  async #measure(step: number, signal: AbortSignal | undefined): Promise<boolean> {
    const { model, events, heldOut, measured, config: { pretraining: { patience }, measuring } } = this.#deps;
    if (patience === 0) return false;
    const texts = measuredDocuments(heldOut(), measuring.documents).map(({ text }) => text);
    const bits = await model.bits(texts, 'raw');
    signal?.throwIfAborted();
    const bytes = texts.reduce((sum, text) => sum + Buffer.byteLength(text), 0);
    const bitsPerByte = bits.reduce((sum, value) => sum + value, 0) / bytes;
    events.record([measuredEvent({ step, bitsPerByte })]);
    return outOfPatience(measured(), step, patience);
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
