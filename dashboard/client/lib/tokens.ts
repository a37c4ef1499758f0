/**
 * One sample token by token: what the policy gave each token when it drew it, and what each adds to the discriminator's log-odds. Cut out
 * of the sample's text by the tokens' lengths in bytes. Pure.
 */
import { unitAt } from './text.ts';
import type { CritiqueData, OddsTraceData, SampleData } from './views.ts';

export interface TokenView {
  readonly index: number;
  readonly id: number;
  /** What it adds to the text; empty for a special token, and for one that ends within a character (the next one has it whole). */
  readonly text: string;
  /** Adds no bytes: a special token, such as the end of text. */
  readonly special: boolean;
  /** Natural-log probability under the policy when it was drawn, at temperature 1. */
  readonly logProb: number;
  /** Information content, -log2 p. */
  readonly bits: number;
  /** The discriminator's log-odds once everything that begins up to this token's end is there; null where nothing was traced. */
  readonly odds: number | null;
  /** What this token adds to them. */
  readonly change: number | null;
  /** No program continues the text from this token on. */
  readonly broke: boolean;
}

export interface TokensView {
  /** What stood there before the first token was drawn. */
  readonly context: string;
  readonly tokens: readonly TokenView[];
  /** Log-odds before the first token; null where nothing was traced. */
  readonly oddsBefore: number | null;
}

/** The whole records of a sample. */
export interface WholeSample {
  readonly sample: SampleData & { readonly tokens?: readonly number[]; readonly logProbs?: readonly number[] };
  readonly critique: (CritiqueData & { readonly trace?: OddsTraceData }) | null;
  /** UTF-8 offset at which the text broke. */
  readonly brokenAt: number | undefined;
}

/** Null when the sample's writer gave no tokens: infilled revisions and outside models. `lengths`: bytes of every token of the vocabulary. */
export function tokensOf({ sample, critique, brokenAt }: WholeSample, lengths: readonly number[]): TokensView | null {
  const { prompt, completion, kept, tokens, logProbs } = sample;
  if (!tokens || !logProbs) return null;
  const text = prompt + completion;
  const context = text.slice(0, kept ?? prompt.length);
  const odds = oddsAlong(critique?.trace);
  let end = byteLength(context);
  let unit = context.length;
  const oddsBefore = odds(end);
  let before = oddsBefore;
  const lastByte = byteLength(text);
  const views = tokens.map((id, index): TokenView => {
    const start = end;
    const length = lengths[id] ?? 0;
    end += length;
    const from = unit;
    unit = Math.max(unit, unitAt(text, end));
    const after = odds(end);
    const change = after === null || before === null ? null : after - before;
    before = after;
    const logProb = logProbs[index] ?? 0;
    const broke = brokenAt !== undefined && brokenAt < lastByte && start <= brokenAt && brokenAt < end;
    return { index, id, text: text.slice(from, unit), special: length === 0, logProb, bits: -logProb / Math.LN2, odds: after, change, broke };
  });
  return { context, tokens: views, oddsBefore };
}

/** The log-odds once everything that begins before byte `end` is there. Asked with rising ends. */
function oddsAlong(trace: OddsTraceData | undefined): (end: number) => number | null {
  if (!trace) return () => null;
  let next = 0;
  return (end) => {
    while (next < trace.at.length && trace.at[next]! < end) next++;
    return next === 0 ? trace.empty : trace.logOdds[next - 1]!;
  };
}

const encoder = new TextEncoder();
const byteLength = (text: string): number => encoder.encode(text).length;

/** How strongly a token is tinted, in [0, 1]: by its information, full at 8 bits (a probability below 0.4 %). */
export const surpriseTint = ({ bits }: TokenView): number => Math.min(1, bits / 8);

/** In [-1, 1]: the token's change against the largest of its sample, which counts as at least half a nat. */
export function changeTint({ change }: TokenView, tokens: readonly TokenView[]): number {
  const largest = tokens.reduce((most, token) => Math.max(most, Math.abs(token.change ?? 0)), 0.5);
  return (change ?? 0) / largest;
}

/** A token as it is shown where its text cannot be seen: white space by signs. */
export function visible({ text, special, index }: TokenView, count: number): string {
  if (special) return index === count - 1 ? 'end of text' : 'special token';
  if (text === '') return 'part of a character';
  return text.replaceAll(' ', '·').replaceAll('\n', '⏎').replaceAll('\t', '⇥');
}
