/**
 * All models of a run behind the ModelHost contract: policy, discriminator, their optimizers and samplers. Ids and numbers in,
 * ids and numbers out. Not here: files (processes/model-host-entry.ts) and what any of it is for (agents).
 */
import type {
  Alternatives, AlternativesRequest, Completion, DiscriminatorInput, DiscriminatorUpdate, DiscriminatorUpdated, FinishedListener, GenerateRequest, InfillRequest, InitialiseRequest, LatentConfig, LatentGenerateRequest,
  LatentUpdateReport, LatentUpdateRequest, ModelHost, ModelInfo, PretrainRequest, StepReport, TraceInput, TrainSequence, UpdateReport, UpdateRequest, WeightsName,
} from '../contracts/model.ts';
import type { OddsTrace } from '../contracts/records.ts';
import { compile, current, overwritten, type BoundStep, type EngineOptions, type Program } from '../engine/compile.ts';
import { RandomStream } from '../random/philox.ts';
import { drawOthers } from './alternatives.ts';
import { Decoder, decodeMemory, slotsFor, type DecodeJob } from './decoding.ts';
import { DiscriminatorTrainer } from './discriminator-trainer.ts';
import { LatentHost } from './latent-host.ts';
import { Lexicon } from './lexical.ts';
import { cosineRate, PretrainingBatches } from './objectives.ts';
import { biasCorrections } from './optimizer.ts';
import { eachPlacement, packRows, shifted, weighTargets, writeRows, type Packable, type PackedRow, type RowArrays } from './packing.ts';
import { ALTERNATIVES, distributionStep, policyLayout, scoreStep, trainStep, type PolicyShape } from './policy.ts';
import { SPECIAL_IDS, type Tokenizer } from './tokenizer/index.ts';

/** Sets of weights that stay compiled for sampling. */
const DECODERS_KEPT = 2;

/** Everything that training needs to go on exactly, as named arrays and numbers. */
export interface HostState {
  readonly arrays: Record<string, Float32Array>;
  readonly counters: Record<string, number>;
}

/** `sampled` in an anchored step alone. */
type PerToken = { readonly sampled?: Float32Array } & Record<'likelihood' | 'credit' | 'oldLogProbs' | 'alternativeCredit' | 'alternativeLogProbs' | 'clipLow' | 'clipHigh', Float32Array> & { readonly alternatives: Int32Array };
type TrainingReport = Record<'loss' | 'likelihoodLoss' | 'clipped' | 'gradNorm', number>;

interface Sequence extends Packable {
  readonly source: TrainSequence;
}

const isAnchored = ({ klWeight = 0, entropyWeight = 0 }: UpdateRequest): boolean => klWeight > 0 || entropyWeight > 0;
const stepName = (batch: number, anchored: boolean): string => `${batch}${anchored ? ' anchored' : ''}`;

/** The models of a run. One call at a time, as rpc.ts serves them: calls share the inputs of compiled steps. */
export class PolicyHost implements Omit<ModelHost, 'trainTokenizer' | 'initialise' | 'save' | 'load'> {
  readonly #request: InitialiseRequest;
  readonly #tokenizer: Tokenizer;
  readonly #engine: EngineOptions;
  readonly #shape: PolicyShape;
  readonly #lexicon: Lexicon | null;
  readonly #batches: PretrainingBatches;
  /** The training step by the rows it takes and whether it is anchored: all of a batch, a half or a quarter of them, compiled when a batch is first like that. */
  readonly #train: Map<string, BoundStep>;
  readonly #score: Program;
  readonly #discriminator: DiscriminatorTrainer;
  /** Only where it was asked for. */
  #latent: LatentHost | null = null;
  readonly #arrays: Record<'raw' | 'first' | 'second' | 'average' | 'promoted', Float32Array>;
  /** Changes whenever the weights of that name do; equal numbers mean equal weights. */
  readonly #versions: Record<WeightsName, number> = { raw: 0, average: 0, promoted: 0 };
  readonly #scorers = new Map<WeightsName, BoundStep>();
  #distribution: Promise<BoundStep> | null = null;
  readonly #decoders = new Map<number, Decoder>();
  readonly #memory;
  #nextVersion = 1;
  /** Updates since the optimizer's moments were last cleared. */
  #updates = 0;
  /** Rows of the rounds' corpus stream that have been used. */
  #corpusRows = 0;

  private constructor(request: InitialiseRequest, tokenizer: Tokenizer, engine: EngineOptions, shape: PolicyShape, train: Program, score: Program, discriminator: DiscriminatorTrainer) {
    this.#request = request;
    this.#tokenizer = tokenizer;
    this.#engine = engine;
    this.#shape = shape;
    this.#lexicon = shape.lexicalState ? new Lexicon(Array.from({ length: tokenizer.vocabulary }, (_, id) => tokenizer.decodeBytes([id])), SPECIAL_IDS) : null;
    this.#score = score;
    this.#discriminator = discriminator;
    const encoded = (texts: readonly string[]): Int32Array[] => texts.map((text) => Int32Array.from(tokenizer.encode(text)));
    const { steps, infillShare, maskShare } = request.pretraining;
    const fitting = (texts: readonly string[]): Int32Array[] => encoded(texts).filter((ids) => ids.length + 1 <= shape.context);
    const { texts, share } = request.excerpts ?? { texts: [], share: 0 };
    this.#batches = new PretrainingBatches(
      { documents: fitting(request.documents), files: encoded(request.files), excerpts: fitting(texts) }, SPECIAL_IDS,
      { seed: request.seed, batch: shape.batch, length: shape.context, infillShare, maskShare, excerptShare: share, totalSteps: steps });
    const layout = policyLayout(shape);
    const raw = layout.initialise(request.seed);
    const zeros = (): Float32Array => new Float32Array(layout.size);
    this.#arrays = { raw, first: zeros(), second: zeros(), average: raw.slice(), promoted: raw.slice() };
    const { first, second, average } = this.#arrays;
    this.#train = new Map([[stepName(shape.batch, false), train.bind({ weights: raw, first, second, average })]]);
    this.#memory = decodeMemory(engine, shape, slotsFor(engine, shape), this.#lexicon);
  }

  static async create(request: InitialiseRequest, tokenizer: Tokenizer, engine: EngineOptions): Promise<PolicyHost> {
    const shape: PolicyShape = { ...request.model, vocabulary: tokenizer.vocabulary };
    const train = trainStep(shape);
    const score = scoreStep(shape);
    const host = new PolicyHost(
      request, tokenizer, engine, shape,
      await compile(engine, train.step, train.spec), await compile(engine, score.step, score.spec),
      await DiscriminatorTrainer.create(engine, request.seed));
    if (request.latent) await host.#createLatent(request.latent);
    return host;
  }

  async #createLatent(latent: LatentConfig): Promise<void> {
    this.#latent = await LatentHost.create(this.#engine, {
      seed: this.#request.seed, shape: this.#shape, latent, endOfText: SPECIAL_IDS.endOfText, lexicon: this.#lexicon, documents: this.#batches.documents,
      policy: {
        arrays: this.#arrays,
        counted: () => {
          this.#changed('raw');
          this.#changed('average');
          return this.#updates++;
        },
        corpusRows: (count) => this.#nextCorpusRows(count),
      },
    });
  }

  get info(): ModelInfo {
    return { backend: this.#engine.backend, parameters: this.#arrays.raw.length, vocabulary: this.#shape.vocabulary, context: this.#shape.context };
  }

  async encode(texts: readonly string[]): Promise<number[][]> {
    return texts.map((text) => this.#tokenizer.encode(text));
  }

  async tokenBytes(): Promise<string[]> {
    return Array.from({ length: this.#tokenizer.vocabulary }, (_, id) => Buffer.from(this.#tokenizer.decodeBytes([id])).toString('hex'));
  }

  async alternatives({ key, sequences, draws }: AlternativesRequest): Promise<Alternatives[]> {
    const { context, vocabulary } = this.#shape;
    const step = await (this.#distribution ??= this.#bindDistribution());
    const asked = sequences.map(({ tokens, from }, index) => ({ ...shifted(tokens.slice(0, context), SPECIAL_IDS.endOfText), from, index }));
    const results = sequences.map(() => ({ at: [] as number[], tokens: [] as number[], shares: [] as number[], logProbs: [] as number[] }));
    await this.#overRows(step, asked, ({ targets, from, index }, start) => {
      const probabilities = step.outputs['probabilities'] as Float32Array;
      const random = new RandomStream(this.#request.seed, 'alternatives', key, index);
      const result = results[index]!;
      for (let at = from; at < targets.length; at++) {
        const row = (start + at) * vocabulary;
        for (const { token, share, logProb } of drawOthers(probabilities.subarray(row, row + vocabulary), targets[at]!, random.uniform(at), draws)) {
          result.at.push(at);
          result.tokens.push(token);
          result.shares.push(share);
          result.logProbs.push(logProb);
        }
      }
    });
    return results;
  }

  /** Built when it is first asked for: measuring and sampling do without. */
  async #bindDistribution(): Promise<BoundStep> {
    const { step, spec } = distributionStep(this.#shape);
    return (await compile(this.#engine, step, spec)).bind({ weights: this.#arrays.raw });
  }

  async generate(request: GenerateRequest, onFinished?: FinishedListener): Promise<Completion[]> {
    const room = this.#shape.context;
    const jobs = request.prompts.map((prompt, i): DecodeJob => {
      const ids = [SPECIAL_IDS.endOfText, ...(typeof prompt === 'string' ? this.#tokenizer.encode(prompt) : prompt)];
      return { prompt: ids, maxTokens: Math.min(request.maxTokens, room - ids.length + 1), random: new RandomStream(this.#request.seed, 'generate', request.key, i) };
    });
    return this.#decode(jobs, request, onFinished);
  }

  async infill(request: InfillRequest, onFinished?: FinishedListener): Promise<Completion[]> {
    const jobs = request.holes.map(({ prefix, suffix, maxTokens }, i): DecodeJob => {
      let before = this.#tokenizer.encode(prefix);
      let after = this.#tokenizer.encode(suffix);
      // Room for the middle and four special tokens; what stands nearest to the hole matters most.
      const room = Math.max(0, this.#shape.context - maxTokens - 4);
      const kept = Math.min(before.length, Math.max(room - after.length, Math.floor(room / 2)));
      before = before.slice(before.length - kept);
      after = after.slice(0, room - kept);
      return {
        prompt: [SPECIAL_IDS.endOfText, SPECIAL_IDS.prefix, ...before, SPECIAL_IDS.suffix, ...after, SPECIAL_IDS.middle],
        maxTokens, random: new RandomStream(this.#request.seed, 'infill', request.key, i),
      };
    });
    return this.#decode(jobs, request, onFinished);
  }

  async #decode(jobs: readonly DecodeJob[], request: { temperature: number; topK?: number; topP?: number; weights?: WeightsName }, onFinished?: FinishedListener): Promise<Completion[]> {
    const decoder = await this.#decoder(request.weights ?? 'raw');
    const options = { temperature: request.temperature, topK: request.topK ?? 0, topP: request.topP ?? 1, endOfText: SPECIAL_IDS.endOfText };
    const texts = new Array<string>(jobs.length);
    const results = await decoder.decode(jobs, options, (finished) => {
      for (const { index, result } of finished) texts[index] = this.#textOf(result);
      onFinished?.(finished.map(({ index, result: { finish } }) => ({ index, text: texts[index]!, finish })));
    });
    return results.map(({ tokens, logProbs, finish }, i) => ({ text: texts[i]!, finish, tokens, logProbs }));
  }

  #textOf({ tokens, finish }: Pick<Completion, 'tokens' | 'finish'>): string {
    return this.#tokenizer.decode(finish === 'stop' ? tokens.slice(0, -1) : tokens);
  }

  async generateLatent({ key, count, maxTokens, weights }: LatentGenerateRequest): Promise<Completion[]> {
    const results = await this.#needLatent().sample(key, count, maxTokens, weights);
    return results.map(({ tokens, logProbs, finish }) => ({ text: this.#textOf({ tokens, finish }), finish, tokens, logProbs }));
  }

  async updateLatent(request: LatentUpdateRequest): Promise<LatentUpdateReport> {
    return this.#needLatent().update(request);
  }

  #needLatent(): LatentHost {
    if (!this.#latent) throw new Error('The models were initialised without a latent generator: `latent` of InitialiseRequest asks for one.');
    return this.#latent;
  }

  async #decoder(weights: WeightsName): Promise<Decoder> {
    const version = this.#versions[weights];
    const known = this.#decoders.get(version);
    if (known) return known;
    let copy: Float32Array | null = null;
    for (const [old, decoder] of this.#decoders) {
      if (this.#decoders.size < DECODERS_KEPT) break;
      this.#decoders.delete(old);
      await decoder.release();
      copy = decoder.weights;
    }
    const values = current(this.#arrays[weights]);
    if (copy) copy.set(values);
    const decoder = new Decoder(this.#engine, this.#shape, copy ?? values.slice(), this.#memory);
    this.#decoders.set(version, decoder);
    return decoder;
  }

  async logProbs(sequences: readonly (readonly number[])[]): Promise<number[][]> {
    const packed = sequences.map((tokens) => shifted(tokens.slice(0, this.#shape.context), SPECIAL_IDS.endOfText));
    return (await this.#logProbs(packed, 'raw')).map((values) => Array.from(values));
  }

  async bits(texts: readonly string[], weights: WeightsName): Promise<number[]> {
    const sequences = texts.map((text) => shifted([...this.#tokenizer.encode(text), SPECIAL_IDS.endOfText], SPECIAL_IDS.endOfText));
    const scores = await this.#logProbs(sequences, weights);
    return scores.map((logProbs) => -logProbs.reduce((sum, logProb) => sum + logProb, 0) / Math.LN2);
  }

  /** Log-probability of every target of every sequence. */
  async #logProbs(sequences: readonly Packable[], weights: WeightsName): Promise<Float32Array[]> {
    const step = this.#scorers.get(weights) ?? this.#score.bind({ weights: this.#arrays[weights] });
    this.#scorers.set(weights, step);
    const results = new Map<Packable, Float32Array>();
    await this.#overRows(step, sequences, (sequence, at) => {
      results.set(sequence, (step.outputs['logProbs'] as Float32Array).slice(at, at + sequence.ids.length));
    });
    return sequences.map((sequence) => results.get(sequence) ?? new Float32Array(0));
  }

  /** Runs the step over all sequences, packed into rows, and shows each of them with where it starts in the step's outputs. */
  async #overRows<T extends Packable>(step: BoundStep, sequences: readonly T[], visit: (sequence: T, at: number) => void): Promise<void> {
    const { batch, context } = this.#shape;
    const rows = packRows(sequences, context);
    for (let from = 0; from < rows.length; from += batch) {
      const chunk = rows.slice(from, from + batch);
      writeRows(chunk, context, step.inputs as unknown as RowArrays, this.#lexicon);
      await step.run();
      eachPlacement(chunk, context, (at, sequence) => visit(sequence, at));
    }
  }

  async pretrain({ fromStep, toStep }: PretrainRequest): Promise<StepReport[]> {
    const plan = this.#request.pretraining;
    const reports: StepReport[] = [];
    for (let step = fromStep; step < toStep; step++) {
      const rows = this.#batches.rows(step);
      const training = await this.#trainingOf(rows.length);
      const { likelihood } = this.#clearInputs(training, rows);
      const tokens = weighTargets(rows, this.#shape.context, likelihood, 1);
      for (let i = 0; i < likelihood.length; i++) likelihood[i]! /= tokens;
      const learningRate = cosineRate(step, plan.steps, plan.warmupSteps, plan.learningRate);
      const { loss, gradNorm } = await this.#runTraining(training, learningRate, 0);
      reports.push({ step, loss, gradNorm, learningRate });
    }
    return reports;
  }

  async beginRounds(): Promise<void> {
    this.#makeAllEqualTo('raw');
    this.#corpusRows = 0;
    this.#clearMoments();
  }

  async update(request: UpdateRequest): Promise<UpdateReport> {
    const { batch, context } = this.#shape;
    const sequences = request.sequences.map((source): Sequence => ({ ...shifted(source.tokens.slice(0, context), SPECIAL_IDS.endOfText), source }));

    const corpusRows = Math.min(batch - 1, Math.round(batch * request.corpusShare));
    const totals = { loss: 0, likelihoodLoss: 0, clipped: 0, gradNorm: 0 };
    const used = { tokens: 0, rows: 0, corpusRows: 0, corpusTokens: 0 };
    let steps = 0;
    for (let pass = 0; pass < request.passes; pass++) {
      const order = new RandomStream(this.#request.seed, 'update', request.key, pass).permutation(sequences.length);
      const rows = packRows(Array.from(order, (i) => sequences[i]!), context);
      for (let from = 0; from < rows.length; from += batch - corpusRows) {
        const own = rows.slice(from, from + batch - corpusRows);
        const corpus = this.#nextCorpusRows(corpusRows);
        const training = await this.#trainingOf(own.length + corpus.length, isAnchored(request));
        const filled = this.#fillUpdate(training, own, corpus, request);
        used.tokens += filled.own + filled.corpus;
        used.rows += own.length + corpus.length;
        used.corpusRows += corpus.length;
        used.corpusTokens += filled.corpus;
        const warm = request.warmupSteps > 0 ? Math.min(1, (steps + 1) / request.warmupSteps) : 1;
        const report = await this.#runTraining(training, request.learningRate * warm, request.averageDecay);
        for (const name of Object.keys(totals) as (keyof typeof totals)[]) totals[name] += report[name];
        steps++;
      }
    }
    const mean = (name: keyof typeof totals): number => (steps === 0 ? 0 : totals[name] / steps);
    return { steps, ...used, loss: mean('loss'), likelihoodLoss: mean('likelihoodLoss'), clipped: mean('clipped'), gradNorm: mean('gradNorm') };
  }

  #nextCorpusRows(count: number): PackedRow<Packable>[] {
    const rows = this.#batches.corpusRows(this.#corpusRows, count);
    this.#corpusRows += count;
    return rows;
  }

  /** Fills the training step's inputs with one batch of samples and corpus rows; returns how many tokens it holds of each. */
  #fillUpdate(training: BoundStep, own: readonly PackedRow<Sequence>[], corpus: readonly PackedRow<Packable>[], request: UpdateRequest): { own: number; corpus: number } {
    const { context } = this.#shape;
    const inputs = this.#clearInputs(training, [...own, ...corpus]);
    const ownTokens = eachPlacement(own, context, (at, { source, ids }) => {
      inputs.credit.set(source.credit.slice(0, ids.length), at);
      inputs.likelihood.set(source.likelihood.slice(0, ids.length), at);
      inputs.sampled?.fill(1, at, at + ids.length);
      if (source.oldLogProbs) inputs.oldLogProbs.set(source.oldLogProbs.slice(0, ids.length), at);
      let [last, place] = [-1, 0];
      for (const other of source.alternatives ?? []) {
        if (other.at < last) throw new RangeError('The alternatives of a sequence have to come by position.');
        place = other.at === last ? place + 1 : 0;
        last = other.at;
        if (other.at >= ids.length || place >= ALTERNATIVES) continue;
        const slot = (at + other.at) * ALTERNATIVES + place;
        inputs.alternatives[slot] = other.token;
        inputs.alternativeCredit[slot] = other.credit;
        inputs.alternativeLogProbs[slot] = other.oldLogProb;
      }
    });
    for (const array of [inputs.credit, inputs.likelihood, inputs.alternativeCredit, inputs.sampled ?? []]) for (let i = 0; i < array.length; i++) array[i]! /= Math.max(1, ownTokens);
    const offset = own.length * context;
    const weights = inputs.likelihood.subarray(offset);
    const corpusTokens = weighTargets(corpus, context, weights, request.corpusWeight);
    for (let i = 0; i < weights.length; i++) weights[i]! /= Math.max(1, corpusTokens);
    const { clipLow, clipHigh, klWeight = 0, entropyWeight = 0 } = request;
    for (const [name, value] of Object.entries({ clipLow, clipHigh, ...(inputs.sampled ? { klWeight, entropyWeight } : {}) })) training.inputs[name]![0] = value;
    return { own: ownTokens, corpus: corpusTokens };
  }

  /** The training step for a batch of so many rows: an update's last one may be small, and rows cost alike whether anything is in them. */
  async #trainingOf(rows: number, anchored = false): Promise<BoundStep> {
    const [half, quarter] = [2, 4].map((part) => Math.ceil(this.#shape.batch / part)) as [number, number];
    const batch = rows <= quarter ? quarter : rows <= half ? half : this.#shape.batch;
    const name = stepName(batch, anchored);
    let bound = this.#train.get(name);
    if (!bound) {
      const { step, spec } = trainStep({ ...this.#shape, batch }, { anchored });
      const { raw: weights, first, second, average, promoted } = this.#arrays;
      bound = (await compile(this.#engine, step, spec)).bind({ weights, first, second, average, ...(anchored ? { reference: promoted } : {}) });
      this.#train.set(name, bound);
    }
    return bound;
  }

  #clearInputs({ inputs }: BoundStep, rows: readonly PackedRow<Packable>[]): PerToken {
    for (const array of Object.values(inputs)) array.fill(0);
    writeRows(rows, this.#shape.context, inputs as unknown as RowArrays, this.#lexicon);
    return inputs as unknown as PerToken;
  }

  /** One step on what the inputs hold. */
  async #runTraining(training: BoundStep, learningRate: number, averageDecay: number): Promise<TrainingReport> {
    const scalars = { learningRate, averageDecay, ...biasCorrections(this.#updates++) };
    for (const [name, value] of Object.entries(scalars)) training.inputs[name]![0] = value;
    await training.run();
    this.#changed('raw');
    this.#changed('average');
    const { outputs } = training;
    if (!Number.isFinite(outputs['loss']![0])) throw new Error(`The loss is ${outputs['loss']![0]}: the learning rate is too high for this model, or a sample's credit is not finite.`);
    return Object.fromEntries(Object.entries(outputs).map(([name, values]) => [name, values[0]!])) as TrainingReport;
  }

  /** Marks weights as new, and as equal where several are named. */
  #changed(...names: WeightsName[]): void {
    for (const name of names) this.#versions[name] = this.#nextVersion;
    this.#nextVersion++;
  }

  #makeAllEqualTo(source: WeightsName): void {
    const { raw, average, promoted } = this.#arrays;
    const values = current(this.#arrays[source]);
    for (const array of [raw, average, promoted]) array.set(values);
    overwritten(raw, average, promoted);
    this.#changed('raw', 'average', 'promoted');
    this.#latent?.makeAllEqualTo(source);
  }

  #clearMoments(): void {
    this.#arrays.first.fill(0);
    this.#arrays.second.fill(0);
    overwritten(this.#arrays.first, this.#arrays.second);
    this.#updates = 0;
    this.#latent?.clearMoments();
  }

  async promote(): Promise<void> {
    this.#makeAllEqualTo('average');
  }

  async rollback(): Promise<void> {
    this.#makeAllEqualTo('promoted');
    this.#clearMoments();
  }

  async scoreDiscriminator(inputs: readonly DiscriminatorInput[]): Promise<number[]> {
    return this.#discriminator.score(inputs);
  }

  async traceDiscriminator(inputs: readonly TraceInput[]): Promise<OddsTrace[]> {
    return this.#discriminator.trace(inputs);
  }

  async updateDiscriminator(request: DiscriminatorUpdate): Promise<DiscriminatorUpdated> {
    return this.#discriminator.update(request);
  }

  /** The live arrays: copy them before the next call if they have to stay. */
  state(): HostState {
    const arrays: Record<string, Float32Array> = { ...this.#arrays, ...this.#discriminator.arrays, ...this.#latent?.arrays };
    for (const array of Object.values(arrays)) current(array);
    return {
      arrays,
      counters: { updates: this.#updates, corpusRows: this.#corpusRows, discriminatorUpdates: this.#discriminator.updates, ...this.#latent?.counters },
    };
  }

  /** Throws RangeError when the state is of another shape. Of a state without a latent generator, as pretraining leaves it, ours stays as it is. */
  restore(state: HostState): void {
    const latent = this.#latent && 'latent' in state.arrays ? this.#latent : null;
    const own = { ...this.#arrays, ...this.#discriminator.arrays, ...latent?.arrays };
    for (const [name, array] of Object.entries(own)) {
      const given = state.arrays[name];
      if (given?.length !== array.length) throw new RangeError(`The checkpoint's '${name}' has ${given?.length ?? 0} values, this model ${array.length}: it was made with another configuration.`);
      array.set(given);
      overwritten(array);
    }
    this.#updates = state.counters['updates'] ?? 0;
    this.#corpusRows = state.counters['corpusRows'] ?? 0;
    this.#discriminator.updates = state.counters['discriminatorUpdates'] ?? 0;
    if (latent) for (const name of Object.keys(latent.counters) as (keyof LatentHost['counters'])[]) latent.counters[name] = state.counters[name] ?? 0;
    this.#changed('raw');
    this.#changed('average');
    this.#changed('promoted');
  }
}
