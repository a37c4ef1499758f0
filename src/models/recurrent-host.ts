/**
 * The recurrent model's compiled steps over host arrays: scoring, sampling and training of many sequences. Sequences lie one after the
 * other in an Int32Array of count * length ids, without the start token. Every draw is addressed by sequence and position. Where the shape
 * has an `end`, a sequence's tokens up to its first one count, that one included, and no others.
 */
import { compile, type BoundStep, type EngineOptions, type Program } from '../engine/compile.ts';
import { RandomStream } from '../random/philox.ts';
import { biasCorrections } from './optimizer.ts';
import { blockSize, recurrentLayout, recurrentSampleStep, recurrentScoreStep, recurrentTrainStep, type RecurrentShape } from './recurrent.ts';

/** Tokens of sequence `s` that count. */
export function countedTokens({ length, end }: RecurrentShape, ids: Int32Array, s: number): number {
  if (end === undefined) return length;
  const at = ids.subarray(s * length, (s + 1) * length).indexOf(end);
  return at < 0 ? length : at + 1;
}

/** Writes the first `length` tokens of sequence `from` of `ids` as row `row` of time-major inputs. */
function place(shape: RecurrentShape, rows: number, row: number, ids: Int32Array, from: number, inputs: BoundStep['inputs'], length = shape.length): void {
  for (let t = 0; t < length; t++) {
    const at = t * rows + row;
    const token = ids[from * shape.length + t]!;
    inputs['targets']![at] = token;
    if (t + 1 < length) inputs['ids']![at + rows] = token;
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

  /** Mean -log p a counted token, nats, of each sequence. */
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
        const counted = countedTokens(this.shape, ids, from + row);
        let sum = 0;
        for (let t = 0; t < counted; t++) sum += step.outputs['nll']![t * rows + row]!;
        scores[from + row] = sum / counted;
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

  /** `count` sequences; sequence s takes position t's uniform from `random` at s * length + t. A row whose sequence is over begins the next one. */
  async sample(count: number, random: RandomStream, temperature = 1): Promise<Int32Array> {
    const { length, end, start, hidden } = this.shape;
    const ids = new Int32Array(count * length).fill(end ?? 0);
    this.#inverseTemperature(temperature);
    this.#hidden.fill(0);
    this.#cell.fill(0);
    this.#ids.fill(start);
    let begun = Math.min(this.rows, count);
    const sequence = Int32Array.from({ length: begun }, (_, row) => row);
    const position = new Int32Array(begun);
    for (let running = begun; running > 0;) {
      await this.step.run({ blocking: true });
      for (const [row, s] of sequence.entries()) {
        if (s < 0) continue;
        const at = s * length + position[row]!++;
        this.#ids[row] = ids[at] = this.#draw(row, random.uniform(at));
        if (ids[at] !== end && position[row]! < length) continue;
        sequence[row] = begun < count ? begun++ : -1;
        if (sequence[row]! < 0) running--;
        position[row] = 0;
        this.#ids[row] = start;
        this.#hidden.fill(0, row * hidden, (row + 1) * hidden);
        this.#cell.fill(0, row * hidden, (row + 1) * hidden);
      }
    }
    return ids;
  }

  /**
   * Monte Carlo completions: for every proper beginning of `rows` sequences, 1 to length - 1 tokens, `count` times over, the sequences
   * with the rest drawn anew; beginnings that all hold their end are left out. `visit` gets the number of tokens kept and the completed
   * sequences, which the next call overwrites.
   */
  async rollOut(ids: Int32Array, count: number, random: RandomStream, visit: (kept: number, completed: Int32Array) => Promise<void>): Promise<void> {
    const [hidden, cell] = [new Float32Array(this.#hidden.length), new Float32Array(this.#cell.length)];
    const completed = new Int32Array(ids.length);
    this.#inverseTemperature(1);
    const longest = Math.max(...Array.from({ length: this.rows }, (_, row) => countedTokens(this.shape, ids, row)));
    for (let kept = 1; kept < longest; kept++) {
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
        await this.#extend(completed, kept, random, (kept * count + i) * ids.length);
        await visit(kept, completed);
      }
    }
  }

  /** Draws positions `from` and later of `rows` sequences; the state is the one before the token at from - 1 goes in. */
  async #extend(ids: Int32Array, from: number, random: RandomStream, counter: number): Promise<void> {
    const { length, end } = this.shape;
    const rows = Array.from({ length: this.rows }, (_, row) => row);
    const over = (row: number, t: number): boolean => end !== undefined && ids[row * length + t - 1] === end;
    for (let t = from; t < length; t++) {
      if (rows.every((row) => over(row, t))) {
        for (const row of rows) ids.fill(end!, row * length + t, (row + 1) * length);
        return;
      }
      this.#feed(ids, t);
      await this.step.run({ blocking: true });
      for (const row of rows) ids[row * length + t] = over(row, t) ? end! : this.#draw(row, random.uniform(counter + row * length + t));
    }
  }

  /** The token that a row draws with `uniform` after the step's last run. */
  #draw(row: number, uniform: number): number {
    const { probabilities, blocks } = this.step.outputs as { probabilities: Float32Array; blocks: Float32Array };
    return drawFrom(probabilities, blocks, row, this.shape.vocabulary, blockSize(this.shape.vocabulary), uniform);
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

export interface TrainerOptions {
  /** Sequences of an update. */
  readonly rows?: number;
  /** Weight decay, as optimizer.ts has it. */
  readonly decay?: boolean;
  /** Share of the embeddings' and states' components, in [0, 1), that a sequence goes without; `seed` says which. */
  readonly dropout?: number;
  readonly seed?: number;
  /** Shorter lengths to compile for as well: an update runs at the least one that holds its sequences' counted tokens. */
  readonly shorter?: readonly number[];
}

/** The training step at one length, bound to the trainer's arrays. */
interface TrainingStep {
  readonly length: number;
  readonly program: Program;
  readonly step: BoundStep;
}

/** Weights, optimizer and average of the weights, and updates on batches of sequences. */
export class RecurrentTrainer {
  /** Updates so far. */
  updates = 0;

  private constructor(
    readonly shape: RecurrentShape, readonly rows: number, readonly weights: Float32Array, readonly average: Float32Array,
    private readonly steps: readonly TrainingStep[], private readonly dropout: number, private readonly seed: number,
  ) {}

  /** Starts from `weights`, which are updated in place. */
  static async create(engine: EngineOptions, shape: RecurrentShape, weights: Float32Array, { rows = 64, decay = false, dropout = 0, seed = 0, shorter = [] }: TrainerOptions = {}): Promise<RecurrentTrainer> {
    const zeros = (): Float32Array => new Float32Array(recurrentLayout(shape).size);
    const average = weights.slice();
    const variables = { weights, first: zeros(), second: zeros(), average };
    const steps: TrainingStep[] = [];
    for (const length of [...shorter, shape.length].toSorted((a, b) => a - b)) {
      const { step, spec } = recurrentTrainStep({ ...shape, length }, rows, decay, dropout > 0);
      const program = await compile(engine, step, spec);
      steps.push({ length, program, step: program.bind(variables) });
    }
    return new RecurrentTrainer(shape, rows, weights, average, steps, dropout, seed);
  }

  /**
   * One update on sequences `picked` (`rows` of them, by index) of `ids`. `credit(row, t)` weighs a counted token beside a mean over all of
   * them: 1 is likelihood. Returns the loss.
   */
  async update(ids: Int32Array, picked: ArrayLike<number>, { learningRate, averageDecay }: { readonly learningRate: number; readonly averageDecay: number }, credit: (row: number, t: number) => number = () => 1): Promise<number> {
    const { rows, shape } = this;
    const counted = Array.from({ length: rows }, (_, row) => countedTokens(shape, ids, picked[row]!));
    const longest = Math.max(...counted);
    const { length, step } = this.steps.find((one) => one.length >= longest)!;
    const N = counted.reduce((sum, count) => sum + count, 0);
    for (let row = 0; row < rows; row++) {
      place(shape, rows, row, ids, picked[row]!, step.inputs, length);
      for (let t = 0; t < length; t++) step.inputs['credit']![t * rows + row] = t < counted[row]! ? credit(row, t) / N : 0;
    }
    if (this.dropout > 0) this.#drop(step);
    for (const [name, value] of Object.entries({ learningRate, averageDecay, ...biasCorrections(this.updates++) })) step.inputs[name]![0] = value;
    await step.run();
    return step.outputs['loss']![0]!;
  }

  /** New masks: what is kept is scaled by what is dropped, so that means stay. */
  #drop(step: BoundStep): void {
    const random = new RandomStream(this.seed, 'dropout', this.updates);
    const [embedding, hidden] = [step.inputs['keptEmbedding']!, step.inputs['keptHidden']!];
    const kept = (at: number): number => (random.uniform(at) < this.dropout ? 0 : 1 / (1 - this.dropout));
    for (let i = 0; i < embedding.length; i++) embedding[i] = kept(i);
    for (let i = 0; i < hidden.length; i++) hidden[i] = kept(embedding.length + i);
  }

  release(): void {
    for (const { step, program } of this.steps) {
      step.release();
      program.release();
    }
  }
}
