/**
 * The task family of this project: write a Python function or class, from nothing or from the head of a real one.
 * Tasks are drawn by counter: the same arguments give the same tasks. Not here: sampling and judging.
 */
import type { Document, Split, Task } from '../contracts/records.ts';
import { RandomStream } from '../random/philox.ts';
import { PROMPT_KINDS, promptEnds, type PromptKind } from './prompts.ts';

export interface PromptOptions {
  /** Longest prompt, in tokens. */
  readonly maxPromptTokens: number;
  /** Tokens of a text, as the policy's tokenizer counts them. */
  readonly countTokens: (text: string) => number;
}

/**
 * The round as it counts for a split: gate and test have the same tasks in every round, so that rounds are compared on the
 * same ground; training has new ones.
 */
const roundOf = (split: Split, round: number): string => (split === 'train' ? `/r${round}` : '');

/** `count` tasks without a prompt. Ids are unique over splits and, for train, over rounds. */
export function unconditionalTasks(split: Split, round: number, count: number): Task[] {
  return Array.from({ length: count }, (_, i): Task => ({ id: `${split}${roundOf(split, round)}/unconditional/${i}`, split, kind: 'unconditional', prompt: '' }));
}

/**
 * `count` tasks whose prompts are heads of documents of `split`; the kinds (docstring, lines, signature) take turns, so that
 * they are a third each unless one runs out. Documents come in an order drawn for (seed, split, round); one that has served
 * serves again, with another prompt, only when no fresh one has the kind. Only when every prompt of every kind has been used
 * are prompts repeated. Empty when no document of the split has a prompt.
 */
export function promptedTasks(documents: readonly Document[], split: Split, round: number, count: number, seed: number, options: PromptOptions): Task[] {
  const random = new RandomStream(seed, 'tasks', `${split}${roundOf(split, round)}`);
  const own = documents.filter((document) => document.split === split);
  const order = Array.from(random.permutation(own.length), (index) => own[index]!);
  /** Positions below own.length have served the permutation. */
  let position = own.length;
  const tasks: Task[] = [];
  while (tasks.length < count) {
    const before = tasks.length;
    const deck = new PromptDeck(order, options);
    for (let turn = 0, missed = 0; tasks.length < count && missed < PROMPT_KINDS.length; turn++) {
      const kind = PROMPT_KINDS[turn % PROMPT_KINDS.length]!;
      const prompt = deck.draw(kind, (bound) => random.integer(position++, bound));
      missed = prompt === undefined ? missed + 1 : 0;
      if (prompt !== undefined) tasks.push({ id: `${split}${roundOf(split, round)}/${kind}/${tasks.length}`, split, kind, prompt });
    }
    if (tasks.length === before) break;
  }
  return tasks;
}

/** How often a document may have served to be drawn again: first never, then once, then as often as it has prompts. */
const MOST_USES = [0, 1, Infinity] as const;

interface Cursor {
  /** Index into MOST_USES. */
  pass: number;
  /** Next document to look at. */
  at: number;
  /** Whether this pass has found a prompt. */
  found: boolean;
  exhausted: boolean;
}

/** Every prompt of some documents, each to be drawn once. A document is read only when its turn comes. */
class PromptDeck {
  readonly #left: (Record<PromptKind, number[]> | undefined)[] = [];
  readonly #uses: number[];
  readonly #cursors: Readonly<Record<PromptKind, Cursor>>;

  constructor(
    private readonly order: readonly Document[],
    private readonly options: PromptOptions,
  ) {
    this.#uses = order.map(() => 0);
    const start = (): Cursor => ({ pass: 0, at: 0, found: false, exhausted: false });
    this.#cursors = { docstring: start(), lines: start(), signature: start() };
  }

  /** A prompt of the kind, or undefined when none is left. `integer(bound)` draws one of `bound`. */
  draw(kind: PromptKind, integer: (bound: number) => number): string | undefined {
    const cursor = this.#cursors[kind];
    while (!cursor.exhausted) {
      while (cursor.at < this.order.length) {
        const index = cursor.at++;
        if (this.#uses[index]! > MOST_USES[cursor.pass]!) continue;
        const ends = this.#ends(index)[kind];
        if (ends.length === 0) continue;
        const [end] = ends.splice(integer(ends.length), 1);
        this.#uses[index]!++;
        cursor.found = true;
        return this.order[index]!.text.slice(0, end);
      }
      // The last pass is repeated, for documents with several prompts of a kind, until it finds nothing.
      if (cursor.pass < MOST_USES.length - 1) cursor.pass++;
      else if (!cursor.found) cursor.exhausted = true;
      cursor.at = 0;
      cursor.found = false;
    }
    return undefined;
  }

  /** Where the document's unused prompts end. */
  #ends(index: number): Record<PromptKind, number[]> {
    const known = this.#left[index];
    if (known) return known;
    const { text } = this.order[index]!;
    const { countTokens, maxPromptTokens } = this.options;
    const ends = promptEnds(text);
    const short = (kind: PromptKind): number[] => ends[kind].filter((end) => countTokens(text.slice(0, end)) <= maxPromptTokens);
    return (this.#left[index] = { docstring: short('docstring'), lines: short('lines'), signature: short('signature') });
  }
}
