/**
 * Texygen's image captions: their two files, words as Texygen's scores see them, and words as the ids that generators are trained on. Not
 * here: how captions are scored (scores.ts).
 *
 * Source: Zhu et al., "Texygen" (2018): 10,000 captions of COCO (Lin et al. 2014) to train on, 10,000 to score against.
 */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import type { EngineOptions } from '../../src/engine/compile.ts';
import type { Tokens } from '../../src/metrics/index.ts';
import { countedTokens } from '../../src/models/recurrent-host.ts';
import type { RecurrentShape } from '../../src/models/recurrent.ts';
import { RandomStream } from '../../src/random/philox.ts';
import type { Course } from '../oracle/generator.ts';
import { UsageError } from '../usage.ts';

export class CocoError extends UsageError {
  override readonly name = 'CocoError';
}

export interface Captions {
  readonly train: readonly Tokens[];
  readonly test: readonly Tokens[];
}

/** Which captions validate is the same for every seed of the generators. */
const DATA_SEED = 1;

export const FILES = { train: 'image_coco.train.txt.gz', test: 'image_coco.test.txt.gz' } as const;

/**
 * Signs that are words of their own, as in NLTK's word_tokenize, through which Texygen scores: points that end a word but not an abbreviation
 * like "u.s.", commas and colons unless a digit follows, quotes, and what an apostrophe contracts. In the files they stick to words.
 */
const SIGNS = /[?!"#$%&()[\]@;]|(?<!\.\w)\.(?=[\s"]|$)|[,:](?!\d)|(?:n't|'(?:s|re|ve|ll|d|m)?)(?=\W|$)|(?<=\s|^)'/g;

/** The words of a line. */
export function wordsOf(line: string): string[] {
  return line.replace(SIGNS, ' $& ').split(/\s+/).filter((word) => word !== '');
}

/** Reads both files of a folder, one caption a line. */
export function readCaptions(folder: string): Captions {
  const missing = Object.values(FILES).filter((file) => !existsSync(join(folder, file)));
  if (missing.length > 0) throw new CocoError(`There is no ${missing.join(' and no ')} in ${folder}. --data is to name a folder with both: Texygen's data/image_coco.txt and data/testdata/test_coco.txt, each compressed with gzip.`);
  const read = (file: string): string[][] => {
    let text: string;
    try {
      text = gunzipSync(readFileSync(join(folder, file))).toString('utf8');
    } catch (error) {
      throw new CocoError(`${join(folder, file)} cannot be decompressed: ${(error as Error).message}.`);
    }
    const captions = text.split('\n').map(wordsOf).filter((words) => words.length > 0);
    if (captions.length === 0) throw new CocoError(`${join(folder, file)} holds no captions.`);
    return captions;
  };
  return { train: read(FILES.train), test: read(FILES.test) };
}

/** The id of the end, and of what precedes a caption's first word. */
const END = 0;
/** The vocabulary is filled up to a multiple of it: sampling adds up probabilities in blocks of a size that divides it. */
const BLOCK = 64;

/** Captions as ids, and a course for generators: the training captions, less those that validate. */
export class CaptionCourse implements Course {
  readonly train: Int32Array;
  readonly validation: Int32Array;
  /** Widths are the recipes'. */
  readonly shape: RecurrentShape;
  readonly #words: readonly string[];

  constructor(readonly engine: EngineOptions, captions: readonly Tokens[], validation: number) {
    if (validation < 1 || validation >= captions.length) throw new RangeError(`${validation} of ${captions.length} captions cannot be held out.`);
    this.#words = [...new Set(captions.flat())].toSorted();
    const length = 1 + Math.max(...captions.map((words) => words.length));
    this.shape = { vocabulary: Math.ceil((this.#words.length + 1) / BLOCK) * BLOCK, embedding: 0, hidden: 0, length, start: END, end: END };
    const ids = new Map(this.#words.map((word, i) => [word, i + 1]));
    const encode = (picked: Uint32Array): Int32Array => {
      const encoded = new Int32Array(picked.length * length).fill(END);
      for (const [row, index] of picked.entries()) encoded.set(captions[index]!.map((word) => ids.get(word)!), row * length);
      return encoded;
    };
    const order = new RandomStream(DATA_SEED, 'coco validation').permutation(captions.length);
    this.validation = encode(order.subarray(0, validation));
    this.train = encode(order.subarray(validation));
  }

  /** The captions of ids. One of the few ids that fill up the vocabulary becomes a word that nobody uses. */
  decode(ids: Int32Array): string[][] {
    const { length } = this.shape;
    return Array.from({ length: ids.length / length }, (_, s) => {
      const row = ids.subarray(s * length, s * length + countedTokens(this.shape, ids, s));
      return Array.from(row.at(-1) === END ? row.subarray(0, -1) : row, (id) => this.#words[id - 1] ?? '\0');
    });
  }
}
