/** The discriminator's compiled steps and its state: scoring, updating, and scores of held-out texts before each update. */
import type { DiscriminatorInput, DiscriminatorUpdate, DiscriminatorUpdated, TraceInput } from '../contracts/model.ts';
import type { OddsTrace } from '../contracts/records.ts';
import { compile, type BoundStep, type EngineOptions } from '../engine/compile.ts';
import { RandomStream } from '../random/philox.ts';
import { discriminatorLayout, discriminatorScoreStep, discriminatorTrainStep, features, FEATURES, trace } from './discriminator.ts';
import { biasCorrections } from './optimizer.ts';

const ROWS = 128;
/** Every fifth text is held out of the update and measured before it. */
const HELD_OUT = 5;

export class DiscriminatorTrainer {
  readonly #score: BoundStep;
  readonly #train: BoundStep;
  /** Updates so far, for the optimizer's bias corrections. */
  updates = 0;

  private constructor(private readonly seed: number, score: (weights: Float32Array) => BoundStep, train: (arrays: Record<string, Float32Array>) => BoundStep) {
    const layout = discriminatorLayout();
    this.arrays = { discriminator: layout.initialise(seed), discriminatorFirst: new Float32Array(layout.size), discriminatorSecond: new Float32Array(layout.size) };
    const { discriminator: weights, discriminatorFirst: first, discriminatorSecond: second } = this.arrays;
    this.#score = score(weights);
    this.#train = train({ weights, first, second });
  }

  readonly arrays: Record<'discriminator' | 'discriminatorFirst' | 'discriminatorSecond', Float32Array>;

  static async create(engine: EngineOptions, seed: number): Promise<DiscriminatorTrainer> {
    const score = discriminatorScoreStep(ROWS);
    const train = discriminatorTrainStep(ROWS);
    const scoring = await compile(engine, score.step, score.spec);
    const training = await compile(engine, train.step, train.spec);
    return new DiscriminatorTrainer(seed, (weights) => scoring.bind({ weights }), (arrays) => training.bind(arrays));
  }

  /** log D / (1 - D) of each text. */
  async score(inputs: readonly DiscriminatorInput[]): Promise<number[]> {
    const scores: number[] = [];
    const batch = this.#score.inputs['features'] as Float32Array;
    for (let from = 0; from < inputs.length; from += ROWS) {
      const chunk = inputs.slice(from, from + ROWS);
      for (const [i, { bigrams }] of chunk.entries()) features(bigrams, batch.subarray(i * FEATURES, (i + 1) * FEATURES));
      await this.#score.run();
      scores.push(...(this.#score.outputs['logits'] as Float32Array).subarray(0, chunk.length));
    }
    return scores;
  }

  trace(inputs: readonly TraceInput[]): OddsTrace[] {
    return inputs.map((input) => trace(this.arrays.discriminator, input));
  }

  /** `steps` updates, each on as many real as generated texts, drawn by counter; the held-out fifth is scored before. */
  async update({ key, real, fake, steps, learningRate }: DiscriminatorUpdate): Promise<DiscriminatorUpdated> {
    const heldOut = (inputs: readonly DiscriminatorInput[]): DiscriminatorInput[] => inputs.filter((_, i) => i % HELD_OUT === 0);
    const seen = (inputs: readonly DiscriminatorInput[]): DiscriminatorInput[] => inputs.filter((_, i) => i % HELD_OUT !== 0);
    const [heldOutReal, heldOutFake] = [await this.score(heldOut(real)), await this.score(heldOut(fake))];
    const [realSeen, fakeSeen] = [seen(real), seen(fake)];
    const { features: batch, labels, learningRate: rate, firstCorrection, secondCorrection } = this.#train.inputs as Record<string, Float32Array>;
    const random = new RandomStream(this.seed, 'discriminator', key);
    let loss = 0;
    const possible = realSeen.length > 0 && fakeSeen.length > 0 ? steps : 0;
    for (let step = 0; step < possible; step++) {
      for (let row = 0; row < ROWS; row++) {
        const isReal = row < ROWS / 2;
        const pool = isReal ? realSeen : fakeSeen;
        features(pool[random.integer(step * ROWS + row, pool.length)]!.bigrams, batch!.subarray(row * FEATURES, (row + 1) * FEATURES));
        labels![row] = isReal ? 1 : 0;
      }
      const corrections = biasCorrections(this.updates++);
      [rate![0], firstCorrection![0], secondCorrection![0]] = [learningRate, corrections.firstCorrection, corrections.secondCorrection];
      await this.#train.run();
      loss += this.#train.outputs['loss']![0]!;
    }
    return { loss: possible === 0 ? 0 : loss / possible, heldOutReal, heldOutFake };
  }
}
