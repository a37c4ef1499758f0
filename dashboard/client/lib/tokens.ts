/**
 * One sample token by token: what the policy gave each token when it drew it, and what each adds to the discriminator's log-odds. Put
 * together from the tokens' own bytes. Pure.
 */
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
  /** The token that broke the text: no program goes on behind it. */
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

/**
 * Null when the sample's writer gave no tokens (infilled revisions, outside models) or they are not what its text is made of.
 * `vocabulary`: bytes of every token, hexadecimal. Bytes that are not UTF-8 show as they do in the text, as U+FFFD.
 */
export function tokensOf({ sample, critique, brokenAt }: WholeSample, vocabulary: readonly string[]): TokensView | null {
  const { prompt, completion, finish, kept, tokens, logProbs } = sample;
  if (!tokens || !logProbs) return null;
  const text = prompt + completion;
  const context = text.slice(0, kept ?? prompt.length);
  const decoder = new TextDecoder('utf-8', { ignoreBOM: true });
  const texts = tokens.map((id, index) => decoder.decode(bytesOf(vocabulary[id] ?? ''), { stream: index < tokens.length - 1 }));
  if (context + texts.join('') !== text) return null;
  const odds = oddsAlong(critique?.trace);
  let end = byteLength(context);
  const oddsBefore = odds(end);
  let before = oddsBefore;
  const views = tokens.map((id, index): TokenView => {
    const start = end;
    end += byteLength(texts[index]!);
    const after = odds(end);
    const change = after === null || before === null ? null : after - before;
    before = after;
    const logProb = logProbs[index] ?? 0;
    // A text that could have gone on to its end was broken by ending.
    const ended = finish === 'stop' && index === tokens.length - 1;
    const broke = brokenAt !== undefined && start <= brokenAt && (brokenAt < end || ended);
    return { index, id, text: texts[index]!, special: !vocabulary[id], logProb, bits: -logProb / Math.LN2, odds: after, change, broke };
  });
  return { context, tokens: views, oddsBefore };
}

const bytesOf = (digits: string): Uint8Array => Uint8Array.from({ length: digits.length / 2 }, (_, i) => Number.parseInt(digits.slice(2 * i, 2 * i + 2), 16));

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
