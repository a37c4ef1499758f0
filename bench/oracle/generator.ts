/** Everything that is done with a generator beside an oracle, whoever trained it: samples, held-out sequences, both sides, the curve. */
import type { EngineOptions } from '../../src/engine/compile.ts';
import { countedTokens, RecurrentSampler, RecurrentScorer } from '../../src/models/recurrent-host.ts';
import type { RecurrentShape } from '../../src/models/recurrent.ts';
import { RandomStream } from '../../src/random/philox.ts';
import { TEMPERATURES, type Point } from './curve.ts';
import type { Oracle } from './oracle.ts';

/** The oracle's sequences are the same for every seed of the generators: the benchmark's training set is fixed. */
const DATA_SEED = 1;

export interface Sizes {
  /** The oracle's sequences that training sees; to stop early by; that tables are read from. */
  readonly train: number;
  readonly validation: number;
  readonly test: number;
  /** Sequences sampled from a generator for one NLL-oracle. */
  readonly samples: number;
}

export interface Checks {
  /** NLL-oracle, nats a token, of the oracle's own samples, of its samples at temperature 0.5, and of uniformly drawn tokens. */
  readonly own: number;
  readonly cooled: number;
  readonly uniform: number;
}

/** What generators are trained on and stopped early by, whichever bench they are in. */
export interface Course {
  readonly engine: EngineOptions;
  /** Of the sequences; a generator's widths are its recipe's. */
  readonly shape: RecurrentShape;
  readonly train: Int32Array;
  readonly validation: Int32Array;
  /** NLL-oracle of a generator's fresh samples at temperature 1, where there is an oracle to ask. */
  readonly oracleOf?: (shape: RecurrentShape, weights: Float32Array, seed: number) => Promise<number>;
}

/** Mean NLL, nats a counted token, of sequences. */
export async function meanNll(scorer: RecurrentScorer, shape: RecurrentShape, ids: Int32Array, temperature = 1): Promise<number> {
  let sum = 0, tokens = 0;
  for (const [s, nll] of (await scorer.score(ids, temperature)).entries()) {
    const counted = countedTokens(shape, ids, s);
    sum += nll * counted;
    tokens += counted;
  }
  return sum / tokens;
}

/** An oracle at work. */
export class Benchmark implements Course {
  private constructor(
    readonly engine: EngineOptions, readonly shape: RecurrentShape, private readonly sampler: RecurrentSampler, private readonly scorer: RecurrentScorer,
    readonly sizes: Sizes, readonly train: Int32Array, readonly validation: Int32Array, readonly test: Int32Array,
  ) {}

  static async open(engine: EngineOptions, { shape, weights }: Oracle, sizes: Sizes): Promise<Benchmark> {
    const sampler = await RecurrentSampler.create(engine, shape, weights);
    const split = (name: 'train' | 'validation' | 'test'): Promise<Int32Array> => sampler.sample(sizes[name], new RandomStream(DATA_SEED, 'oracle', name));
    const [train, validation, test] = [await split('train'), await split('validation'), await split('test')];
    return new Benchmark(engine, shape, sampler, await RecurrentScorer.create(engine, shape, weights), sizes, train, validation, test);
  }

  /** Mean NLL-oracle of sequences. */
  async oracleNll(ids: Int32Array): Promise<number> {
    return meanNll(this.scorer, this.shape, ids);
  }

  async oracleOf(shape: RecurrentShape, weights: Float32Array, seed: number): Promise<number> {
    const sampler = await RecurrentSampler.create(this.engine, shape, weights);
    const nll = await this.oracleNll(await sampler.sample(this.sizes.samples, new RandomStream(seed, 'epoch samples')));
    sampler.release();
    return nll;
  }

  /** What tells whether this is the oracle whose figures are published. */
  async check(): Promise<Checks> {
    const { samples } = this.sizes;
    const { length, vocabulary } = this.shape;
    const random = new RandomStream(DATA_SEED, 'uniform');
    return {
      own: await this.oracleNll(await this.sampler.sample(samples, new RandomStream(DATA_SEED, 'own'))),
      cooled: await this.oracleNll(await this.sampler.sample(samples, new RandomStream(DATA_SEED, 'cooled'), 0.5)),
      uniform: await this.oracleNll(Int32Array.from({ length: samples * length }, (_, i) => random.integer(i, vocabulary))),
    };
  }

  /** Both sides of a generator at each temperature. The same uniforms at each: neighbours on a curve differ by the temperature alone. */
  async curve(shape: RecurrentShape, weights: Float32Array, seed: number, temperatures = TEMPERATURES): Promise<Point[]> {
    const sampler = await RecurrentSampler.create(this.engine, shape, weights);
    const scorer = await RecurrentScorer.create(this.engine, shape, weights);
    const points: Point[] = [];
    for (const temperature of temperatures) {
      const samples = await sampler.sample(this.sizes.samples, new RandomStream(seed, 'curve'), temperature);
      points.push({ temperature, oracle: await this.oracleNll(samples), test: await meanNll(scorer, shape, this.test, temperature) });
    }
    sampler.release();
    scorer.release();
    return points;
  }

  release(): void {
    this.sampler.release();
    this.scorer.release();
  }
}
