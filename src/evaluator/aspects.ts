/**
 * What is said of a text beside the verdict: its quality, how new it is, what the safety filter finds. None of it changes whether a
 * text is valid, nor its score. Not here: how each is found (lint/, novelty/, safety/).
 */
import type { EvaluationRequest } from '../contracts/evaluator.ts';
import type { Counts, Evaluation, Finding } from '../contracts/records.ts';
import { assessQuality } from './lint/quality.ts';
import type { NoveltyIndex } from './novelty/index.ts';
import type { RulesReport } from './rules/index.ts';
import type { SafetyFilter } from './safety/index.ts';
import type { SourceText } from './text.ts';

export interface AspectOptions {
  /** Absent: nothing is said of novelty. */
  readonly novelty?: NoveltyIndex;
  /** Absent: nothing is said of safety. */
  readonly safety?: SafetyFilter;
}

export interface Aspects {
  readonly fields: Pick<Evaluation, 'novelty' | 'quality' | 'safety'>;
  readonly findings: readonly Finding[];
}

export function aspectsOf({ text, quality: asked }: EvaluationRequest, place: SourceText, report: RulesReport, counts: Counts, { novelty, safety }: AspectOptions): Aspects {
  const scanned = safety?.scan(text, report.tokens, place);
  const assessed = asked ? assessQuality(place, report, counts, asked === true) : undefined;
  return {
    fields: {
      ...(novelty ? { novelty: novelty.noveltyOf(text, report.tokens) } : {}),
      ...(assessed ? { quality: assessed.quality } : {}),
      ...(scanned?.counts ? { safety: scanned.counts } : {}),
    },
    findings: [...(assessed?.findings ?? []), ...(scanned?.findings ?? [])],
  };
}
