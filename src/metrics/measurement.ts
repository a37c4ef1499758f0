/**
 * One measurement of one policy: validity and the guards beside it, from judged samples (docs/measures.md). Pure: who
 * samples, judges and asks the model for bits is the gate's business.
 */
import type { Judged } from '../contracts/agents.ts';
import type { Guards, Measurement, Proportion, Split } from '../contracts/records.ts';
import { structureDivergence } from './divergence.ts';
import { bleuTokens, distinctShapes, repeatedLines, sampledEntropy, selfBleu } from './diversity.ts';
import { safetyTotals } from './safety.ts';
import { mean, median, proportionOf } from './statistics.ts';

/** What samples are held against: documents of the same split. */
export interface HeldOut {
  /** Sum of the documents' negative log2-likelihood. */
  readonly bits: number;
  /** Sum of their UTF-8 lengths. */
  readonly bytes: number;
  /** Syntax-tree bigrams of each, in an order that has nothing to do with what they hold. */
  readonly bigrams: readonly (readonly number[])[];
}

export interface MeasurementInput {
  readonly split: Split;
  /** All samples without a prompt, in the order of their tasks: unrefined, T=1, unconstrained. */
  readonly unconditional: readonly Judged[];
  /** All samples with a prompt. */
  readonly prompted: readonly Judged[];
  readonly heldOut: HeldOut;
  /**
   * Valid samples that round 0 had: few texts look far away from anything and have few repetitions among them, so divergence and shapes
   * are taken from as many in every round. Undefined or 0: from all.
   */
  readonly baselineCount?: number | undefined;
}

/** Share of samples that are valid; every sample is in the denominator. */
export function validity(judged: readonly Judged[]): Proportion {
  return proportionOf(judged.map(({ evaluation }) => evaluation.valid));
}

export function measurement({ split, unconditional, prompted, heldOut, baselineCount }: MeasurementInput): Measurement {
  const safety = safetyTotals([...unconditional, ...prompted].map(({ evaluation }) => evaluation));
  const disagree = unconditional.filter(({ evaluation }) => evaluation.valid !== evaluation.rulesValid).length;
  return {
    split,
    unconditional: validity(unconditional),
    prompted: validity(prompted),
    rulesGap: unconditional.length === 0 ? 0 : disagree / unconditional.length,
    guards: guards(unconditional, heldOut, baselineCount || undefined),
    ...(Object.keys(safety).length > 0 ? { safety } : {}),
  };
}

/**
 * The guards over unconditional samples, nearly all over the valid ones among them: medians of tokens (end of text included; 0
 * where the writer gives none) and code tokens, shapes, divergence, repeated and similar lines, bytes a code token, Self-BLEU, shares
 * of copies. Entropy is over the tokens of all samples, since it is the policy's, not the valid part's, and so is the share of empty ones.
 */
export function guards(unconditional: readonly Judged[], heldOut: HeldOut, baselineCount?: number): Guards {
  const valid = unconditional.filter(({ evaluation }) => evaluation.valid);
  const evaluations = valid.map(({ evaluation }) => evaluation);
  const share = (of: readonly unknown[], all: readonly unknown[]): number => (all.length === 0 ? 0 : of.length / all.length);
  const code = evaluations.reduce((sum, { counts }) => sum + counts.codeTokens, 0);
  return {
    bitsPerByte: heldOut.bytes === 0 ? 0 : heldOut.bits / heldOut.bytes,
    tokens: median(valid.flatMap(({ sample }) => (sample.tokens ? [sample.tokens.length] : []))),
    codeTokens: median(evaluations.map(({ counts }) => counts.codeTokens)),
    distinctShapes: distinctShapes(evaluations.map(({ shape }) => shape), baselineCount),
    validCount: valid.length,
    divergence: structureDivergence(evaluations.map(({ bigrams }) => bigrams), heldOut.bigrams.slice(0, baselineCount)),
    repeatedLines: repeatedLines(evaluations.map(({ counts }) => ({ lines: counts.lines, share: counts.repeatedLines }))),
    similarLines: mean(evaluations.map(({ counts }) => counts.similarLines)),
    bytesPerCodeToken: code === 0 ? 0 : evaluations.reduce((sum, { counts }) => sum + counts.bytes, 0) / code,
    empty: share(unconditional.filter(({ evaluation }) => evaluation.reason === 'empty'), unconditional),
    copies: share(evaluations.filter(({ copy }) => copy), evaluations),
    renamedCopies: share(evaluations.filter(({ renamed }) => renamed), evaluations),
    selfBleu: selfBleu(valid.map(({ sample }) => bleuTokens(sample.prompt + sample.completion))),
    entropy: sampledEntropy(unconditional.map(({ sample }) => sample.logProbs ?? [])),
  };
}
