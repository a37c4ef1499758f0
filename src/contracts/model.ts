/**
 * What the rest of the system may ask of the models: ids, texts and numbers, never a tensor. The model host implements it in a
 * process of its own; tests implement it with fakes. Every call is a pure function of its arguments and the named weights,
 * so a call repeated after a crash gives the same answer.
 */
import type { OddsTrace } from './records.ts';

export interface GenerateRequest {
  /** Names the random stream; the same key, prompts and weights give the same completions. */
  readonly key: string;
  /** Texts, or ids as they are: what was written token by token need not be what its text is encoded as. */
  readonly prompts: readonly (string | readonly number[])[];
  /** Most tokens a completion may have (the model's context allowing). */
  readonly maxTokens: number;
  readonly temperature: number;
  /** 0: off. */
  readonly topK?: number;
  /** 1: off. */
  readonly topP?: number;
  /** Which weights sample; default `raw`, the ones being trained. */
  readonly weights?: WeightsName;
}

export interface Completion {
  readonly text: string;
  readonly finish: 'stop' | 'length';
  readonly tokens: readonly number[];
  readonly logProbs: readonly number[];
}

/** A completion that is done while others are still written: what a judge needs of it, and which prompt or hole it belongs to. */
export interface FinishedText extends Pick<Completion, 'text' | 'finish'> {
  readonly index: number;
}

/** Told of finished completions in the order in which they end, some at a time, of each once; of all before the call resolves. */
export type FinishedListener = (finished: readonly FinishedText[]) => void;

/** Fill-in-the-middle: complete between `prefix` and `suffix`. */
export interface InfillRequest {
  readonly key: string;
  readonly holes: readonly { readonly prefix: string; readonly suffix: string; readonly maxTokens: number }[];
  readonly temperature: number;
  readonly weights?: WeightsName;
}

/** Asks what else the policy being trained might have written, token by token. */
export interface AlternativesRequest {
  /** Names the random stream. */
  readonly key: string;
  /** Ids in front of which the end-of-text token stands; alternatives are drawn for positions `from` and later. */
  readonly sequences: readonly { readonly tokens: readonly number[]; readonly from: number }[];
  /** Draws a position. */
  readonly draws: number;
}

/** Tokens that the policy might have written at positions of one sequence in place of its own, by position; entry i of each array is one. */
export interface Alternatives {
  readonly at: readonly number[];
  readonly tokens: readonly number[];
  /** Estimates of their probabilities, unbiased over all draws of the position. */
  readonly shares: readonly number[];
  readonly logProbs: readonly number[];
}

/** `raw`: the weights being trained; `average`: their exponential average; `promoted`: the last promoted checkpoint's. */
export type WeightsName = 'raw' | 'average' | 'promoted';

/** One sequence of a policy update. Arrays are as long as `tokens`; entry i is about predicting tokens[i]. */
export interface TrainSequence {
  /** Prompt and completion ids, without the leading end-of-text token (the host puts it before every sequence). */
  readonly tokens: readonly number[];
  /** Weight of the token's negative log-likelihood (corpus loss, supervised positives); 0 leaves it out. */
  readonly likelihood: readonly number[];
  /** Policy-gradient credit of the token: positive raises its probability, negative lowers it; 0 leaves it out. */
  readonly credit: readonly number[];
  /** Log-probability of the token when it was sampled (used only where credit is not 0). */
  readonly oldLogProbs?: readonly number[];
  /** Tokens that were not written, with credit of their own, in the order of their positions; of more than four at one the others are left out. */
  readonly alternatives?: readonly { readonly at: number; readonly token: number; readonly credit: number; readonly oldLogProb: number }[];
}

export interface UpdateRequest {
  readonly key: string;
  readonly sequences: readonly TrainSequence[];
  /** Share in [0, 1] of each step's rows that are drawn from the training corpus by counter. */
  readonly corpusShare: number;
  readonly corpusWeight: number;
  readonly learningRate: number;
  /** Steps of linear warm-up at the head of this update. */
  readonly warmupSteps: number;
  readonly clipLow: number;
  readonly clipHigh: number;
  readonly averageDecay: number;
  /** Passes over `sequences`. */
  readonly passes: number;
  /** At every token of the sequences: weight of the divergence of the policy from the promoted one (nats, all tokens), and of the policy's entropy. Absent: 0. */
  readonly klWeight?: number;
  readonly entropyWeight?: number;
}

export interface UpdateReport {
  readonly steps: number;
  readonly tokens: number;
  /** Rows of all steps' batches that hold anything, and those of them that hold corpus documents; `tokens` likewise. */
  readonly rows: number;
  readonly corpusRows: number;
  readonly corpusTokens: number;
  readonly loss: number;
  /** Nats a step: of every row's likelihood, corpus and accepted samples together, by their weights. */
  readonly likelihoodLoss: number;
  readonly clipped: number;
  readonly gradNorm: number;
}

export interface PretrainRequest {
  readonly fromStep: number;
  readonly toStep: number;
}

/** How pretraining goes, fixed for a run: batches and learning rates are functions of the step alone. */
export interface PretrainPlan {
  readonly steps: number;
  readonly learningRate: number;
  readonly warmupSteps: number;
  /** Shares in [0, 1] of the documents: rearranged for fill-in-the-middle, and with masked tokens; at most 1 together. */
  readonly infillShare: number;
  readonly maskShare: number;
}

export interface StepReport {
  /** Steps that were done before it. */
  readonly step: number;
  readonly loss: number;
  readonly gradNorm: number;
  readonly learningRate: number;
}

export interface DiscriminatorUpdate {
  readonly key: string;
  /** Real documents and valid samples. */
  readonly real: readonly DiscriminatorInput[];
  readonly fake: readonly DiscriminatorInput[];
  readonly steps: number;
  readonly learningRate: number;
}

/** A valid text as the discriminator sees it: the bigrams of its syntax tree. */
export interface DiscriminatorInput {
  readonly bigrams: readonly number[];
}

/** A valid text's bigrams with the UTF-8 offset at which the second node of each begins. */
export interface TraceInput {
  readonly bigrams: readonly number[];
  readonly at: readonly number[];
}

export interface DiscriminatorUpdated {
  /** Mean loss (nats) over the steps. */
  readonly loss: number;
  /** Log-odds of the held-out texts (every fifth of each side), taken before the update. */
  readonly heldOutReal: readonly number[];
  readonly heldOutFake: readonly number[];
}

/** The latent generator of a text GAN: the policy behind a prefix made from noise. */
export interface LatentConfig {
  /** Standard normal numbers that a sequence begins with. */
  readonly noise: number;
  /** Vectors of the policy's width that they become. */
  readonly prefix: number;
  /** What the generator minimises against the discriminator: E[log(1 - D)], or -E[log D]. */
  readonly objective: 'minimax' | 'non-saturating';
}

export interface LatentGenerateRequest {
  /** Names the random streams: noise and draws of sequence i are functions of the seed, the key and i. */
  readonly key: string;
  readonly count: number;
  readonly maxTokens: number;
  /** Default `raw`. */
  readonly weights?: WeightsName;
}

export interface LatentUpdateRequest {
  readonly key: string;
  /** Updates of the discriminator on as many fresh samples as training documents; each but the first `warmUpSteps` is followed by one of the generator. */
  readonly steps: number;
  /** Updates of the discriminator alone, before the generator's first: a discriminator that knows nothing has gradients that mean nothing. */
  readonly warmUpSteps: number;
  /** Of the Gumbel-softmax, above 0. */
  readonly temperature: number;
  readonly adversarialWeight: number;
  /** What the adversarial gradient is multiplied by before it reaches the policy; 0: it trains the prefix alone. */
  readonly policyFactor: number;
  /** Weight of the mean negative log-likelihood of training documents, half of them after a prefix. */
  readonly corpusWeight: number;
  readonly learningRate: number;
  readonly latentLearningRate: number;
  readonly discriminatorLearningRate: number;
  readonly averageDecay: number;
}

/** What UpdateReport says of the generator's updates (`rows` that hold anything, documents among them as `corpusRows`; nothing is clipped), and besides: */
export interface LatentUpdateReport extends UpdateReport {
  /** Means over the generator's updates; 0 where there were none. */
  readonly generatorLoss: number;
  /** Mean negative log-likelihood a token, nats, of documents after a prefix and without one. */
  readonly prefixedLoss: number;
  readonly plainLoss: number;
  readonly latentGradNorm: number;
  /** Means over the discriminator's updates: loss, and the share of real and of generated sequences taken for what they are, before it learned from them. */
  readonly discriminatorLoss: number;
  readonly realKnown: number;
  readonly generatedKnown: number;
  /** Mean tokens of a generated sequence, end-of-text included. */
  readonly length: number;
}

export interface DiscriminatorReport {
  readonly loss: number;
  /** Of held-out texts, before the update saw any of the round's samples. */
  readonly auc: number;
  readonly heldOutLoss: number;
}

export interface ModelInfo {
  readonly backend: string;
  readonly parameters: number;
  readonly vocabulary: number;
  readonly context: number;
}

export interface TokenizerRequest {
  readonly texts: readonly string[];
  readonly vocabulary: number;
  /** Where the tokenizer.json is written. */
  readonly path: string;
}

export interface ModelHost {
  /** Trains a tokenizer on the texts and writes it; needs no `initialise` before it. */
  trainTokenizer(request: TokenizerRequest): Promise<{ readonly vocabulary: number; readonly bytesPerToken: number }>;
  /** Builds models and graphs; the corpus is handed over once and kept encoded. */
  initialise(request: InitialiseRequest): Promise<ModelInfo>;
  encode(texts: readonly string[]): Promise<number[][]>;
  /** Bytes of every token, as hexadecimal digits; special tokens have none. */
  tokenBytes(): Promise<string[]>;
  generate(request: GenerateRequest, onFinished?: FinishedListener): Promise<Completion[]>;
  infill(request: InfillRequest, onFinished?: FinishedListener): Promise<Completion[]>;
  alternatives(request: AlternativesRequest): Promise<Alternatives[]>;
  /** Natural-log probability, under the weights being trained, of each token of each sequence, end-of-text in front; those beyond the context are left out. */
  logProbs(sequences: readonly (readonly number[])[]): Promise<number[][]>;
  /** Sum of negative log2-likelihood (bits) of each text with its end-of-text token, after end-of-text. */
  bits(texts: readonly string[], weights: WeightsName): Promise<number[]>;
  /** Steps [fromStep, toStep) of pretraining. */
  pretrain(request: PretrainRequest): Promise<StepReport[]>;
  update(request: UpdateRequest): Promise<UpdateReport>;
  scoreDiscriminator(inputs: readonly DiscriminatorInput[]): Promise<number[]>;
  /** How each text's log-odds come about from left to right. */
  traceDiscriminator(inputs: readonly TraceInput[]): Promise<OddsTrace[]>;
  updateDiscriminator(request: DiscriminatorUpdate): Promise<DiscriminatorUpdated>;
  /** Sequences behind prefixes made from noise; needs `latent` of InitialiseRequest, as does the next. */
  generateLatent(request: LatentGenerateRequest): Promise<Completion[]>;
  updateLatent(request: LatentUpdateRequest): Promise<LatentUpdateReport>;
  /** `raw` and `promoted` := `average`: the next round begins where the measured policy stands. */
  promote(): Promise<void>;
  /** `raw` and `average` := `promoted`; optimizer state cleared. */
  rollback(): Promise<void>;
  /** `average` and `promoted` := `raw`; optimizer state cleared. Called once, when pretraining ends. */
  beginRounds(): Promise<void>;
  /** Writes everything that training needs to go on exactly; returns a hash of all of it. */
  save(folder: string): Promise<string>;
  load(folder: string): Promise<void>;
}

export interface InitialiseRequest {
  readonly seed: number;
  readonly backend: 'auto' | string;
  readonly threads: number;
  readonly model: ModelConfig;
  readonly pretraining: PretrainPlan;
  /** A latent generator besides, whose state is then part of what `save` writes. */
  readonly latent?: LatentConfig;
  /** Path of a tokenizer.json. */
  readonly tokenizer: string;
  /** Training documents and whole training files (text), in a fixed order. Documents that do not fit the context are left out. */
  readonly documents: readonly string[];
  readonly files: readonly string[];
  /** Absent: none. */
  readonly excerpts?: Excerpts;
}

/** Parts of functions too long to be documents, and what share in [0, 1] of the corpus rows of an update they are. */
export interface Excerpts {
  readonly texts: readonly string[];
  readonly share: number;
}

export interface ModelConfig {
  readonly layers: number;
  readonly heads: number;
  /** Key/value heads; equal to `heads` for plain multi-head attention. */
  readonly kvHeads: number;
  readonly width: number;
  readonly hidden: number;
  readonly context: number;
  readonly batch: number;
  /** Whether the policy is told at every position what is open so far: brackets, strings, the line it stands in. */
  readonly lexicalState: boolean;
}
