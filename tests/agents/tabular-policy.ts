/**
 * A policy whose optimum can be worked out by hand, for tests of learners: a row of logits for each beginning of a text,
 * trained by the exact gradient of the objective that the real model host trains on (src/models/policy.ts), over a language of a few letters
 * whose judge knows at once which texts are valid and where one broke. One byte a token, 0 is end-of-text.
 */
import type { EvaluationRequest, Evaluator } from '../../src/contracts/evaluator.ts';
import type { Completion, GenerateRequest, ModelHost, TrainSequence, UpdateReport, UpdateRequest } from '../../src/contracts/model.ts';
import type { Evaluation } from '../../src/contracts/records.ts';
import { RandomStream } from '../../src/random/philox.ts';

export const END = 0;

/** A finite language: its texts are valid, every beginning of one can begin, nothing else is either. */
export class Language {
  readonly #beginnings: ReadonlySet<string>;
  readonly #texts: ReadonlySet<string>;

  constructor(readonly texts: readonly string[]) {
    this.#texts = new Set(texts);
    this.#beginnings = new Set(texts.flatMap((text) => [...text, ''].map((_, i) => text.slice(0, i))));
  }

  has(text: string): boolean {
    return this.#texts.has(text);
  }

  begins(text: string): boolean {
    return this.#beginnings.has(text) || this.#texts.has(text);
  }

  /** Characters up to which a text can still be completed, that one included which breaks it: -1 for the judge's `brokenAt` where none does. */
  brokenAt(text: string): number {
    for (let i = 1; i <= text.length; i++) if (!this.begins(text.slice(0, i))) return i - 1;
    return text.length;
  }

  judge({ id, text, promptLength, finish }: EvaluationRequest): Evaluation {
    const valid = finish === 'stop' && this.has(text);
    const reason = valid ? {} : { reason: finish === 'stop' ? 'syntax' as const : 'truncated' as const, brokenAt: this.brokenAt(text) };
    return {
      id, valid, ...reason, rulesValid: valid, score: valid ? 1 : this.brokenAt(text) / (text.length + 1), findings: [], shape: valid ? text : '', bigrams: valid ? [...Buffer.from(text)] : [], copy: false,
      counts: { bytes: text.length, lines: 1, codeTokens: text.length, ownNodes: text.length - promptLength, repeatedLines: 0, similarLines: 0, docstring: false, maxNesting: 0, longestLine: text.length },
    };
  }

  evaluator(): Required<Pick<Evaluator, 'evaluateMany' | 'beginnings' | 'canEnd' | 'close'>> {
    return {
      evaluateMany: async (requests) => requests.map((request) => this.judge(request)),
      beginnings: async (texts) => texts.map((text) => (this.begins(text) ? 'sound' : 'broken')),
      canEnd: async (texts) => texts.map(({ text }) => this.has(text)),
      close: async () => {},
    };
  }
}

/** What learners ask of the model host. */
type Asked = Pick<ModelHost, 'encode' | 'tokenBytes' | 'alternatives' | 'logProbs' | 'generate' | 'update' | 'scoreDiscriminator' | 'updateDiscriminator' | 'updateLatent'>;

export class TabularPolicy implements Asked {
  readonly #logits = new Map<string, Float64Array>();
  readonly requests: UpdateRequest[] = [];
  /** What the discriminator says of a valid text. */
  logOdds: (text: string) => number = () => 0;

  /** `corpus`: the real texts that `corpusShare` and `corpusWeight` mix in. `batch`: tokens a step. */
  constructor(readonly alphabet: string, private readonly options: { readonly seed: number; readonly corpus?: readonly string[]; readonly batch?: number }) {}

  #row(before: readonly number[]): Float64Array {
    const context = before.join();
    let row = this.#logits.get(context);
    if (!row) this.#logits.set(context, (row = new Float64Array(this.alphabet.length + 1)));
    return row;
  }

  /** Index of a token in a row of logits. */
  #index(token: number): number {
    return token === END ? 0 : 1 + this.alphabet.indexOf(String.fromCharCode(token));
  }

  #tokenOf(index: number): number {
    return index === 0 ? END : this.alphabet.charCodeAt(index - 1);
  }

  #probabilities(before: readonly number[]): number[] {
    const row = this.#row(before);
    const most = Math.max(...row);
    const weights = Array.from(row, (logit) => Math.exp(logit - most));
    const total = weights.reduce((sum, weight) => sum + weight, 0);
    return weights.map((weight) => weight / total);
  }

  /** Probability of a whole text, its end included, once its first `written` tokens are there. */
  probability(text: string, written = 0): number {
    const tokens = [...Buffer.from(text), END];
    return tokens.reduce((product, token, i) => (i < written ? product : product * this.#probabilities(tokens.slice(0, i))[this.#index(token)]!), 1);
  }

  /** Moves the policy towards `texts` by likelihood: the pretraining of a toy. */
  pretrain(texts: readonly string[], steps: number, rate: number): void {
    const sequences = texts.map((text) => likelihoodOn(text));
    for (let step = 0; step < steps; step++) this.#step([{ sequences, weight: 1 }], rate, 0, 2);
  }

  async encode(texts: readonly string[]): Promise<number[][]> {
    return texts.map((text) => [...Buffer.from(text)]);
  }

  async tokenBytes(): Promise<string[]> {
    return Array.from({ length: 128 }, (_, id) => (id === END ? '' : id.toString(16).padStart(2, '0')));
  }

  async generate({ key, prompts, maxTokens, temperature }: GenerateRequest): Promise<Completion[]> {
    return prompts.map((prompt, i): Completion => {
      const random = new RandomStream(this.options.seed, 'tabular', key, i);
      const context = typeof prompt === 'string' ? [...Buffer.from(prompt)] : prompt;
      const tokens: number[] = [], logProbs: number[] = [];
      while (tokens.length < maxTokens && tokens.at(-1) !== END) {
        const probabilities = this.#probabilities([...context, ...tokens]);
        const powered = probabilities.map((p) => p ** (1 / temperature));
        let left = random.uniform(tokens.length) * powered.reduce((sum, p) => sum + p, 0);
        const index = Math.max(0, powered.findIndex((p) => (left -= p) <= 0));
        tokens.push(this.#tokenOf(index));
        logProbs.push(Math.log(probabilities[index]!));
      }
      const finish = tokens.at(-1) === END ? 'stop' : 'length';
      return { text: Buffer.from(tokens.filter((token) => token !== END)).toString(), finish, tokens, logProbs };
    });
  }

  /** All tokens that were not written: what many draws would come to. */
  async alternatives({ sequences }: Parameters<ModelHost['alternatives']>[0]): ReturnType<ModelHost['alternatives']> {
    return sequences.map(({ tokens, from }) => {
      const result = { at: [] as number[], tokens: [] as number[], shares: [] as number[], logProbs: [] as number[] };
      for (let at = from; at < tokens.length; at++) {
        this.#probabilities(tokens.slice(0, at)).forEach((p, index) => {
          if (this.#tokenOf(index) === tokens[at]) return;
          result.at.push(at);
          result.tokens.push(this.#tokenOf(index));
          result.shares.push(p);
          result.logProbs.push(Math.log(p));
        });
      }
      return result;
    });
  }

  async logProbs(sequences: readonly (readonly number[])[]): Promise<number[][]> {
    return sequences.map((tokens) => tokens.map((token, i) => Math.log(this.#probabilities(tokens.slice(0, i))[this.#index(token)]!)));
  }

  async scoreDiscriminator(inputs: Parameters<ModelHost['scoreDiscriminator']>[0]): Promise<number[]> {
    // The toy's judge gives a valid text's bytes as its bigrams.
    return inputs.map(({ bigrams }) => this.logOdds(Buffer.from(bigrams).toString()));
  }

  /** There is none: odds come from the test. */
  async updateDiscriminator(): ReturnType<ModelHost['updateDiscriminator']> {
    return { loss: 0, heldOutReal: [], heldOutFake: [] };
  }

  async updateLatent(): ReturnType<ModelHost['updateLatent']> {
    throw new Error('A table has no latent generator.');
  }

  async update(request: UpdateRequest): Promise<UpdateReport> {
    this.requests.push(request);
    const { corpus = [], batch = 400 } = this.options;
    const { corpusShare, corpusWeight, clipLow, clipHigh } = request;
    let steps = 0, read = 0;
    const used = { tokens: 0, rows: 0, corpusRows: 0, corpusTokens: 0 };
    for (let pass = 0; pass < request.passes; pass++) {
      const order = new RandomStream(this.options.seed, 'update', request.key, pass).permutation(request.sequences.length);
      for (let next = 0; next < order.length;) {
        const own: TrainSequence[] = [], real: TrainSequence[] = [];
        for (let held = 0; next < order.length && held < batch * (1 - corpusShare);) {
          const sequence = request.sequences[order[next++]!]!;
          own.push(sequence);
          held += sequence.tokens.length;
        }
        for (let held = 0; corpus.length > 0 && held < batch * corpusShare;) {
          const sequence = likelihoodOn(corpus[read++ % corpus.length]!);
          real.push(sequence);
          held += sequence.tokens.length;
        }
        this.#step([{ sequences: own, weight: 1 }, { sequences: real, weight: corpusWeight }], request.learningRate, clipLow, clipHigh);
        used.rows += own.length + real.length;
        used.corpusRows += real.length;
        used.corpusTokens += real.reduce((sum, { tokens }) => sum + tokens.length, 0);
        used.tokens += [...own, ...real].reduce((sum, { tokens }) => sum + tokens.length, 0);
        steps++;
      }
    }
    return { steps, ...used, loss: 0, likelihoodLoss: 0, clipped: 0, gradNorm: 0 };
  }

  /** One step of gradient ascent; each group counts by its weight over its tokens. */
  #step(groups: readonly { readonly sequences: readonly TrainSequence[]; readonly weight: number }[], rate: number, clipLow: number, clipHigh: number): void {
    const changes = new Map<Float64Array, Float64Array>();
    const raise = (before: readonly number[], token: number, amount: number): void => {
      const row = this.#row(before);
      let change = changes.get(row);
      if (!change) changes.set(row, (change = new Float64Array(row.length)));
      const probabilities = this.#probabilities(before);
      for (let i = 0; i < row.length; i++) change[i]! += amount * ((i === this.#index(token) ? 1 : 0) - probabilities[i]!);
    };
    /** d/d log p of min(ratio * credit, clip(ratio) * credit). */
    const surrogate = (before: readonly number[], token: number, credit: number, oldLogProb: number): number => {
      const ratio = this.#probabilities(before)[this.#index(token)]! / Math.exp(oldLogProb);
      return (credit > 0 ? ratio > clipHigh : ratio < clipLow) ? 0 : ratio * credit;
    };
    for (const { sequences, weight } of groups) {
      const scale = weight / Math.max(1, sequences.reduce((sum, { tokens }) => sum + tokens.length, 0));
      for (const { tokens, likelihood, credit, oldLogProbs, alternatives = [] } of sequences) {
        tokens.forEach((token, i) => {
          const before = tokens.slice(0, i);
          const amount = likelihood[i]! + (credit[i] === 0 ? 0 : surrogate(before, token, credit[i]!, oldLogProbs![i]!));
          if (amount !== 0) raise(before, token, scale * amount);
        });
        for (const { at, token, credit: blame, oldLogProb } of alternatives) raise(tokens.slice(0, at), token, scale * surrogate(tokens.slice(0, at), token, blame, oldLogProb));
      }
    }
    for (const [row, change] of changes) for (let i = 0; i < row.length; i++) row[i]! += rate * change[i]!;
  }
}

/** A whole text with its end, every token by its likelihood. */
function likelihoodOn(text: string): TrainSequence {
  const tokens = [...Buffer.from(text), END];
  return { tokens, likelihood: tokens.map(() => 1), credit: tokens.map(() => 0) };
}
