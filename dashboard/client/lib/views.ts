/**
 * What the page reads of the events' `data`: only the fields it shows. The full records are the run's own; a test holds that each of
 * them fits these views. Plain data, no logic.
 */
import type { MachineDefinition } from '../../protocol.ts';

export interface ProportionView {
  readonly n: number;
  readonly value: number;
  readonly low: number;
  readonly high: number;
}

export interface FindingView {
  readonly source: string;
  readonly kind: string;
  readonly message: string;
  /** UTF-8 byte offsets into prompt + completion. */
  readonly span: { readonly start: number; readonly end: number };
  readonly line: number;
  readonly column: number;
}

export interface SampleData {
  readonly id: string;
  readonly kind: string;
  readonly round: number;
  readonly attempt: number;
  readonly prompt: string;
  readonly completion: string;
  readonly finish: string;
  readonly parent?: string;
  readonly method?: string;
  /** Of a continued revision: UTF-16 units of its text that stood there before. */
  readonly kept?: number;
}

export interface EvaluationData {
  readonly id: string;
  readonly valid: boolean;
  readonly reason?: string;
  readonly score: number;
  /** UTF-8 offset after which no program continues the text. */
  readonly brokenAt?: number;
  readonly findings: readonly FindingView[];
  readonly copy: boolean;
  readonly counts: { readonly codeTokens: number };
}

export interface CritiqueData {
  readonly sampleId: string;
  readonly logOdds?: number;
  readonly readability: number;
}

export interface OddsTraceData {
  readonly empty: number;
  readonly at: readonly number[];
  readonly logOdds: readonly number[];
}

export interface RewardData {
  readonly sampleId: string;
  readonly value: number;
  readonly terms: Readonly<Record<string, number>>;
}

export interface MeasurementView {
  readonly unconditional: ProportionView;
  readonly prompted: ProportionView;
  readonly guards: {
    readonly bitsPerByte: number;
    readonly tokens: number;
    readonly codeTokens: number;
    readonly distinctShapes: number;
    readonly validCount: number;
    readonly divergence: number;
    readonly repeatedLines: number;
    readonly similarLines: number;
    readonly bytesPerCodeToken: number;
    readonly empty: number;
    readonly copies: number;
    readonly renamedCopies: number;
    readonly selfBleu: number;
    readonly entropy: number;
  };
}

export interface GuardCheckData {
  readonly guard: string;
  readonly start: number;
  readonly now: number;
  readonly least?: number;
  readonly most?: number;
  readonly held: boolean;
}

export interface HistogramData {
  readonly from: number;
  readonly width: number;
  readonly counts: readonly number[];
}

export interface PromptResultData {
  readonly taskId: string;
  /** Batches bring it with round 0 only. */
  readonly prompt?: string;
  /** In whole records only. */
  readonly completion?: string;
  readonly valid: boolean;
}

export interface RoundRowData {
  readonly round: number;
  readonly checkpoint: string;
  readonly outcome: string;
  readonly test: MeasurementView;
  readonly validityAfterRefinement: ProportionView | null;
  readonly meanReward: number | null;
  readonly discriminatorAuc: number | null;
}

export interface EventData {
  'run.started': { readonly seed: number };
  'corpus.ready': { readonly files: number; readonly bytes: number; readonly documents: Readonly<Record<string, number>>; readonly licence: string };
  'tokenizer.ready': { readonly vocabulary: number; readonly bytesPerToken: number };
  'model.ready': { readonly backend: string; readonly parameters: number; readonly vocabulary: number; readonly context: number };
  'vocabulary.ready': { readonly bytes: readonly string[] };
  'pretraining.step': { readonly step: number; readonly loss: number; readonly totalSteps: number };
  'pretraining.progress': { readonly step: number; readonly totalSteps: number; readonly loss: number; readonly tokensPerSecond: number; readonly secondsLeft: number };
  'pretraining.finished': { readonly steps: number };
  'preview.created': { readonly step: number; readonly text: string; readonly valid: boolean };
  'round.started': { readonly round: number };
  'sample.created': SampleData;
  'evaluation.recorded': EvaluationData;
  'critique.recorded': CritiqueData;
  'reward.recorded': RewardData;
  'rewards.counted': { readonly round: number; readonly none: number; readonly rewards: HistogramData };
  'policy.updated': { readonly round: number; readonly steps: number; readonly tokens: number; readonly rows: number; readonly corpusRows: number; readonly corpusTokens: number };
  'guards.checked': { readonly round: number; readonly split: string; readonly checks: readonly GuardCheckData[] };
  'latent.updated': { readonly round: number; readonly generatorLoss: number; readonly discriminatorLoss: number; readonly realKnown: number; readonly generatedKnown: number; readonly length: number };
  'lengths.counted': { readonly round: number; readonly samples: HistogramData; readonly documents: HistogramData; readonly documentsMedian: number };
  'prompts.measured': { readonly round: number; readonly results: readonly PromptResultData[] };
  'refinement.finished': { readonly round: number; readonly failed: number; readonly repaired: number; readonly accepted: readonly string[] };
  'checkpoint.rejected': { readonly round: number; readonly reasons: readonly string[] };
  'alarm.raised': { readonly round: number; readonly alarm: string; readonly message: string };
  'round.finished': RoundRowData;
  'round.timed': { readonly round: number; readonly seconds: number; readonly sampledTokensPerSecond: number; readonly trainedTokensPerSecond: number };
  'run.finished': { readonly rounds: number; readonly reason: string };
  'run.failed': { readonly message: string };
  'run.resumed': { readonly fromRound: number };
  'machine.defined': { readonly machine: string; readonly definition: MachineDefinition };
  'machine.transition': { readonly machine: string; readonly actor: string; readonly from: string | null; readonly to: string; readonly event: string; readonly context?: Readonly<Record<string, unknown>> };
  'activity.started': { readonly agent: string; readonly activity: string; readonly round: number | null; readonly amount: number };
  'activity.finished': { readonly agent: string; readonly activity: string; readonly round: number | null; readonly amount: number; readonly seconds: number };
  'command.received': { readonly command: string };
}
