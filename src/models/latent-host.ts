/**
 * The latent generator, its discriminator and their optimizers over host arrays: sampling and updates in terms of ids and numbers. The policy belongs
 * to whoever made it; its arrays are updated here in place, beside that owner's own updates.
 */
import type { LatentConfig, LatentUpdateReport, LatentUpdateRequest, WeightsName } from '../contracts/model.ts';
import { compile, current, overwritten, type BoundStep, type EngineOptions, type HostArray, type Program } from '../engine/compile.ts';
import { RandomStream } from '../random/philox.ts';
import type { DecodeResult } from './lane.ts';
import { LatentSampler, noiseOf, type LatentWeights } from './latent-sampler.ts';
import { latentTrainStep, prefixLayout, rowCounts, sequenceShape, type RowCounts } from './latent.ts';
import { ADVERSARIAL_BETAS, biasCorrections } from './optimizer.ts';
import { TOLD_NAMES, type Lexicon, type ToldArrays } from './lexical.ts';
import { shifted, weighTargets, writeRows, type Packable, type PackedRow } from './packing.ts';
import { inGroup, type PolicyShape } from './policy.ts';
import { sequenceDiscriminatorLayout, sequenceDiscriminatorStep } from './sequence-discriminator.ts';

/** What is shared with the policy's owner. */
export interface SharedPolicy {
  readonly arrays: Readonly<Record<'first' | 'second' | WeightsName, Float32Array>>;
  /** Counts one more update of the policy; called before each. Returns how many there were. */
  readonly counted: () => number;
  /** Packed corpus rows that no one has seen yet. */
  readonly corpusRows: (count: number) => PackedRow<Packable>[];
}

export interface LatentOptions {
  readonly seed: number;
  readonly shape: PolicyShape;
  readonly latent: LatentConfig;
  readonly endOfText: number;
  /** Null for a policy that is told nothing. */
  readonly lexicon: Lexicon | null;
  readonly policy: SharedPolicy;
  /** Ids of documents without end-of-text; those too long to stand behind a prefix are left out. None: for sampling alone. */
  readonly documents: readonly ArrayLike<number>[];
}

type LatentArrays = Record<'latent' | 'latentFirst' | 'latentSecond' | 'latentAverage' | 'latentPromoted' | 'sequenceDiscriminator' | 'sequenceDiscriminatorFirst' | 'sequenceDiscriminatorSecond', Float32Array>;

export class LatentHost {
  /** Everything that training needs to go on exactly, with `counters`. */
  readonly arrays: LatentArrays;
  readonly counters = { latentUpdates: 0, sequenceDiscriminatorUpdates: 0 };
  readonly #documents: readonly Int32Array[];
  readonly #length: number;
  readonly #rows: RowCounts;
  readonly #train: BoundStep;
  readonly #judge: BoundStep;

  private constructor(private readonly options: LatentOptions, private readonly sampler: LatentSampler, private readonly programs: readonly [train: Program, judge: Program]) {
    const { seed, shape, latent, policy, endOfText } = options;
    const { length } = sequenceShape(shape, latent);
    this.#length = length;
    this.#rows = rowCounts(shape);
    this.#documents = options.documents.filter((ids) => ids.length + 1 <= length).map((ids) => Int32Array.from([...Array.from(ids), endOfText]));
    if (options.documents.length > 0 && this.#documents.length === 0) throw new RangeError(`No document fits the ${length} positions behind a prefix.`);
    const [prefix, discriminator] = [prefixLayout(shape, latent), sequenceDiscriminatorLayout(sequenceShape(shape, latent))];
    const initial = prefix.initialise(seed);
    const zeros = (array: Float32Array): Float32Array => new Float32Array(array.length);
    const critic = discriminator.initialise(seed);
    this.arrays = {
      latent: initial, latentFirst: zeros(initial), latentSecond: zeros(initial), latentAverage: initial.slice(), latentPromoted: initial.slice(),
      sequenceDiscriminator: critic, sequenceDiscriminatorFirst: zeros(critic), sequenceDiscriminatorSecond: zeros(critic),
    };
    const { raw: weights, first, second, average } = policy.arrays;
    const { latent: own, latentFirst, latentSecond, latentAverage } = this.arrays;
    const [train, judge] = programs;
    this.#train = train.bind({ weights, first, second, average, latent: own, latentFirst, latentSecond, latentAverage, discriminator: critic });
    this.#judge = judge.bind({ weights: critic, first: this.arrays.sequenceDiscriminatorFirst, second: this.arrays.sequenceDiscriminatorSecond });
  }

  static async create(engine: EngineOptions, options: LatentOptions): Promise<LatentHost> {
    const { shape, latent } = options;
    // As many samples a step as the discriminator is shown; the generator learns from the first of them.
    const rows = 2 * rowCounts(shape).generated;
    const [train, judge] = [latentTrainStep(shape, latent), sequenceDiscriminatorStep(sequenceShape(shape, latent), 2 * rows)];
    const sampler = await LatentSampler.create(engine, options, rows);
    return new LatentHost(options, sampler, [await compile(engine, train.step, train.spec), await compile(engine, judge.step, judge.spec)]);
  }

  /** Sequences 0 to count - 1 of the stream that `key` names. */
  async sample(key: string, count: number, maxTokens = this.#length, name: WeightsName = 'raw'): Promise<DecodeResult[]> {
    return this.sampler.sample(name, this.#weights(name), Array.from({ length: count }, (_, index) => ({ key, index })), maxTokens);
  }

  #weights(name: WeightsName): LatentWeights {
    const { latent, latentAverage, latentPromoted } = this.arrays;
    return { weights: this.options.policy.arrays[name], latent: { raw: latent, average: latentAverage, promoted: latentPromoted }[name] };
  }

  /** Discriminator and generator in turn (Goodfellow et al. 2014, algorithm 1, k = 1), each step on fresh samples of the weights as they are. */
  async update(request: LatentUpdateRequest): Promise<LatentUpdateReport> {
    const means = { generatorLoss: 0, prefixedLoss: 0, plainLoss: 0, loss: 0, likelihoodLoss: 0, gradNorm: 0, latentGradNorm: 0, discriminatorLoss: 0, realKnown: 0, generatedKnown: 0, length: 0 };
    const used = { tokens: 0, rows: 0, corpusRows: 0, corpusTokens: 0 };
    const { rows } = this.sampler;
    const steps = Math.max(0, request.steps - request.warmUpSteps);
    for (let step = 0; step < request.steps; step++) {
      const key = `${request.key}/${step}`;
      const samples = await this.sample(key, rows);
      const judged = await this.#updateDiscriminator(key, samples, request.discriminatorLearningRate);
      for (const name of ['discriminatorLoss', 'realKnown', 'generatedKnown'] as const) means[name] += judged[name] / request.steps;
      means.length += samples.reduce((total, { tokens }) => total + tokens.length, 0) / (rows * request.steps);
      if (step < request.warmUpSteps) continue;
      const learned = await this.#updateGenerator(key, samples, request);
      for (const name of ['generatorLoss', 'prefixedLoss', 'plainLoss', 'loss', 'likelihoodLoss', 'gradNorm', 'latentGradNorm'] as const) means[name] += learned[name] / steps;
      for (const name of Object.keys(used) as (keyof typeof used)[]) used[name] += learned[name];
    }
    return { steps, ...used, ...means, clipped: 0 };
  }

  async #updateDiscriminator(key: string, samples: readonly DecodeResult[], learningRate: number): Promise<Record<'discriminatorLoss' | 'realKnown' | 'generatedKnown', number>> {
    const { inputs, outputs } = this.#judge;
    const random = new RandomStream(this.options.seed, 'latent real', key);
    const { rows } = this.sampler;
    const real = Array.from({ length: rows }, (_, row) => this.#document(random, row));
    for (const [row, tokens] of [...real, ...samples.map(({ tokens }) => tokens)].entries()) this.#write(row, tokens, inputs['ids']!, inputs['present']!);
    set(inputs, { learningRate, ...biasCorrections(this.counters.sequenceDiscriminatorUpdates++, ADVERSARIAL_BETAS) });
    await this.#judge.run();
    const share = (logits: ArrayLike<number>, known: (logit: number) => boolean): number => Array.from(logits).filter(known).length / rows;
    return { discriminatorLoss: outputs['loss']![0]!, realKnown: share(outputs['real']!, (logit) => logit > 0), generatedKnown: share(outputs['generated']!, (logit) => logit < 0) };
  }

  async #updateGenerator(key: string, samples: readonly DecodeResult[], request: LatentUpdateRequest): Promise<Omit<LatentUpdateReport, 'steps' | 'clipped' | 'discriminatorLoss' | 'realKnown' | 'generatedKnown' | 'length'>> {
    const { seed, shape, latent, policy } = this.options;
    const { inputs, outputs } = this.#train;
    const { generated, prefixed, plain } = this.#rows;
    const noise = (name: string, row: number): Float32Array => (inputs[name] as Float32Array).subarray(row * latent.noise, (row + 1) * latent.noise);
    for (let row = 0; row < generated; row++) {
      noiseOf(seed, { key, index: row }, noise('z', row));
      this.#write(row, samples[row]!.tokens, inputs['targets']!, inputs['present']!);
      this.#writeRead('', row, samples[row]!.tokens);
    }
    this.#drawExponentials(key, samples);

    const random = new RandomStream(seed, 'latent anchors', key);
    let prefixedTokens = 0;
    for (let row = 0; row < prefixed; row++) {
      noiseOf(seed, { key: `${key}/anchors`, index: row }, noise('prefixedZ', row));
      const document = this.#document(random, row);
      this.#write(row, document, inputs['prefixedTargets']!, inputs['prefixedLikelihood']!);
      this.#writeRead('prefixed', row, document);
      prefixedTokens += document.length;
    }
    const corpus = policy.corpusRows(plain);
    const { plainIds: ids, plainTargets: targets, plainSegments: segments } = inputs as Record<string, Int32Array>;
    writeRows(corpus, shape.context, { ids: ids!, targets: targets!, segments: segments!, ...this.#told('plain') }, this.options.lexicon);
    const weights = inputs['plainLikelihood'] as Float32Array;
    weights.fill(0);
    const plainTokens = weighTargets(corpus, shape.context, weights, 1);
    const tokens = prefixedTokens + plainTokens;
    for (const array of [inputs['prefixedLikelihood']!, weights]) for (let i = 0; i < array.length; i++) array[i]! /= tokens;

    const corrections = biasCorrections(this.counters.latentUpdates++, ADVERSARIAL_BETAS);
    const { temperature, adversarialWeight, policyFactor, corpusWeight, averageDecay, learningRate, latentLearningRate } = request;
    set(inputs, {
      temperature, adversarialWeight, policyFactor, corpusWeight, averageDecay, learningRate, latentLearningRate,
      ...biasCorrections(policy.counted()), latentFirstCorrection: corrections.firstCorrection, latentSecondCorrection: corrections.secondCorrection,
    });
    await this.#train.run();
    const value = (name: string): number => outputs[name]![0]!;
    if (!Number.isFinite(value('gradNorm') + value('latentGradNorm'))) throw new Error(`The gradient of the latent generator's step ${this.counters.latentUpdates} is not finite: a learning rate is too high.`);
    const likelihoodLoss = value('prefixedLoss') + value('plainLoss');
    return {
      generatorLoss: value('generatorLoss'), prefixedLoss: (value('prefixedLoss') * tokens) / prefixedTokens, plainLoss: (value('plainLoss') * tokens) / plainTokens,
      loss: adversarialWeight * value('generatorLoss') + corpusWeight * likelihoodLoss, likelihoodLoss, gradNorm: value('gradNorm'), latentGradNorm: value('latentGradNorm'),
      tokens: tokens + samples.slice(0, generated).reduce((sum, { tokens }) => sum + tokens.length, 0), rows: generated + prefixed + corpus.length,
      corpusRows: prefixed + corpus.length, corpusTokens: tokens,
    };
  }

  /** Standard exponential numbers for the positions that hold a token; 1 elsewhere, where nothing looks. */
  #drawExponentials(key: string, samples: readonly DecodeResult[]): void {
    const exponentials = this.#train.inputs['exponentials'] as Float32Array;
    exponentials.fill(1);
    const size = this.#length * this.options.shape.vocabulary;
    for (let row = 0; row < this.#rows.generated; row++) {
      const random = new RandomStream(this.options.seed, 'latent gumbel', key, row);
      const end = samples[row]!.tokens.length * this.options.shape.vocabulary;
      for (let i = 0; i < end; i++) exponentials[row * size + i] = -Math.log(random.uniform(i));
    }
  }

  #document(random: RandomStream, at: number): Int32Array {
    return this.#documents[random.integer(at, this.#documents.length)]!;
  }

  /** Writes a sequence as row `row` of arrays of L positions a row; behind its end stand end-of-text tokens that are not present. */
  #write(row: number, tokens: ArrayLike<number>, targets: HostArray, present: HostArray): void {
    const [from, to] = [row * this.#length, (row + 1) * this.#length];
    targets.fill(this.options.endOfText, from, to);
    targets.set(tokens, from);
    present.fill(0, from, to);
    present.fill(1, from, from + tokens.length);
  }

  /** The same of what the generator's step reads at those positions: the tokens before, and what it is told of them. */
  #writeRead(group: string, row: number, tokens: ArrayLike<number>): void {
    const { endOfText, lexicon } = this.options;
    const read = new Int32Array(this.#length).fill(endOfText);
    read.set(shifted(tokens, endOfText).ids);
    const from = row * this.#length;
    this.#train.inputs[inGroup(group, 'ids')]!.set(read, from);
    lexicon?.tell(read, this.#told(group), from);
  }

  /** What the generator's step is told of a group; nothing of it without a lexicon. */
  #told(group: string): ToldArrays {
    return Object.fromEntries(TOLD_NAMES.flatMap((name) => (this.options.lexicon ? [[name, this.#train.inputs[inGroup(group, name)]]] : []))) as ToldArrays;
  }

  /** `raw`, `average` and `promoted` of the prefix layers := one of them; follows the policy's own. The discriminator keeps what it has learned. */
  makeAllEqualTo(source: WeightsName): void {
    const { latent, latentAverage, latentPromoted } = this.arrays;
    const values = current(this.#weights(source).latent);
    for (const array of [latent, latentAverage, latentPromoted]) array.set(values);
    overwritten(latent, latentAverage, latentPromoted);
  }

  clearMoments(): void {
    const { latentFirst, latentSecond } = this.arrays;
    for (const array of [latentFirst, latentSecond]) array.fill(0);
    overwritten(latentFirst, latentSecond);
    this.counters.latentUpdates = 0;
  }

  release(): void {
    this.#train.release();
    this.#judge.release();
    for (const program of this.programs) program.release();
    this.sampler.release();
  }
}

function set(inputs: BoundStep['inputs'], scalars: Record<string, number>): void {
  for (const [name, value] of Object.entries(scalars)) inputs[name]![0] = value;
}
