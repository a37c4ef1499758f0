/**
 * What pretraining shows the policy: next-token prediction over whole documents and over windows of whole files,
 * fill-in-the-middle, and masked tokens. A step's batch is a pure function of (seed, step): nothing has to be saved to go on from any step.
 */
import { RandomStream } from '../random/philox.ts';
import { packRows, shifted, type Packable, type PackedRow } from './packing.ts';

export interface SpecialIds {
  readonly endOfText: number;
  readonly prefix: number;
  readonly suffix: number;
  readonly middle: number;
  readonly mask: number;
}

export interface CorpusIds {
  /** Token ids of the training documents, without end-of-text, each shorter than a row. */
  readonly documents: readonly Int32Array[];
  /** Token ids of the training files. */
  readonly files: readonly Int32Array[];
  /** Token ids of parts of longer functions, as documents. */
  readonly excerpts: readonly Int32Array[];
}

/** Files teach names and idioms early; the rounds then ask for documents, so the share of file windows falls to 0 by three quarters. */
const FIRST_FILE_SHARE = 0.6;
const LAST_FILE_PROGRESS = 0.75;
const LONGEST_MIDDLE = 48;
/** [prefix], [suffix] and [middle], which stand before a middle. */
const MARKS = 3;
/** A batch may begin in one and end in the next. */
const EPOCHS_KEPT = 2;
/** Part of a document's tokens that are masked. Source: Devlin et al., "BERT" (2019), section 3.1. */
const MASKED_PART = 0.15;

/**
 * A document rearranged for fill-in-the-middle (prefix, suffix, middle: the order "PSM"): the middle is written last, between
 * two cuts at token boundaries. Only the middle is to be learned: a policy that learns to write [prefix] begins one text in seven with it
 * where a plain one is asked for (docs/decisions/0013). Source: Bavarian et al., "Efficient Training of Language Models to Fill in the Middle" (2022), section 3.
 */
export function infillSequence(tokens: ArrayLike<number>, start: number, end: number, special: SpecialIds): Int32Array {
  const all = Array.from(tokens);
  return Int32Array.from([special.prefix, ...all.slice(0, start), special.suffix, ...all.slice(end), special.middle, ...all.slice(start, end), special.endOfText]);
}

/**
 * A document with masks in place of the tokens at `masked` (ascending positions), and after [middle] those tokens in order: each is
 * predicted from all of the document that is not masked, left and right of it, by a model that reads from left to right. Unlike in
 * BERT's form no output stands at a mask, so one symbol will do for all: the order says which is meant.
 * A fill-in-the-middle sequence begins with [prefix] and holds no [mask], so neither is taken for the other. Only what follows [middle]
 * is to be learned: nothing here teaches the policy to write a [mask].
 * Sources: Raffel et al., "T5" (2020), section 3.1.4 (targets after the corrupted text); Aghajanyan et al., "CM3" (2022), section 2
 * (both in one sequence of a causal decoder).
 */
export function maskedSequence(tokens: ArrayLike<number>, masked: ArrayLike<number>, special: SpecialIds): Int32Array {
  const text = Array.from(tokens);
  const hidden = Array.from(masked, (at) => text[at]!);
  for (const at of Array.from(masked)) text[at] = special.mask;
  return Int32Array.from([...text, special.middle, ...hidden, special.endOfText]);
}

export interface BatchOptions {
  readonly seed: number;
  /** Rows of a step. */
  readonly batch: number;
  /** Tokens of a row. */
  readonly length: number;
  /** Shares of the documents that are rearranged; at most 1 together. The rest is shown as it is. */
  readonly infillShare: number;
  readonly maskShare: number;
  /** Share of the rounds' corpus rows that hold excerpts, where there are any. */
  readonly excerptShare: number;
  readonly totalSteps: number;
}

export class PretrainingBatches {
  readonly #documents: DocumentStream;
  readonly #excerpts: DocumentStream;
  readonly #excerptShare: number;
  readonly #windows: readonly Packable[];

  constructor(
    private readonly corpus: CorpusIds,
    special: SpecialIds,
    private readonly options: BatchOptions,
  ) {
    const { length } = options;
    this.#documents = new DocumentStream(corpus.documents, special, options, '');
    this.#excerpts = new DocumentStream(corpus.excerpts, special, options, 'excerpt ');
    this.#excerptShare = corpus.excerpts.length === 0 ? 0 : options.excerptShare;
    this.#windows = corpus.files.flatMap((file) =>
      Array.from({ length: Math.floor(file.length / length) }, (_, i) => shifted(file.subarray(i * length, (i + 1) * length), special.endOfText)));
  }

  get documents(): readonly Int32Array[] {
    return this.corpus.documents;
  }

  /** Rows of the endless stream of packed documents, from row `from` on. */
  documentRows(from: number, count: number): PackedRow<Packable>[] {
    return Array.from({ length: count }, (_, i) => this.#documents.row(from + i));
  }

  /**
   * Rows of the corpus as the rounds mix it in, from row `from` of that stream on: packed documents, going on where pretraining
   * ends if it takes all its steps, and at equal distances rows of excerpts, without which the policy learns the same documents by heart (docs/decisions/0014).
   * No file windows: they have no end of text, and a policy that sees them in the rounds forgets to end.
   */
  corpusRows(from: number, count: number): PackedRow<Packable>[] {
    const pretrained = this.documentRowsBefore(this.options.totalSteps);
    return Array.from({ length: count }, (_, i) => {
      const excerpts = Math.floor((from + i) * this.#excerptShare);
      const isExcerpt = Math.floor((from + i + 1) * this.#excerptShare) > excerpts;
      return isExcerpt ? this.#excerpts.row(excerpts) : this.#documents.row(pretrained + from + i - excerpts);
    });
  }

  /** Document rows that the first `steps` steps of pretraining use up. */
  documentRowsBefore(steps: number): number {
    let rows = 0;
    for (let step = 0; step < steps; step++) rows += this.options.batch - this.#fileRows(step);
    return rows;
  }

  /** The rows of one step: file windows first, then packed documents. */
  rows(step: number): PackedRow<Packable>[] {
    const { batch, seed } = this.options;
    const fileRows = this.#fileRows(step);
    const random = new RandomStream(seed, 'file-window', step);
    const files = Array.from({ length: fileRows }, (_, i): PackedRow<Packable> => [{ sequence: this.#windows[random.integer(i, this.#windows.length)]!, start: 0 }]);
    return [...files, ...this.documentRows(this.documentRowsBefore(step), batch - fileRows)];
  }

  #fileRows(step: number): number {
    if (this.#windows.length === 0) return 0;
    const progress = step / this.options.totalSteps;
    return Math.floor(this.options.batch * FIRST_FILE_SHARE * Math.max(0, 1 - progress / LAST_FILE_PROGRESS));
  }
}

/** Documents without end, packed into rows: pass after pass over all of them, each in an order of its own. */
class DocumentStream {
  readonly #epochs = new Map<number, PackedRow<Packable>[]>();
  /** Packed rows before each epoch whose rows are known. */
  readonly #starts: number[] = [0];

  /** `name`: before those of its random numbers. */
  constructor(
    private readonly documents: readonly Int32Array[],
    private readonly special: SpecialIds,
    private readonly options: Pick<BatchOptions, 'seed' | 'length' | 'infillShare' | 'maskShare'>,
    private readonly name: string,
  ) {}

  row(index: number): PackedRow<Packable> {
    let epoch = this.#starts.findLastIndex((start) => start <= index);
    for (;;) {
      const rows = this.#epoch(epoch);
      const start = this.#starts[epoch]!;
      if (index < start + rows.length) return rows[index - start]!;
      this.#starts[++epoch] ??= start + rows.length;
    }
  }

  /** One pass over the documents in an order of its own, packed. */
  #epoch(epoch: number): PackedRow<Packable>[] {
    const known = this.#epochs.get(epoch);
    if (known) return known;
    const { seed, length, infillShare, maskShare } = this.options;
    const random = new RandomStream(seed, `${this.name}infill`, epoch);
    const sequences = Array.from(new RandomStream(seed, `${this.name}epoch`, epoch).permutation(this.documents.length), (index, i) => {
      const tokens = this.documents[index]!;
      // One draw decides between all forms: whatever is masked, the same documents are filled in, at the same places.
      const form = random.uniform(3 * i);
      if (form < infillShare && tokens.length + 4 <= length) {
        const size = 1 + random.integer(3 * i + 1, Math.min(LONGEST_MIDDLE, tokens.length));
        const start = random.integer(3 * i + 2, tokens.length - size + 1);
        return { ...shifted(infillSequence(tokens, start, start + size, this.special), this.special.endOfText), learnedFrom: tokens.length - size + MARKS };
      }
      // Room for [middle] and end-of-text besides.
      const hidden = Math.min(Math.max(1, Math.round(MASKED_PART * tokens.length)), length - tokens.length - 2);
      if (form >= infillShare && form < infillShare + maskShare && hidden > 0) {
        const masked = new RandomStream(seed, `${this.name}masked`, epoch, i).permutation(tokens.length).subarray(0, hidden).sort();
        return { ...shifted(maskedSequence(tokens, masked, this.special), this.special.endOfText), learnedFrom: tokens.length + 1 };
      }
      return shifted([...tokens, this.special.endOfText], this.special.endOfText);
    });
    const rows = packRows(sequences, length);
    // Made again if someone goes back: rounds go through a hundred of them.
    const oldest = this.#epochs.keys().next();
    if (this.#epochs.size >= EPOCHS_KEPT && !oldest.done) this.#epochs.delete(oldest.value);
    this.#epochs.set(epoch, rows);
    return rows;
  }
}

/** Linear warm-up, then a cosine down to a tenth. Source: Loshchilov, Hutter, "SGDR" (2017), eq. 5, without restarts. */
export function cosineRate(step: number, totalSteps: number, warmupSteps: number, peak: number): number {
  if (step < warmupSteps) return (peak * (step + 1)) / warmupSteps;
  const progress = Math.min(1, (step - warmupSteps) / Math.max(1, totalSteps - warmupSteps));
  return peak * (0.1 + 0.45 * (1 + Math.cos(Math.PI * progress)));
}
