/**
 * The plain records that travel through the loop: JSON values only, no tensors, no class instances, no functions.
 * Whoever makes one never changes it afterwards. Not here: who makes them (agents.ts) and how they are logged (events.ts).
 */

/** Decided by a stable hash of the corpus file. `gate` decides promotion; only tables read `test`. */
export type Split = 'train' | 'gate' | 'test';

/** UTF-8 byte offsets into a text, end exclusive. */
export interface Span {
  readonly start: number;
  readonly end: number;
}

/** One function or class of a corpus file, dedented: what the policy learns to write. */
export interface Document {
  /** Stable: a hash of the text. */
  readonly id: string;
  readonly file: string;
  readonly split: Split;
  readonly text: string;
}

/** Bits a byte of held-out documents once so many steps of pretraining are done. */
export interface HeldOutBits {
  readonly step: number;
  readonly bitsPerByte: number;
}

export type TaskKind = 'unconditional' | 'signature' | 'docstring' | 'lines';

/** A prompt with a stable id and a split. `prompt` is empty for unconditional tasks. */
export interface Task {
  readonly id: string;
  readonly split: Split;
  readonly kind: TaskKind;
  readonly prompt: string;
}

/** One completion of a task. A revision is a sample with a parent. Token fields are absent when an outside model wrote it. */
export interface Sample {
  readonly id: string;
  readonly taskId: string;
  readonly kind: TaskKind;
  readonly round: number;
  readonly attempt: number;
  readonly prompt: string;
  readonly completion: string;
  /** `stop`: end-of-text was written. `length`: the limit came first, so the sample is truncated. */
  readonly finish: 'stop' | 'length';
  readonly parent?: string;
  readonly method?: RevisionMethod;
  /** Of a continued revision: how much of prompt + completion was there before, UTF-16 units; `tokens` are those of the rest. */
  readonly kept?: number;
  /** Token ids of the completion, the end-of-text token included when `finish` is `stop`. */
  readonly tokens?: readonly number[];
  /** Natural-log probability of each of `tokens` under the policy at temperature 1. */
  readonly logProbs?: readonly number[];
}

/** `infill`: fill-in-the-middle of the faulty span. `continue`: from the longest valid prefix on. */
export type RevisionMethod = 'infill' | 'continue';

export interface Finding {
  /** Who found it: the tree-sitter parse, a strict rule, CPython's compiler, the linter, the safety filter. */
  readonly source: 'parse' | 'rule' | 'cpython' | 'lint' | 'safety';
  /** Dotted lower-case name of the kind, such as `indent.unexpected` or `too-large`. */
  readonly kind: string;
  /** In CPython's own wording where it has one. */
  readonly message: string;
  readonly span: Span;
  /** The smallest statement around it, where there is one. */
  readonly statement?: Span;
  /** 1-based line. */
  readonly line: number;
  /** 0-based column, in UTF-16 units. */
  readonly column: number;
}

/** Why a text is not valid work, in the order the checks are made. `judge`: the judge failed twice; never the text's fault. */
export type InvalidReason = 'too-large' | 'truncated' | 'empty' | 'syntax' | 'judge';

/** Counts of one text (src/evaluator/counts.ts). */
export interface Counts {
  readonly bytes: number;
  readonly lines: number;
  /** Lexical tokens of Python without strings and comments. */
  readonly codeTokens: number;
  /** Named syntax nodes that begin after the prompt. */
  readonly ownNodes: number;
  /** Share in [0, 1] of non-blank lines that repeat an earlier line of the text (compared without indentation). */
  readonly repeatedLines: number;
  /** Share in [0, 1] of logical lines that repeat an earlier one of the text but for names and literals; docstrings are not counted. */
  readonly similarLines: number;
  readonly docstring: boolean;
  readonly maxNesting: number;
  readonly longestLine: number;
}

/** What a reader of the code meets, each a metric with its source in src/evaluator/lint; only where it was asked for. */
export interface Quality {
  /** Findings of the linter, undefined names and syntax left out; null where it could not run. */
  readonly lint: number | null;
  /** Names read and never bound (a part of a module has some by nature), and names bound and never read; null as above. */
  readonly undefinedNames: number | null;
  readonly unusedNames: number | null;
  /** Normalised edit distance in [0, 1] between the text and its formatted self; null where it could not be formatted. */
  readonly formatDistance: number | null;
  /** Statements that no path reaches. */
  readonly unreachable: number;
  /** Largest cyclomatic complexity of a function, from 1; of the module's own statements where there is no function. */
  readonly complexity: number;
  /** Deepest nesting of control flow inside one function, from 0. */
  readonly nesting: number;
  /** Most lines of code (blank lines and docstring not counted) of one function, or of the text where there is none. */
  readonly functionLines: number;
  /** Share in [0, 1] of public functions and classes with a docstring; null where there are none. */
  readonly docstrings: number | null;
  /** Share in [0, 1] of parameters (`self` and `cls` left out) and results that are annotated; null where there are none. */
  readonly annotations: number | null;
  /** Share in [0, 1] of the names bound that say what they are: three letters or more, or an established short name. */
  readonly naming: number | null;
  /** The composite in [0, 1]. */
  readonly readability: number;
}

/** How much of a text stands in the training corpus word by word. */
export interface Novelty {
  /** Longest run of lexical tokens (strings whole; comments and layout not counted) that the corpus has as well, and its characters. */
  readonly longestRun: number;
  readonly longestCharacters: number;
  /** Share in [0, 1] of the text's tokens inside shared runs of 12 tokens or more. */
  readonly covered: number;
  /** The document that has the longest run, where documents have names. */
  readonly document?: string;
}

/** `danger`: calls that reach processes, network or files, or run data as code. */
export type SafetyCategory = 'secret' | 'danger' | 'slur' | 'bias' | 'personal';

/** Findings of the safety filter by category; categories without any are left out. */
export type SafetyCounts = Readonly<Partial<Record<SafetyCategory, number>>>;

/** What the evaluator says of one text (prompt + completion). Text in, plain record out; no model is asked. */
export interface Evaluation {
  readonly id: string;
  /** CPython compiles it, it ended by itself, and it is not empty. */
  readonly valid: boolean;
  readonly reason?: InvalidReason;
  /** What tree-sitter and the strict rules alone would have said; the gap to `valid` is a metric. */
  readonly rulesValid: boolean;
  /**
   * Where the text broke: UTF-8 offset of the first character after which no continuation compiles any more, the text's
   * length when all of it could still be completed. Only for texts that CPython rejects; what is before it is not to blame.
   */
  readonly brokenAt?: number;
  /** Graded: 1 for valid texts, smoothly lower with the number and weight of faults; in [0, 1]. */
  readonly score: number;
  readonly findings: readonly Finding[];
  readonly counts: Counts;
  /** Hash of the syntax tree's node kinds: two texts with the same tree have the same shape. Empty when unparsable. */
  readonly shape: string;
  /**
   * Syntax-tree bigrams: `parent * 1024 + child` for each named parent > child pair and `2^20 + previous * 1024 + next` for each
   * pair of neighbouring statements; ids of node kinds are the grammar's. Empty for invalid texts.
   */
  readonly bigrams: readonly number[];
  /** Where the second node of each of `bigrams` begins, UTF-8 offsets; only where it was asked for. */
  readonly bigramsAt?: readonly number[];
  /** The text, white space normalised, has 40 characters or more and is a training document or lies whole inside one. */
  readonly copy: boolean;
  /** A valid text that is no copy, but a whole training document of 24 tokens or more under other names; absent otherwise. */
  readonly renamed?: true;
  /** Absent unless the judge knows training documents. */
  readonly novelty?: Novelty;
  /** Absent unless the request asked for `quality`. */
  readonly quality?: Quality;
  /** Absent when the safety filter found nothing. */
  readonly safety?: SafetyCounts;
}

/**
 * The discriminator's log-odds along a text, as if its syntax tree were uncovered from left to right: the network is given the bigrams
 * of the finished tree whose second node has begun. So every value is one of the same network over a part of the same features, the
 * last one is the text's, and what a token contributes is the difference it makes, after all that stands before it.
 */
export interface OddsTrace {
  /** Log-odds of a text without any structure, rounded to thousandths like `logOdds`. */
  readonly empty: number;
  /** UTF-8 offsets at which nodes begin, ascending. */
  readonly at: readonly number[];
  /** Log-odds once everything that begins at or before `at[i]` is there. */
  readonly logOdds: readonly number[];
}

/** The critic's record: evaluation, discriminator and readability joined into one number and its parts. */
export interface Critique {
  readonly sampleId: string;
  /** Log-odds that the sample is a corpus document rather than generated; absent for invalid samples. */
  readonly logOdds?: number;
  /** How it came about along the text; absent for invalid samples and where the evaluator does not say where structure begins. */
  readonly trace?: OddsTrace;
  /** Readability in [0, 1]: a metric, trained on only where `learning.readabilityWeight` says so. */
  readonly readability: number;
  /** The finding a refiner should act on first. */
  readonly focus?: Finding;
}

/** The scalar that is trained on, and the terms it was made of. */
export interface Reward {
  readonly sampleId: string;
  readonly value: number;
  readonly terms: Readonly<Record<string, number>>;
}

/** An accepted repair of a failed sample. */
export interface Repair {
  readonly parent: string;
  readonly revision: Sample;
  readonly evaluation: Evaluation;
}

/** A proportion with its 95 % Wilson interval. */
export interface Proportion {
  readonly successes: number;
  readonly n: number;
  readonly value: number;
  readonly low: number;
  readonly high: number;
}

/** The guards beside validity (docs/measures.md), all taken on one split. */
export interface Guards {
  /** Held-out bits a byte. */
  readonly bitsPerByte: number;
  /** Medians over valid unconditional samples. */
  readonly tokens: number;
  readonly codeTokens: number;
  /** Distinct syntax-tree shapes to be expected among 200 of the valid samples (scaled up when there are fewer; see `validCount`). */
  readonly distinctShapes: number;
  readonly validCount: number;
  /** Jensen-Shannon divergence, bits, of syntax-tree bigrams of valid samples against as many held-out documents. */
  readonly divergence: number;
  readonly repeatedLines: number;
  /** Mean over valid samples of the share of their lines that repeat an earlier one but for names and literals. */
  readonly similarLines: number;
  /** Bytes of all valid samples for each of their code tokens: strings, comments and long names grow it, code does not. */
  readonly bytesPerCodeToken: number;
  /** Share of all samples, valid or not, that are invalid as `empty`. */
  readonly empty: number;
  readonly copies: number;
  /** Share of the valid samples that are training documents under other names. */
  readonly renamedCopies: number;
  readonly selfBleu: number;
  /** Mean entropy of the sampled tokens' distribution, nats, estimated as the mean of -log p. */
  readonly entropy: number;
}

/** Guards that are compared with round 0. */
export type GuardName = Exclude<keyof Guards, 'validCount'>;

/** One guard against round 0 and its bounds; one that has no bound at present has neither end. */
export interface GuardCheck {
  readonly guard: GuardName;
  readonly start: number;
  readonly now: number;
  readonly least?: number;
  readonly most?: number;
  readonly held: boolean;
}

/** How many values fall into bins of equal width; those outside all bins are in the first or the last. */
export interface Histogram {
  /** Lower end of the first bin. */
  readonly from: number;
  readonly width: number;
  readonly counts: readonly number[];
}

/** What the policy made of one of the measuring prompts, which are the same in every round: one completion at temperature 1. */
export interface PromptResult {
  readonly taskId: string;
  readonly prompt: string;
  readonly completion: string;
  /** Valid, so not empty either. */
  readonly valid: boolean;
}

/** One measurement of one policy on one split. */
export interface Measurement {
  readonly split: Split;
  readonly unconditional: Proportion;
  readonly prompted: Proportion;
  /** Share of unconditional texts on which rules and judge disagree. */
  readonly rulesGap: number;
  readonly guards: Guards;
  /** Findings of the safety filter in all samples; absent when there are none. */
  readonly safety?: SafetyCounts;
}

/** One row of the table: round 0 is the pretrained policy. */
export interface RoundRow {
  readonly round: number;
  readonly checkpoint: string;
  readonly outcome: 'baseline' | 'promoted' | 'rejected';
  readonly test: Measurement;
  readonly validityAfterRefinement: Proportion | null;
  readonly meanReward: number | null;
  readonly discriminatorAuc: number | null;
  readonly discriminatorLoss: number | null;
}

/** How fast a round went: beside the hashed part of the log, since it differs from run to run. */
export interface Timing {
  readonly seconds: number;
  readonly sampledTokensPerSecond: number;
  readonly trainedTokensPerSecond: number;
}
