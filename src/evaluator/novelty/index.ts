/**
 * How new is a text? The longest run of lexical tokens that it shares with the training corpus word by word, and how much of it lies
 * in such runs. Tokens are compared by their spelling: names, numbers, operators and whole string literals; comments, blank space,
 * indentation and line breaks are not compared, so that moving code about does not make it new. Renaming does: what this cannot
 * see is a copy with other names. Not here: whole copies (copies.ts).
 */
import type { Novelty } from '../../contracts/records.ts';
import { T, tokenize, type Tokens } from '../rules/tokens.ts';
import { SuffixAutomaton, type AutomatonTables } from './automaton.ts';

/** Runs of at least so many tokens count as shared: JPlag's default for Python (Prechelt, Malpohl and Philippsen, 2002, as released). */
export const SHARED_RUN = 12;
/** Largest corpus in tokens; the index takes about 100 bytes for each. */
export const LARGEST_CORPUS = 8_000_000;

/** A corpus document; `name` is what `document` of a result says. */
export type NamedText = string | { readonly name: string; readonly text: string };

export const textOf = (document: NamedText): string => (typeof document === 'string' ? document : document.text);

interface Words {
  /** Spelling of each token. */
  readonly spellings: readonly string[];
  /** UTF-16 offsets of each. */
  readonly starts: readonly number[];
  readonly ends: readonly number[];
}

/** Stands between documents; no query has it. */
const SEPARATOR = 0;
const UNKNOWN = -1;

/** An index as plain data, which `structuredClone` and Node's serialisation take. */
export interface SavedNoveltyIndex {
  /** Spellings in the order of their ids, which begin at 1. */
  readonly spellings: readonly string[];
  readonly names: readonly (string | undefined)[];
  /** Where each document ends in the sequence. */
  readonly ends: readonly number[];
  readonly automaton: AutomatonTables;
}

export class NoveltyIndex {
  readonly #ids: ReadonlyMap<string, number>;
  readonly #automaton: SuffixAutomaton;
  readonly #names: readonly (string | undefined)[];
  readonly #ends: readonly number[];

  private constructor(ids: ReadonlyMap<string, number>, automaton: SuffixAutomaton, names: readonly (string | undefined)[], ends: readonly number[]) {
    this.#ids = ids;
    this.#automaton = automaton;
    this.#names = names;
    this.#ends = ends;
  }

  /** Reads and indexes the corpus: about half a second for a megabyte. @throws RangeError when it is larger than LARGEST_CORPUS. */
  static of(documents: readonly NamedText[]): NoveltyIndex {
    const ids = new Map<string, number>();
    const sequence: number[] = [], ends: number[] = [];
    for (const document of documents) {
      const text = textOf(document);
      for (const spelling of wordsOf(text, tokenize(text)).spellings) {
        let id = ids.get(spelling);
        if (id === undefined) ids.set(spelling, (id = ids.size + 1));
        sequence.push(id);
      }
      sequence.push(SEPARATOR);
      ends.push(sequence.length);
      if (sequence.length > LARGEST_CORPUS) throw new RangeError(`The corpus has more than ${LARGEST_CORPUS} tokens, too many to index; name fewer files.`);
    }
    const names = documents.map((document) => (typeof document === 'string' ? undefined : document.name));
    return new NoveltyIndex(ids, new SuffixAutomaton(Int32Array.from(sequence)), names, ends);
  }

  /** The index that `save` gave, without reading the corpus again. */
  static restore({ spellings, names, ends, automaton }: SavedNoveltyIndex): NoveltyIndex {
    return new NoveltyIndex(new Map(spellings.map((spelling, i) => [spelling, i + 1])), SuffixAutomaton.restore(automaton), names, ends);
  }

  /** About 45 bytes a token. */
  save(): SavedNoveltyIndex {
    return { spellings: [...this.#ids.keys()], names: this.#names, ends: this.#ends, automaton: this.#automaton.tables() };
  }

  /** `tokens`: the text's, where they are known already. Time linear in the text. */
  noveltyOf(text: string, tokens: Tokens = tokenize(text)): Novelty {
    const { spellings, starts, ends } = wordsOf(text, tokens);
    const query = Int32Array.from(spellings, (spelling) => this.#ids.get(spelling) ?? UNKNOWN);
    let longest = 0, last = 0, corpusEnd = 0;
    let covered = 0, coveredTo = 0;
    this.#automaton.scan(query, (at, run, end) => {
      if (run > longest) {
        longest = run;
        last = at;
        corpusEnd = end;
      }
      if (run >= SHARED_RUN) {
        covered += at + 1 - Math.max(coveredTo, at + 1 - run);
        coveredTo = at + 1;
      }
    });
    const document = longest > 0 ? this.#names[this.#documentAt(corpusEnd)] : undefined;
    return {
      longestRun: longest,
      longestCharacters: longest === 0 ? 0 : ends[last]! - starts[last - longest + 1]!,
      covered: query.length === 0 ? 0 : covered / query.length,
      ...(document === undefined ? {} : { document }),
    };
  }

  #documentAt(position: number): number {
    let low = 0, high = this.#ends.length - 1;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.#ends[middle]! > position) high = middle;
      else low = middle + 1;
    }
    return low;
  }
}

/** Names, numbers and operators, and string literals whole (an f-string with all its parts). */
export function wordsOf(text: string, { tokens }: Tokens): Words {
  const spellings: string[] = [], starts: number[] = [], ends: number[] = [];
  const add = (start: number, end: number): void => {
    spellings.push(text.slice(start, end));
    starts.push(start);
    ends.push(end);
  };
  let depth = 0, begin = 0;
  for (const { type, start, end } of tokens) {
    if (type === T.FStart) {
      if (depth++ === 0) begin = start;
    } else if (type === T.FEnd) {
      if (depth > 0 && --depth === 0) add(begin, end);
    } else if (depth === 0 && (type === T.Name || type === T.Number || type === T.String || type === T.Op)) add(start, end);
  }
  return { spellings, starts, ends };
}
