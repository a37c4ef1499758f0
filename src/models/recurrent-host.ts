/**
 * The recurrent model's compiled steps over host arrays: scoring, sampling and training of many sequences. Sequences lie one after the
 * other in an Int32Array of count * length ids, without the start token. Every draw is addressed by sequence and position.
 */
import { compile, type BoundStep, type EngineOptions, type Program } from '../engine/compile.ts';
import type { RandomStream } from '../random/philox.ts';
import { biasCorrections } from './optimizer.ts';
import { blockSize, recurrentLayout, recurrentSampleStep, recurrentScoreStep, recurrentTrainStep, type RecurrentShape } from './recurrent.ts';

/** Writes sequence `from` of `ids` as row `row` of time-major inputs. */
function place(shape: RecurrentShape, rows: number, row: number, ids: Int32Array, from: number, inputs: BoundStep['inputs']): void {
  for (let t = 0; t < shape.length; t++) {
    const at = t * rows + row;
    const token = ids[from * shape.length + t]!;
    inputs['targets']![at] = token;
    if (t + 1 < shape.length) inputs['ids']![at + rows] = token;
    if (t === 0) inputs['ids']![at] = shape.start;
  }
}

/** Rows scored at once: few enough that their logits stay in the processor's caches. */
const SCORED_ROWS = 16;

/** Scores sequences under weights that may change between calls. */
export class RecurrentScorer {
  private constructor(private readonly shape: RecurrentShape, private readonly rows: number, private readonly program: Program, private readonly step: BoundStep) {}

  static async create(engine: EngineOptions, shape: RecurrentShape, weights: Float32Array, rows = SCORED_ROWS): Promise<RecurrentScorer> {
    const { step, spec } = recurrentScoreStep(shape, rows);
    const program = await compile(engine, step, spec);
    return new RecurrentScorer(shape, rows, program, program.bind({ weights }));
  }

  /** Mean -log p a token, nats, of each sequence. */
  async score(ids: Int32Array, temperature = 1): Promise<Float32Array> {
    const { rows, step } = this;
    const { length } = this.shape;
    const scores = new Float32Array(ids.length / length);
    step.inputs['inverseTemperature']![0] = 1 / temperature;
    for (let from = 0; from < scores.length; from += rows) {
      const count = Math.min(rows, scores.length - from);
      for (let row = 0; row < count; row++) place(this.shape, rows, row, ids, from + row, step.inputs);
      await step.run();
      for (let row = 0; row < count; row++) {
        let sum = 0;
        for (let t = 0; t < length; t++) sum += step.outputs['nll']![t * rows + row]!;
        scores[from + row] = sum / length;
      }
    }
    return scores;
  }

  release(): void {
    this.step.release();
    this.program.release();
  }
}

/** Samples from one set of weights, which are built into the graph. */
export class RecurrentSampler {
  readonly #ids: Int32Array;
  readonly #hidden: Float32Array;
  readonly #cell: Float32Array;

  private constructor(private readonly shape: RecurrentShape, readonly rows: number, private readonly program: Program, private readonly step: BoundStep, state: { hidden: Float32Array; cell: Float32Array }) {
    this.#ids = step.inputs['ids'] as Int32Array;
    this.#hidden = state.hidden;
    this.#cell = state.cell;
  }

  static async create(engine: EngineOptions, shape: RecurrentShape, weights: Float32Array, rows = 64): Promise<RecurrentSampler> {
    const { step, spec } = recurrentSampleStep(shape, rows);
    const program = await compile(engine, step, { ...spec, frozen: { weights: weights.slice() } });
    const state = { hidden: new Float32Array(rows * shape.hidden), cell: new Float32Array(rows * shape.hidden) };
    return new RecurrentSampler(shape, rows, program, program.bind(state), state);
  }

  /** `count` sequences; sequence s takes position t's uniform from `random` at s * length + t. */
  async sample(count: number, random: RandomStream, temperature = 1): Promise<Int32Array> {
    const { length } = this.shape;
    const ids = new Int32Array(Math.ceil(count / this.rows) * this.rows * length);
    for (let from = 0; from < count; from += this.rows) {
      this.#hidden.fill(0);
      this.#cell.fill(0);
      await this.#extend(ids.subarray(from * length, (from + this.rows) * length), 0, random, from * length, temperature);
    }
    return ids.slice(0, count * length);
  }

  /**
   * Monte Carlo completions: for every proper beginning of `rows` sequences, 1 to length - 1 tokens, `count` times over, the sequences
   * with the rest drawn anew. `visit` gets the number of tokens kept and the completed sequences, which the next call overwrites.
   */
  async rollOut(ids: Int32Array, count: number, random: RandomStream, visit: (kept: number, completed: Int32Array) => Promise<void>): Promise<void> {
    const { length } = this.shape;
    const [hidden, cell] = [new Float32Array(this.#hidden.length), new Float32Array(this.#cell.length)];
    const completed = new Int32Array(ids.length);
    this.#inverseTemperature(1);
    for (let kept = 1; kept < length; kept++) {
      // One token further from where the last beginning stood, then away from there `count` times.
      this.#hidden.set(hidden);
      this.#cell.set(cell);
      this.#feed(ids, kept - 1);
      await this.step.run({ blocking: true });
      hidden.set(this.#hidden);
      cell.set(this.#cell);
      for (let i = 0; i < count; i++) {
        this.#hidden.set(hidden);
        this.#cell.set(cell);
        completed.set(ids);
        await this.#extend(completed, kept, random, (kept * count + i) * ids.length, 1);
        await visit(kept, completed);
      }
    }
  }

  /** Draws positions `from` and later of `rows` sequences; the state is the one before the token at from - 1 goes in. */
  async #extend(ids: Int32Array, from: number, random: RandomStream, counter: number, temperature: number): Promise<void> {
    const { length, vocabulary } = this.shape;
    this.#inverseTemperature(temperature);
    const size = blockSize(vocabulary);
    for (let t = from; t < length; t++) {
      this.#feed(ids, t);
      await this.step.run({ blocking: true });
      const { probabilities, blocks } = this.step.outputs as { probabilities: Float32Array; blocks: Float32Array };
      for (let row = 0; row < this.rows; row++) {
        ids[row * length + t] = drawFrom(probabilities, blocks, row, vocabulary, size, random.uniform(counter + row * length + t));
      }
    }
  }

  /** Gives the step what precedes position t. */
  #feed(ids: Int32Array, t: number): void {
    for (let row = 0; row < this.rows; row++) this.#ids[row] = t === 0 ? this.shape.start : ids[row * this.shape.length + t - 1]!;
  }

  #inverseTemperature(temperature: number): void {
    this.step.inputs['inverseTemperature']![0] = 1 / temperature;
  }

  release(): void {
    this.step.release();
    this.program.release();
  }
}

/** The token at which row `row`'s cumulative distribution passes `uniform` of its total. */
function drawFrom(probabilities: Float32Array, blocks: Float32Array, row: number, vocabulary: number, size: number, uniform: number): number {
  const count = vocabulary / size;
  let total = 0;
  for (let b = 0; b < count; b++) total += blocks[row * count + b]!;
  let left = uniform * total;
  let block = 0;
  for (; block < count - 1 && left >= blocks[row * count + block]!; block++) left -= blocks[row * count + block]!;
  const from = row * vocabulary + block * size;
  let token = 0;
  for (; token < size - 1 && left >= probabilities[from + token]!; token++) left -= probabilities[from + token]!;
  return block * size + token;
}

/** Weights, optimizer and average of the weights, and updates on batches of sequences. */
export class RecurrentTrainer {
  /** Updates so far. */
  updates = 0;

  private constructor(readonly shape: RecurrentShape, readonly rows: number, readonly weights: Float32Array, readonly average: Float32Array, private readonly program: Program, private readonly step: BoundStep) {}

  /** Starts from `weights`, which are updated in place. */
  static async create(engine: EngineOptions, shape: RecurrentShape, weights: Float32Array, { rows = 64, decay = false } = {}): Promise<RecurrentTrainer> {
    const { step, spec } = recurrentTrainStep(shape, rows, decay);
    const program = await compile(engine, step, spec);
    const zeros = (): Float32Array => new Float32Array(recurrentLayout(shape).size);
    const average = weights.slice();
    return new RecurrentTrainer(shape, rows, weights, average, program, program.bind({ weights, first: zeros(), second: zeros(), average }));
  }

  /**
   * One update on sequences `picked` (`rows` of them, by index) of `ids`. `credit(row, t)` weighs a token beside a mean over all: 1 is
   * likelihood. Returns the loss.
   */
  async update(ids: Int32Array, picked: ArrayLike<number>, { learningRate, averageDecay }: { readonly learningRate: number; readonly averageDecay: number }, credit: (row: number, t: number) => number = () => 1): Promise<number> {
    const { rows, shape, step } = this;
    const N = rows * shape.length;
    for (let row = 0; row < rows; row++) {
      place(shape, rows, row, ids, picked[row]!, step.inputs);
      for (let t = 0; t < shape.length; t++) step.inputs['credit']![t * rows + row] = credit(row, t) / N;
    }
    for (const [name, value] of Object.entries({ learningRate, averageDecay, ...biasCorrections(this.updates++) })) step.inputs[name]![0] = value;
    await step.run();
    return step.outputs['loss']![0]!;
  }

  release(): void {
    this.step.release();
    this.program.release();
  }
}
