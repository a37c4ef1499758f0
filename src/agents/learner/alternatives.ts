/**
 * What else the policy might have written, and which of it would have broken the text. At every position of a sample, up to where it
 * broke, other tokens are drawn, the unlikely ones more often than the policy would, and the compiler's parser says whether a program can begin like that. A sample
 * breaks at most once; its alternatives show several breaks, each at the very token that made it and none with a text to finish.
 *
 * Many tokens break a text only if the word that they end is finished with them: `in` behind `x = not ` may become `index`. Such a break counts by how often the policy has finished
 * words with those letters (`finishedShares`).
 *
 * Only what breaks is learned from: that a token can stand says nothing about how good it is.
 *
 * Sources: Ciosek, Whiteson, "Expected Policy Gradients" (2018) for credit to actions that were not taken; Welleck et al., "Neural Text
 * Generation with Unlikelihood Training" (2020) for tokens that are to become unlikely. That the compiler names them is this
 * project's (docs/decisions).
 */
import type { Evaluator } from '../../contracts/evaluator.ts';
import type { Alternatives, ModelHost } from '../../contracts/model.ts';
import type { Sample } from '../../contracts/records.ts';
import { contextOf, textOf } from '../samples.ts';

/** A sample, and how many of its tokens are looked at: all up to the one that broke it. */
export interface Probe {
  readonly sample: Sample;
  /** Ids of what stood before the sample's tokens. */
  readonly context: readonly number[];
  readonly count: number;
}

/** A token that might have been written at one position and breaks the text there. */
export interface BreakingAlternative {
  /** Position, counted from the context's first token. */
  readonly at: number;
  readonly token: number;
  readonly logProb: number;
  /** Estimate of the probability that it is written and breaks the text. */
  readonly share: number;
}

export interface AlternativesReport {
  /** One list a probe, by position. */
  readonly breaking: readonly (readonly BreakingAlternative[])[];
  readonly positions: number;
  /** Tokens drawn that were not the sample's own. */
  readonly asked: number;
}

export interface Vocabulary {
  /** Bytes of every token. */
  readonly lengths: readonly number[];
  /** Text of every token; empty where it has none by itself. */
  readonly texts: readonly string[];
  readonly endOfText: number;
}

/** From the bytes of every token, hexadecimal digits as the model host gives them. */
export function vocabularyOf(bytes: readonly string[], endOfText: number): Vocabulary {
  const tokens = bytes.map((digits) => Buffer.from(digits, 'hex'));
  return {
    lengths: tokens.map(({ length }) => length),
    texts: tokens.map((token) => {
      const text = token.toString();
      return text.includes('\ufffd') ? '' : text;
    }),
    endOfText,
  };
}

export interface AlternativesDeps {
  readonly model: Pick<ModelHost, 'alternatives'>;
  readonly parser: Pick<Required<Evaluator>, 'beginnings' | 'canEnd'>;
  readonly vocabulary: Vocabulary;
}

/** Samples whose alternatives are drawn and judged together: the model draws the next while the judges read these. */
const TOGETHER = 64;

export async function breakingAlternatives({ model, parser, vocabulary }: AlternativesDeps, probes: readonly Probe[], request: { readonly key: string; readonly draws: number }, signal?: AbortSignal): Promise<AlternativesReport> {
  const parts: (readonly Probe[])[] = [];
  const finished = finishedShares(probes, vocabulary);
  for (let from = 0; from < probes.length; from += TOGETHER) parts.push(probes.slice(from, from + TOGETHER));
  const reports = await Promise.all(parts.map(async (part, number) => {
    const sequences = part.map(({ sample, context, count }) => ({ tokens: [...context, ...(sample.tokens ?? []).slice(0, count)], from: context.length }));
    const drawn = await model.alternatives({ key: `${request.key}/${number}`, sequences, draws: request.draws });
    signal?.throwIfAborted();
    const questions = drawn.map((alternatives, i) => questionsOf(part[i]!, alternatives, vocabulary));
    const all = questions.flat();
    const [beginnings, endings] = await Promise.all([
      parser.beginnings(all.flatMap(({ text, ends }) => (ends ? [] : [text])), signal),
      parser.canEnd(all.flatMap(({ text, promptLength, ends }) => (ends ? [{ text, promptLength }] : [])), signal),
    ]);
    let begun = 0, ended = 0;
    const breaking = questions.map((asked, i) => asked.flatMap(({ index, text, ends }) => {
      const beginning = ends ? (endings[ended++] ? 'sound' : 'broken') : beginnings[begun++]!;
      const breaks = beginning === 'sound' ? 0 : beginning === 'broken' ? 1 : finished(text);
      return breaks === 0 ? [] : [breakingOf(drawn[i]!, index, breaks)];
    }));
    return { breaking, positions: sequences.reduce((sum, { tokens, from }) => sum + tokens.length - from, 0), asked: all.length };
  }));
  return {
    breaking: reports.flatMap(({ breaking }) => breaking),
    positions: reports.reduce((sum, { positions }) => sum + positions, 0),
    asked: reports.reduce((sum, { asked }) => sum + asked, 0),
  };
}

interface Question {
  /** Of the alternative that it is about. */
  readonly index: number;
  readonly text: string;
  readonly promptLength: number;
  /** The alternative is to end here. */
  readonly ends: boolean;
}

/** What the text would be with each alternative as its last token. Those that are no text by themselves, or follow half a character, are left out. */
function questionsOf({ sample, context }: Probe, { at, tokens }: Alternatives, { lengths, texts, endOfText }: Vocabulary): Question[] {
  const bytes = Buffer.from(textOf(sample));
  const promptLength = sample.prompt.length;
  const ends = [Buffer.byteLength(contextOf(sample))];
  for (const token of sample.tokens ?? []) ends.push(ends.at(-1)! + (lengths[token] ?? 0));
  return tokens.flatMap((token, index): Question[] => {
    const before = bytes.subarray(0, ends[at[index]! - context.length]).toString();
    if (before.endsWith('\ufffd')) return [];
    if (token === endOfText) return [{ index, text: before, promptLength, ends: true }];
    const own = texts[token];
    return own ? [{ index, text: before + own, promptLength, ends: false }] : [];
  });
}

function breakingOf({ at, tokens, shares, logProbs }: Alternatives, index: number, breaks: number): BreakingAlternative {
  return { at: at[index]!, token: tokens[index]!, logProb: logProbs[index]!, share: breaks * shares[index]! };
}

const LAST_WORD = /\w+$/;
/** What goes on with a word: letters, or the string that it is a prefix of. */
const WORD = /^[\w'"]/;

/**
 * Estimate of the share of words that are finished where a token ends, by the letters they have by then, from what the samples hold: half where nothing is known of the letters. What is no word is
 * always finished.
 */
export function finishedShares(probes: readonly Probe[], { texts }: Vocabulary): (text: string) => number {
  const met = new Map<string, { all: number; finished: number }>();
  for (const { sample: { tokens = [] }, count } of probes) {
    let word = '';
    for (const token of tokens.slice(0, count)) {
      const own = texts[token] ?? '';
      const goesOn = WORD.test(own);
      if (word !== '') {
        const seen = met.get(word) ?? { all: 0, finished: 0 };
        met.set(word, { all: seen.all + 1, finished: seen.finished + (goesOn ? 0 : 1) });
      }
      const last = LAST_WORD.exec(own)?.[0] ?? '';
      word = goesOn && last === own ? word + own : last;
    }
  }
  return (text) => {
    const word = LAST_WORD.exec(text)?.[0];
    if (word === undefined) return 1;
    const { all, finished } = met.get(word) ?? { all: 0, finished: 0 };
    return (finished + 0.5) / (all + 1);
  };
}
