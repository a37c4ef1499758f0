/** What agents may ask of an evaluator, and what a user's own evaluator (`--evaluator ./mine.js`) has to offer. */
import type { Evaluation, Span } from './records.ts';

export interface EvaluationRequest {
  /** Echoed in the evaluation. */
  readonly id: string;
  /** Prompt and completion joined. */
  readonly text: string;
  /** Length of the prompt in UTF-16 units; 0 when there is none. */
  readonly promptLength: number;
  /** `length`: the writer was cut off, so the text is invalid, `truncated`. */
  readonly finish: 'stop' | 'length';
  /** Asks for `brokenAt` as well, which takes ten times as long for a text that fails. */
  readonly locate?: boolean;
  /** Asks for `bigramsAt` as well: a walk over the tree, some 40 microseconds for a valid text of 35 nodes. */
  readonly places?: boolean;
  /**
   * Asks for `quality` as well: true with the linter and its findings, which takes 0.2 to 1 ms for a short text, more than all the rest;
   * 'measures' without it (null for what only the linter knows), in some 30 microseconds.
   */
  readonly quality?: boolean | 'measures';
}

/** The same for source that may not be text: bytes are read as UTF-8, and `promptLength` counts units of what they decode to. */
export interface SourceRequest extends Omit<EvaluationRequest, 'text'> {
  readonly text: string | Uint8Array;
}

/** A text that may end, and how many of its characters were given. */
export type Ending = Pick<EvaluationRequest, 'text' | 'promptLength'>;

/** `broken`: no program begins like that. `unfinished`: only one in which the last word, number or operator goes on. `sound`: it may be finished as well. */
export const BEGINNINGS = ['broken', 'unfinished', 'sound'] as const;
export type Beginning = (typeof BEGINNINGS)[number];

export interface Evaluator {
  /** One evaluation a request, in order. Never rejects because of what a text holds. */
  evaluateMany(requests: readonly EvaluationRequest[], signal?: AbortSignal): Promise<Evaluation[]>;
  /**
   * These will be asked of `evaluateMany`, up to their ids: it may begin on them now. What they are is decided by everything else in a request.
   * Never throws; answers do not depend on whether it was called. What is never asked for must not pile up, nor be begun once the signal has aborted.
   */
  anticipate?(requests: readonly EvaluationRequest[], signal?: AbortSignal): void;
  /** Can each text be the beginning of a program, written on right behind its last character? In order. Without it nothing is learned from alternatives. */
  beginnings?(texts: readonly string[], signal?: AbortSignal): Promise<Beginning[]>;
  /** Is each text valid if it ends like this? In order, as `evaluateMany` would say. */
  canEnd?(texts: readonly Ending[], signal?: AbortSignal): Promise<boolean[]>;
  close(): Promise<void>;
}

/** An evaluator that takes bytes as well. */
export interface SourceEvaluator extends Evaluator {
  evaluateMany(requests: readonly SourceRequest[], signal?: AbortSignal): Promise<Evaluation[]>;
}

/** The safety filter over texts that nobody judges: what a corpus reader asks before anything is learned from. */
export interface SafetyScanner {
  scanSafety(texts: readonly string[], signal?: AbortSignal): Promise<Pick<Evaluation, 'safety' | 'findings'>[]>;
}

/** Finds the documents of a corpus file: what a corpus reader asks of the parser. */
export interface DocumentFinder {
  /** Dedented functions and classes that compile by themselves, in source order, with their spans in the file. */
  documents(source: string): Promise<{ readonly text: string; readonly span: Span }[]>;
  /** Of documents that are too long, parts of at most `length` characters that would be documents by themselves: a function's head and statements that follow each other. */
  excerpts(documents: readonly string[], length: number): Promise<string[]>;
}
