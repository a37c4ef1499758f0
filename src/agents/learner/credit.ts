/**
 * From rewards to credit: how much the probability of each token should go up or down. Pure functions over records.
 *
 * - Baselines are taken within bins of samples with about equally many code tokens: p(x | valid) is shorter than p(x), and a
 *   single baseline would reward brevity.
 * - A valid sample's advantage goes to all of its tokens. A failed one is blamed only where it broke: at the first token after
 *   which no continuation compiles, or the one that began the word or the indentation in which it lies. The rest of it may be good code. An empty
 *   one is blamed for its end. The blame is the same for all: a break costs the same wherever it happens, and samples of a bin in which hardly
 *   any is valid have nearly no advantage to lose.
 * - A repair raises its new span, nothing else.
 *
 * Sources: Shao et al., "DeepSeekMath" (2024), eq. 3 for group-relative advantages; the bins and the blame are this project's
 * (docs/decisions).
 */
import type { Judged } from '../../contracts/agents.ts';
import type { TrainSequence } from '../../contracts/model.ts';
import type { Repair, Reward, Sample, Span } from '../../contracts/records.ts';
import { mean } from '../../metrics/index.ts';
import { contextOf, focusOf, textOf } from '../samples.ts';

const NEWLINE = 0x0a, SPACE = 0x20, TAB = 0x09;

/** Reward minus the mean of its bin of code tokens, about `bin` samples, scaled to unit variance over all samples; one number a sample. */
export function advantages(judged: readonly Judged[], rewards: readonly Reward[], bin: number): number[] {
  const order = judged.map((_, i) => i).sort((a, b) => judged[a]!.evaluation.counts.codeTokens - judged[b]!.evaluation.counts.codeTokens || a - b);
  const bins = Math.max(1, Math.round(order.length / bin));
  const result = new Array<number>(judged.length).fill(0);
  for (let i = 0; i < bins; i++) {
    const members = order.slice(Math.floor((i * order.length) / bins), Math.floor(((i + 1) * order.length) / bins));
    const baseline = mean(members.map((member) => rewards[member]!.value));
    for (const member of members) result[member] = rewards[member]!.value - baseline;
  }
  const deviation = Math.sqrt(result.reduce((sum, a) => sum + a * a, 0) / Math.max(1, result.length));
  return deviation === 0 ? result : result.map((a) => a / deviation);
}

export interface CreditOptions {
  /** Blame on the token at which a sample broke, in standard deviations of the advantages. */
  readonly faultWeight: number;
  /** So many tokens before it share the blame, each with half of what the next one has. */
  readonly faultBefore: number;
}

/** Credit of each of a sample's completion tokens. `tokenLengths`: bytes of every token of the vocabulary. */
export function creditOf({ sample, evaluation }: Judged, advantage: number, tokenLengths: readonly number[], options: CreditOptions): number[] {
  const tokens = sample.tokens ?? [];
  if (evaluation.valid) return tokens.map(() => advantage);
  const credit = tokens.map(() => 0);
  // What an empty text did wrong was to end.
  if (evaluation.reason === 'empty') return tokens.map((_, i) => (i === tokens.length - 1 ? -options.faultWeight : 0));
  const text = textOf(sample);
  const place = evaluation.brokenAt ?? focusOf(evaluation)?.span.start;
  if (evaluation.reason === 'truncated' && (evaluation.brokenAt === undefined || evaluation.brokenAt >= Buffer.byteLength(text))) return blameOfRunningOn(tokens, tokenLengths, sample, options);
  if (place === undefined) return credit;
  const given = Buffer.byteLength(contextOf(sample));
  if (place < given) return credit;
  const at = tokenAt(tokens, tokenLengths, causeOf(Buffer.from(text), place) - given);
  for (let back = 0; back <= Math.min(at, options.faultBefore); back++) credit[at - back] = -options.faultWeight * 0.5 ** back;
  return credit;
}

/**
 * Where that began which broke the text at byte `place`: a word that cannot stand there began with its first letter, and what cannot stand behind an indentation
 * with the line's first blank.
 */
function causeOf(text: Buffer, place: number): number {
  let start = place;
  if (inWord(text[start])) while (inWord(text[start - 1])) start--;
  let line = start;
  while (text[line - 1] === SPACE || text[line - 1] === TAB) line--;
  return line < start && text[line - 1] === NEWLINE ? line : start;
}

function inWord(byte: number | undefined): boolean {
  return byte !== undefined && /\w/.test(String.fromCharCode(byte));
}

/**
 * A sample that was cut off could have been completed wherever it was cut; what it did wrong was to go on. The blame of one break is
 * shared by the tokens that begin a line.
 */
function blameOfRunningOn(tokens: readonly number[], tokenLengths: readonly number[], sample: Sample, { faultWeight }: CreditOptions): number[] {
  const written = Buffer.from(textOf(sample)).subarray(Buffer.byteLength(contextOf(sample)));
  let at = 0;
  const begins = tokens.map((token) => {
    const begin = written[at] === NEWLINE;
    at += tokenLengths[token] ?? 0;
    return begin;
  });
  const lines = begins.filter(Boolean).length;
  return begins.map((begin) => (begin ? -faultWeight / lines : 0));
}

/** Index of the token that covers byte `offset`; the last one when the offset lies behind all of them. */
export function tokenAt(tokens: readonly number[], tokenLengths: readonly number[], offset: number): number {
  let end = 0;
  for (const [i, token] of tokens.entries()) {
    end += tokenLengths[token] ?? 0;
    if (offset < end) return i;
  }
  return tokens.length - 1;
}

/** The bytes of `revised` that lie between what it has in common with `parent` at the beginning and, after that, at the end. */
export function differingSpan(parent: Buffer, revised: Buffer): Span {
  const shorter = Math.min(parent.length, revised.length);
  let start = 0;
  while (start < shorter && parent[start] === revised[start]) start++;
  let shared = 0;
  while (shared < shorter - start && parent[parent.length - 1 - shared] === revised[revised.length - 1 - shared]) shared++;
  return { start, end: revised.length - shared };
}

export interface SequenceExtras {
  readonly alternatives?: NonNullable<TrainSequence['alternatives']>;
  /** Weight of each completion token's negative log-likelihood. */
  readonly likelihood?: number;
}

/**
 * The training sequence of a sample: its prompt without credit, its completion with the given one, that of its alternatives and a likelihood of that weight, up to
 * the last token that has any (what follows would only be computed). Null when no token has.
 */
export function sampleSequence({ sample }: Judged, promptTokens: readonly number[], credit: readonly number[], { alternatives = [], likelihood = 0 }: SequenceExtras = {}): TrainSequence | null {
  const furthest = alternatives.reduce((last, { at }) => Math.max(last, at - promptTokens.length), -1);
  const length = likelihood === 0 ? Math.max(furthest, credit.findLastIndex((value) => value !== 0)) + 1 : credit.length;
  if (length === 0) return null;
  const tokens = (sample.tokens ?? []).slice(0, length);
  const prompt = promptTokens.map(() => 0);
  return {
    tokens: [...promptTokens, ...tokens],
    likelihood: [...prompt, ...tokens.map(() => likelihood)],
    credit: [...prompt, ...credit.slice(0, length)],
    oldLogProbs: [...prompt, ...(sample.logProbs ?? []).slice(0, length)],
    ...(alternatives.length > 0 ? { alternatives } : {}),
  };
}

/**
 * The training sequence of a repair: likelihood on the tokens that differ from the parent's text (at least one), nothing on
 * what both share. `tokens` are the ids of the revision's whole text and the end-of-text token.
 */
export function repairSequence(repair: Repair, parentText: string, tokens: readonly number[], tokenLengths: readonly number[], weight: number): TrainSequence {
  const revised = Buffer.from(repair.revision.prompt + repair.revision.completion);
  const parent = Buffer.from(parentText);
  const { start, end } = differingSpan(parent, revised);
  const from = tokenAt(tokens, tokenLengths, start);
  const to = Math.max(from, tokenAt(tokens, tokenLengths, end - 1));
  const used = tokens.slice(0, to + 1);
  return { tokens: used, likelihood: used.map((_, i) => (i >= from ? weight : 0)), credit: used.map(() => 0) };
}
