/**
 * Stand-ins for models, evaluator and log, so that the whole loop runs in milliseconds: a model host that writes a toy Python from
 * its request keys and gets better with each update, an evaluator that judges the toy language strictly and points at faults, a
 * sink that keeps events in memory and refuses a step that is repeated with other data. No tensors, no files, no processes.
 */
import { isDeepStrictEqual } from 'node:util';
import { RecordingCloser } from '../src/agents/closer.ts';
import { JoiningCritic } from '../src/agents/critic.ts';
import { MeasuringGate } from '../src/agents/gate.ts';
import { PolicyGenerator } from '../src/agents/generator.ts';
import { ChunkedPretrainer } from '../src/agents/pretrainer.ts';
import { PointedRefiner } from '../src/agents/refiner.ts';
import { configSchema, type Config, type ConfigInput } from '../src/config/schema.ts';
import type { Agents, Judged, Learner, LearnReport, Preparation, Preparer } from '../src/contracts/agents.ts';
import type { EvaluationRequest, Evaluator } from '../src/contracts/evaluator.ts';
import type { EventSink, HashedEvent, UnhashedEvent } from '../src/contracts/events.ts';
import type {
  Alternatives, AlternativesRequest, Completion, DiscriminatorInput, DiscriminatorUpdate, DiscriminatorUpdated, FinishedListener, GenerateRequest, InfillRequest, InitialiseRequest, LatentGenerateRequest, LatentUpdateReport, LatentUpdateRequest, ModelHost,
  ModelInfo, PretrainRequest, StepReport, TokenizerRequest, TraceInput, UpdateReport, UpdateRequest, WeightsName,
} from '../src/contracts/model.ts';
import type { Document, Evaluation, Finding, OddsTrace, Sample, Split, Task } from '../src/contracts/records.ts';
import { hash32, RandomStream } from '../src/random/philox.ts';

type DataOf<T extends HashedEvent['type']> = Extract<HashedEvent, { type: T }>['data'];
export type Recorded = { readonly key: string; readonly event: HashedEvent };

/** A run small enough for tests. */
export function smallConfig(input: ConfigInput = {}): Config {
  return configSchema.parse({
    ...input,
    budget: { rounds: 2, minutes: 1000, ...input.budget },
    pretraining: { steps: 20, saveEvery: 10, ...input.pretraining },
    sampling: { unconditional: 24, prompted: 12, maxTokens: 120, ...input.sampling },
    refinement: { parents: 16, attempts: 2, ...input.refinement },
    measuring: { unconditional: 40, prompted: 20, gate: 40, documents: 24, ...input.measuring },
  });
}

/** Keeps events in order; a key that comes again must bring the same data and is stored once. */
export class MemorySink implements EventSink {
  readonly recorded: Recorded[] = [];
  readonly notes: UnhashedEvent[] = [];
  readonly #byKey = new Map<string, string>();

  record(events: readonly Recorded[]): void {
    for (const one of events) {
      const data = JSON.stringify(one.event);
      const stored = this.#byKey.get(one.key);
      if (stored === undefined) {
        this.#byKey.set(one.key, data);
        this.recorded.push(one);
      } else if (stored !== data) throw new Error(`The step '${one.key}' came again with other data:\n${stored}\n${data}`);
    }
  }

  note(event: UnhashedEvent): void {
    this.notes.push(event);
  }

  /** Data of all recorded events of one type, in order. */
  of<T extends HashedEvent['type']>(type: T): DataOf<T>[] {
    return this.recorded.flatMap(({ event }) => (event.type === type ? [event.data as DataOf<T>] : []));
  }
}

// ---- a toy Python: one function, statements of a line each ------------------------------------------------------------

const NAMES = ['alpha', 'beta', 'gamma', 'size', 'käse', 'größe'];
const STATEMENTS = ['NAME = NAME + 1', 'NAME = call(NAME, NAME)', 'print(NAME, "ü𝄞")', 'NAME.append(NAME)', 'if NAME > NAME:', 'for NAME in NAME:'];
/** Documents know more kinds of statement than the fake policy ever writes, so that its divergence from them is no mere noise. */
const DOCUMENT_STATEMENTS = [...STATEMENTS, 'raise NAME(NAME)', 'assert NAME, NAME', 'while NAME:', 'del NAME', 'global NAME'];
type Draw = (bound: number) => number;

function drawer(name: string): Draw {
  const stream = new RandomStream(7, name);
  let position = 0;
  return (bound) => stream.integer(position++, bound);
}

const fill = (pattern: string, draw: Draw): string => pattern.replace(/NAME/g, () => NAMES[draw(NAMES.length)]!);

/** Damages a line the way a weak policy would. */
function damage(line: string, draw: Draw): string {
  const kind = draw(3);
  if (kind === 0 && line.includes(')')) return line.replace(')', '');
  if (kind === 1 && line.endsWith(':')) return line.slice(0, -1);
  return `  ${line}`;
}

/** Statements at `indent`, each faulty with probability `1 - skill`; ends with a return. */
function writeBody(indent: string, skill: number, draw: Draw, statements = STATEMENTS): string[] {
  const lines: string[] = [];
  let depth = indent;
  for (let i = 3 + draw(4); i > 0; i--) {
    const statement = depth + fill(statements[draw(statements.length)]!, draw);
    lines.push(draw(1000) < (1 - skill) * 300 ? damage(statement, draw) : statement);
    depth = statement.endsWith(':') ? `${depth}    ` : depth.length > indent.length && draw(2) === 0 ? depth.slice(4) : depth;
  }
  lines.push(`${depth}return ${NAMES[draw(NAMES.length)]!}`);
  return lines;
}

export function toyDocument(name: string): string {
  const draw = drawer(name);
  return [fill('def NAME(NAME):', draw), ...writeBody('    ', 1, draw, DOCUMENT_STATEMENTS)].join('\n');
}

export function toyDocuments(split: Split, count: number): Document[] {
  return Array.from({ length: count }, (_, i) => {
    const text = toyDocument(`${split}/${i}`);
    return { id: `d${hash32(text)}`, file: `${split}${i}.py`, split, text };
  });
}

export function toyTasks({ split, prompted, count }: { split: Split; prompted: boolean; count: number; round: number }): Task[] {
  return Array.from({ length: count }, (_, i) =>
    prompted
      ? { id: `${split}/signature/${i}`, split, kind: 'signature', prompt: `def ${NAMES[i % NAMES.length]!}(beta, ${NAMES[(i + 1) % NAMES.length]!}):` }
      : { id: `${split}/unconditional`, split, kind: 'unconditional', prompt: '' },
  );
}

// ---- model host -------------------------------------------------------------------------------------------------------

interface FakeWeights { skill: number; updates: number }
interface FakeState { raw: FakeWeights; average: FakeWeights; promoted: FakeWeights; reference: FakeWeights; discriminator: number }

/** `skill` in [0, 1] is all there is to a policy; updates raise it. Completions are functions of key, prompt and skill. */
export class FakeModelHost implements ModelHost {
  readonly calls: string[] = [];
  state: FakeState;
  #anchor: { raw: FakeWeights; average: FakeWeights };
  readonly saved = new Map<string, FakeState>();

  constructor(readonly options: { readonly skill?: number; readonly gain?: number; readonly write?: (request: GenerateRequest, index: number) => string | undefined } = {}) {
    const weights = { skill: options.skill ?? 0.4, updates: 0 };
    this.state = { raw: weights, average: weights, promoted: weights, reference: weights, discriminator: 0 };
    this.#anchor = { raw: weights, average: weights };
  }

  async trainTokenizer({ vocabulary }: TokenizerRequest): Promise<{ vocabulary: number; bytesPerToken: number }> {
    return { vocabulary, bytesPerToken: 1 };
  }

  async initialise(_request: InitialiseRequest): Promise<ModelInfo> {
    return { backend: 'fake', parameters: 1, vocabulary: 256, context: 192 };
  }

  async encode(texts: readonly string[]): Promise<number[][]> {
    return texts.map((text) => [...Buffer.from(text)]);
  }

  async tokenBytes(): Promise<string[]> {
    return Array.from({ length: 256 }, (_, byte) => byte.toString(16).padStart(2, '0'));
  }

  async alternatives({ sequences }: AlternativesRequest): Promise<Alternatives[]> {
    return sequences.map(() => ({ at: [], tokens: [], shares: [], logProbs: [] }));
  }

  async logProbs(sequences: readonly (readonly number[])[]): Promise<number[][]> {
    return sequences.map((tokens) => tokens.map((id) => -(1 + (id % 5)) / 4));
  }

  #completion(text: string, maxTokens: number): Completion {
    const tokens = (text.match(/\w+|\W/g) ?? []).map((token) => hash32(token) % 256);
    const cut = tokens.length + 1 > maxTokens;
    const kept = cut ? (text.match(/\w+|\W/g) ?? []).slice(0, maxTokens).join('') : text;
    const ids = cut ? tokens.slice(0, maxTokens) : [...tokens, 0];
    return { text: kept, finish: cut ? 'length' : 'stop', tokens: ids, logProbs: ids.map((id) => -(1 + (id % 5)) / 4) };
  }

  /** In an order of its own, three at a time. */
  #tell(completions: Completion[], onFinished?: FinishedListener): Completion[] {
    const ended = completions.map(({ text, finish }, index) => ({ index, text, finish })).sort((a, b) => a.text.length - b.text.length || b.index - a.index);
    for (let at = 0; at < ended.length; at += 3) onFinished?.(ended.slice(at, at + 3));
    return completions;
  }

  async generate(request: GenerateRequest, onFinished?: FinishedListener): Promise<Completion[]> {
    this.calls.push(`generate ${request.key} ${request.weights ?? 'raw'} ${request.prompts.length}`);
    const { skill, updates } = this.state[request.weights ?? 'raw'];
    return this.#tell(request.prompts.map((given, i) => {
      // Ids cannot be turned back into text here: who gives them gets whole texts.
      const prompt = typeof given === 'string' ? given : '';
      const planted = this.options.write?.(request, i);
      if (planted !== undefined) return this.#completion(planted, request.maxTokens);
      const draw = drawer(`${request.key}/${i}/${prompt}/${updates}`);
      if (prompt === '') return this.#completion([fill('def NAME(NAME):', draw), ...writeBody('    ', skill, draw)].join('\n'), request.maxTokens);
      const last = prompt.split('\n').at(-1)!;
      const indent = /^ */.exec(last)![0] + (last.endsWith(':') ? '    ' : '');
      return this.#completion(`\n${writeBody(indent, skill, draw).join('\n')}`, request.maxTokens);
    }), onFinished);
  }

  async infill(request: InfillRequest, onFinished?: FinishedListener): Promise<Completion[]> {
    this.calls.push(`infill ${request.key} ${request.holes.length}`);
    const { updates } = this.state[request.weights ?? 'raw'];
    return this.#tell(request.holes.map(({ prefix, suffix, maxTokens }, i) => {
      const draw = drawer(`${request.key}/${i}/${updates}`);
      const last = prefix.split('\n').at(-1)!;
      const indent = /^ */.exec(last)![0] + (last.endsWith(':') ? '    ' : '');
      const simple = fill(STATEMENTS[draw(4)]!, draw);
      const inner = /^\n( *)/.exec(suffix)?.[1] ?? '';
      const opens = inner.length > indent.length;
      return this.#completion(`\n${indent}${opens ? fill('if NAME > NAME:', draw) : simple}`, maxTokens);
    }), onFinished);
  }

  async bits(texts: readonly string[], weights: WeightsName): Promise<number[]> {
    this.calls.push(`bits ${weights}`);
    return texts.map((text) => Buffer.byteLength(text) * (2 - 0.1 * this.state[weights].skill));
  }

  async pretrain({ fromStep, toStep }: PretrainRequest): Promise<StepReport[]> {
    this.calls.push(`pretrain ${fromStep} ${toStep}`);
    return Array.from({ length: toStep - fromStep }, (_, i) => {
      const step = fromStep + i;
      return { step, loss: 6 - step / 100, gradNorm: 1, learningRate: 1e-3 };
    });
  }

  #improve(): void {
    const better = ({ skill, updates }: FakeWeights): FakeWeights => ({ skill: skill + (1 - skill) * (this.options.gain ?? 0.2), updates: updates + 1 });
    this.state = { ...this.state, raw: better(this.state.raw), average: better(this.state.average) };
  }

  async update(request: UpdateRequest): Promise<UpdateReport> {
    this.calls.push(`update ${request.key} ${request.sequences.length}`);
    this.#improve();
    return { steps: 1, tokens: 2 * request.sequences.length, rows: 2, corpusRows: 1, corpusTokens: request.sequences.length, loss: 1, likelihoodLoss: 1, clipped: 0, gradNorm: 1 };
  }

  async scoreDiscriminator(inputs: readonly DiscriminatorInput[]): Promise<number[]> {
    return inputs.map(({ bigrams }) => (hash32(bigrams.join()) % 400) / 100 - 2);
  }

  async traceDiscriminator(inputs: readonly TraceInput[]): Promise<OddsTrace[]> {
    return inputs.map(({ at }) => ({ empty: 0, at: [...new Set(at)], logOdds: [...new Set(at)].map((_, i) => i) }));
  }

  async updateDiscriminator(request: DiscriminatorUpdate): Promise<DiscriminatorUpdated> {
    this.calls.push(`updateDiscriminator ${request.key}`);
    this.state = { ...this.state, discriminator: this.state.discriminator + 1 };
    return { loss: 0.6, heldOutReal: [1, 0.5], heldOutFake: [-1, 0.2] };
  }

  async generateLatent({ count, ...request }: LatentGenerateRequest): Promise<Completion[]> {
    return this.generate({ ...request, prompts: new Array<string>(count).fill(''), temperature: 1 });
  }

  async updateLatent({ key, steps }: LatentUpdateRequest): Promise<LatentUpdateReport> {
    this.calls.push(`updateLatent ${key} ${steps}`);
    this.#improve();
    return {
      steps, tokens: 20, rows: 4, corpusRows: 2, corpusTokens: 10, loss: 1, likelihoodLoss: 1, clipped: 0, gradNorm: 1,
      generatorLoss: 0.7, discriminatorLoss: 1.4, prefixedLoss: 1, plainLoss: 1, realKnown: 0.5, generatedKnown: 0.5, latentGradNorm: 1, length: 10,
    };
  }

  async promote(): Promise<void> {
    this.calls.push('promote');
    this.state = { ...this.state, promoted: this.state.average };
    this.#anchor = { raw: this.state.raw, average: this.state.average };
  }

  async rollback(): Promise<void> {
    this.calls.push('rollback');
    this.state = { ...this.state, ...this.#anchor };
  }

  async beginRounds(): Promise<void> {
    this.calls.push('beginRounds');
    const { raw } = this.state;
    this.state = { ...this.state, average: raw, promoted: raw, reference: raw };
    this.#anchor = { raw, average: raw };
  }

  async save(folder: string): Promise<string> {
    this.calls.push(`save ${folder}`);
    this.saved.set(folder, this.state);
    return hash32(JSON.stringify(this.state)).toString(16);
  }

  async load(folder: string): Promise<void> {
    const state = this.saved.get(folder);
    if (!state) throw new Error(`Nothing was saved under '${folder}'.`);
    this.state = state;
    this.#anchor = { raw: state.raw, average: state.average };
  }
}

/** Whose held-out bits a byte, while pretraining, are a function of the steps that are done. */
export class PretrainedModelHost extends FakeModelHost {
  /** Of every call of `bits`. */
  readonly texts: (readonly string[])[] = [];
  #steps = 0;

  constructor(readonly bitsPerByte: (steps: number) => number) {
    super();
  }

  override async pretrain(request: PretrainRequest): Promise<StepReport[]> {
    this.#steps = request.toStep;
    return super.pretrain(request);
  }

  override async bits(texts: readonly string[], weights: WeightsName): Promise<number[]> {
    this.calls.push(`bits ${weights}`);
    this.texts.push(texts);
    const bitsPerByte = this.bitsPerByte(this.#steps);
    return texts.map((text) => Buffer.byteLength(text) * bitsPerByte);
  }
}

// ---- evaluator --------------------------------------------------------------------------------------------------------

const kindOf = (line: string): string =>
  /^\s*(def|if|for|while|return|pass|print|raise|assert|del|global)\b/.exec(line)?.[1] ?? (line.includes('=') ? 'assign' : line.includes('(') ? 'call' : 'other');

/** The first fault of a toy program, or null. */
function fault(text: string): { kind: string; message: string; offset: number; length: number } | null {
  const levels = [0];
  let offset = 0;
  let expects: boolean | null = null;
  for (const line of text.split('\n')) {
    const indent = /^ */.exec(line)![0].length;
    const code = line.trim();
    const at = { offset: offset + indent, length: Math.max(1, code.length) };
    offset += line.length + 1;
    if (code === '' || code.startsWith('#')) continue;
    if (expects === true && indent <= levels.at(-1)!) return { kind: 'indent.expected', message: 'expected an indented block', ...at };
    if (expects !== true && indent > levels.at(-1)!) return { kind: 'indent.unexpected', message: 'unexpected indent', ...at };
    if (expects === true) levels.push(indent);
    while (indent < levels.at(-1)!) levels.pop();
    if (indent !== levels.at(-1)!) return { kind: 'indent.unmatched', message: 'unindent does not match any outer indentation level', ...at };
    const bare = code.replace(/"[^"]*"/g, 's');
    if (bare.includes('"')) return { kind: 'string.unterminated', message: 'unterminated string literal', ...at };
    if ((bare.match(/\(/g) ?? []).length !== (bare.match(/\)/g) ?? []).length) return { kind: 'bracket', message: "'(' was never closed", ...at };
    const header = /^(def|if|for|while)\b/.test(bare);
    if (header && !bare.includes(':')) return { kind: 'colon.missing', message: "expected ':'", ...at };
    expects = header && bare.endsWith(':');
  }
  return expects === true ? { kind: 'indent.expected', message: 'expected an indented block', offset: text.length, length: 0 } : null;
}

/** Judges the toy language; `corpus` texts count as copies. */
export class FakeEvaluator implements Evaluator {
  readonly #corpus: ReadonlySet<string>;
  judged = 0;
  /** What was anticipated and not asked for yet. */
  readonly anticipated: EvaluationRequest[] = [];

  constructor(corpus: readonly string[] = []) {
    this.#corpus = new Set(corpus);
  }

  async evaluateMany(requests: readonly EvaluationRequest[], signal?: AbortSignal): Promise<Evaluation[]> {
    signal?.throwIfAborted();
    this.judged += requests.length;
    for (const request of requests) {
      const at = this.anticipated.findIndex((other) => isDeepStrictEqual(other, request));
      if (at >= 0) this.anticipated.splice(at, 1);
    }
    return requests.map((request) => this.evaluate(request));
  }

  anticipate(requests: readonly EvaluationRequest[]): void {
    this.anticipated.push(...requests);
  }

  evaluate({ id, text, promptLength, finish }: EvaluationRequest): Evaluation {
    const own = text.slice(promptLength);
    const words = own.replace(/#[^\n]*|"[^"]*"/g, '').match(/\w+|[^\w\s]/g) ?? [];
    const lines = text.split('\n').map((line) => line.trim()).filter((line) => line !== '');
    const kinds = lines.map(kindOf);
    const found = fault(text);
    const work = words.filter((word) => /\w/.test(word) && word !== 'pass').length;
    const reason = finish === 'length' ? 'truncated' as const : found ? 'syntax' as const : work < 3 ? 'empty' as const : undefined;
    const byte = (offset: number): number => Buffer.byteLength(text.slice(0, offset));
    const finding = found && ((): Finding => ({
      source: 'cpython', kind: found.kind, message: found.message,
      span: { start: byte(found.offset), end: byte(found.offset + found.length) },
      line: text.slice(0, found.offset).split('\n').length,
      column: found.offset - (text.lastIndexOf('\n', found.offset - 1) + 1),
    }))();
    const valid = reason === undefined;
    return {
      id, valid, ...(reason ? { reason } : {}), rulesValid: found === null,
      score: valid ? 1 : found ? 0.9 * (found.offset / Math.max(1, text.length)) : 0.5,
      findings: finding ? [finding] : [],
      counts: {
        bytes: Buffer.byteLength(text), lines: lines.length, codeTokens: words.length, ownNodes: work,
        repeatedLines: lines.length === 0 ? 0 : 1 - new Set(lines).size / lines.length, similarLines: 0,
        docstring: false, maxNesting: 1, longestLine: Math.max(0, ...lines.map((line) => line.length)),
      },
      shape: valid ? hash32(kinds.join()).toString(16) : '',
      bigrams: valid ? kinds.slice(1).map((kind, i) => 2 ** 20 + (hash32(kinds[i]!) % 1000) * 1024 + (hash32(kind) % 1000)) : [],
      copy: this.#corpus.has(text),
    };
  }

  async close(): Promise<void> {}
}

/** A sample and its evaluation by the fake evaluator. */
export function judgedSample(sample: Partial<Sample> & { readonly completion: string }, evaluator = new FakeEvaluator()): Judged {
  const whole: Sample = { id: 'r1/u0', taskId: 't', kind: 'unconditional', round: 1, attempt: 0, prompt: '', finish: 'stop', ...sample };
  const text = whole.prompt + whole.completion;
  return { sample: whole, evaluation: evaluator.evaluate({ id: whole.id, text, promptLength: whole.prompt.length, finish: whole.finish }) };
}

// ---- the agents that need a composition root --------------------------------------------------------------------------

/** Updates the fake policy once a round and saves under `round-<r>`. */
export class FakeLearner implements Learner {
  constructor(private readonly model: ModelHost, private readonly events: EventSink) {}

  async learn({ round, judged, repairs }: Parameters<Learner['learn']>[0]): Promise<LearnReport> {
    const sequences = [...judged.map(({ sample }) => sample), ...repairs.map(({ revision }) => revision)].map(() => ({ tokens: [1], likelihood: [0], credit: [1] }));
    const report = await this.model.update({
      key: `round/${round}/update`, sequences, corpusShare: 0, corpusWeight: 0, learningRate: 1, warmupSteps: 0, 
      clipLow: 0.8, clipHigh: 1.2, averageDecay: 0.9, passes: 1,
    });
    this.events.record([{ key: `round/${round}/policy`, event: { type: 'policy.updated', data: { ...report, round } } }]);
    return { meanReward: 0.5, discriminatorAuc: 0.7, discriminatorLoss: 0.6 };
  }

  async save({ round }: { readonly round: number }): Promise<{ checkpoint: string; weightsHash: string }> {
    const checkpoint = `round-${round}`;
    const weightsHash = await this.model.save(checkpoint);
    this.events.record([{ key: `round/${round}/saved`, event: { type: 'checkpoint.saved', data: { round, checkpoint, weightsHash } } }]);
    return { checkpoint, weightsHash };
  }
}

export class FakePreparer implements Preparer {
  constructor(private readonly preparation: Preparation) {}

  async prepare(): Promise<Preparation> {
    return this.preparation;
  }
}

// ---- a whole run on fakes ---------------------------------------------------------------------------------------------

export interface FakeRun {
  readonly config: Config;
  readonly model: FakeModelHost;
  readonly evaluator: Evaluator;
  readonly events: MemorySink;
  readonly agents: Agents;
}

export interface FakeRunOptions {
  readonly config?: ConfigInput;
  readonly model?: FakeModelHost;
  readonly events?: MemorySink;
  /** What the preparer reports; a fresh run when absent. */
  readonly preparation?: Preparation;
  /** Milliseconds; stands still when absent. */
  readonly clock?: () => number;
  /** Judges another language than the toy's. */
  readonly evaluator?: Evaluator;
  readonly documents?: (split: 'gate' | 'test') => readonly Document[];
}

/** The real agents round a fake model host, evaluator, learner and preparer. */
export function fakeRun(options: FakeRunOptions = {}): FakeRun {
  const config = smallConfig(options.config);
  const model = options.model ?? new FakeModelHost();
  const events = options.events ?? new MemorySink();
  const evaluator = options.evaluator ?? new FakeEvaluator();
  const preparation = options.preparation ?? { pretrainedSteps: 0, totalSteps: config.pretraining.steps, completedRounds: 0, rows: [] };
  const documents = options.documents ?? ((split: 'gate' | 'test') => toyDocuments(split, 30));
  const deps = { model, events, evaluator, config, documents, tasks: toyTasks, clock: options.clock ?? (() => 0) };
  const learner = new FakeLearner(model, events);
  return {
    config, model, evaluator, events,
    agents: {
      preparer: new FakePreparer(preparation),
      pretrainer: new ChunkedPretrainer({ ...deps, heldOut: () => deps.documents('gate'), measured: () => events.of('pretraining.measured'), save: (step) => model.save(`pretraining-${step}`), restore: (step) => model.load(`pretraining-${step}`) }),
      generator: new PolicyGenerator(deps),
      critic: new JoiningCritic({ ...deps, readability: ({ evaluation }) => evaluation.score }),
      refiner: new PointedRefiner(deps),
      learner,
      gate: new MeasuringGate({
        ...deps, rows: preparation.rows,
        ...(preparation.promotions ? { promotions: preparation.promotions } : {}),
      }),
      closer: new RecordingCloser({ events, weightsHash: () => model.save('final') }),
    },
  };
}
