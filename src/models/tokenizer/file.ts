/**
 * tokenizer.json in Hugging Face's form: byte-level BPE behind the cut of pieces.ts. What is written loads in their
 * `tokenizers` library and gives the same ids (which alone would read special tokens out of the text, too). Only files
 * of this cut are read back: another cut would need Oniguruma's whole language.
 */
import { mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { BYTE_CHARACTERS, PIECE_PATTERN } from './pieces.ts';
import { BYTE_IDS, FIRST_MERGE_ID, SPECIAL_TOKENS, Tokenizer, TokenizerError } from './tokenizer.ts';

/** The JSON value of a tokenizer.json; equal tokenizers have equal values, key order included. */
export function tokenizerToJson(tokenizer: Tokenizer): unknown {
  const names = tokenNames(tokenizer);
  return {
    version: '1.0',
    truncation: null,
    padding: null,
    added_tokens: SPECIAL_TOKENS.map((content, id) => ({ id, content, single_word: false, lstrip: false, rstrip: false, normalized: false, special: true })),
    normalizer: null,
    pre_tokenizer: {
      type: 'Sequence',
      pretokenizers: [
        { type: 'Split', pattern: { Regex: PIECE_PATTERN }, behavior: 'Isolated', invert: false },
        { type: 'ByteLevel', add_prefix_space: false, trim_offsets: true, use_regex: false },
      ],
    },
    post_processor: null,
    decoder: { type: 'ByteLevel', add_prefix_space: false, trim_offsets: true, use_regex: false },
    model: {
      type: 'BPE',
      dropout: null,
      unk_token: null,
      continuing_subword_prefix: null,
      end_of_word_suffix: null,
      fuse_unk: false,
      byte_fallback: false,
      ignore_merges: false,
      vocab: Object.fromEntries(names.map((name, id) => [name, id])),
      merges: tokenizer.merges.map(([left, right]) => `${names[left]} ${names[right]}`),
    },
  };
}

/** Names of all tokens in the GPT-2 alphabet, by id. */
function tokenNames(tokenizer: Tokenizer): string[] {
  const names: string[] = [...SPECIAL_TOKENS, ...BYTE_CHARACTERS];
  for (const [left, right] of tokenizer.merges) names.push(names[left]! + names[right]!);
  return names;
}

/** @throws TokenizerError when the value is not a tokenizer that this project wrote. */
export function tokenizerFromJson(json: unknown): Tokenizer {
  const file = json as {
    pre_tokenizer?: { pretokenizers?: { pattern?: { Regex?: string } }[] };
    model?: { type?: string; vocab?: Record<string, number>; merges?: (string | [string, string])[] };
  } | null;
  const { vocab, merges } = file?.model ?? {};
  if (file?.model?.type !== 'BPE' || typeof vocab !== 'object' || !Array.isArray(merges)) {
    throw new TokenizerError('This is not a byte-pair tokenizer.json: it has no model of type BPE with vocab and merges. Train a tokenizer, or choose the tokenizer.json of a run.');
  }
  if (file.pre_tokenizer?.pretokenizers?.[0]?.pattern?.Regex !== PIECE_PATTERN) {
    throw new TokenizerError('This tokenizer.json cuts text in another way than this version does; train the tokenizer again.');
  }
  const base = [...SPECIAL_TOKENS, ...BYTE_CHARACTERS];
  const misplaced = base.find((name, id) => vocab[name] !== id);
  if (misplaced !== undefined || Object.keys(vocab).length !== FIRST_MERGE_ID + merges.length) {
    throw new TokenizerError('This tokenizer.json does not hold the special tokens, the bytes and one token a merge in that order; train the tokenizer again.');
  }
  return new Tokenizer(
    merges.map((merge, index): [number, number] => {
      const [left = '', right = ''] = typeof merge === 'string' ? merge.split(' ') : merge;
      const ids: [number, number] = [vocab[left] ?? -1, vocab[right] ?? -1];
      if (ids[0] < BYTE_IDS || ids[1] < BYTE_IDS || vocab[left + right] !== FIRST_MERGE_ID + index) {
        throw new TokenizerError(`Merge ${index} of this tokenizer.json does not fit its vocabulary; train the tokenizer again.`);
      }
      return ids;
    }),
  );
}

/** Writes tokenizer.json, whole or not at all. */
export function saveTokenizer(tokenizer: Tokenizer, path: string): void {
  mkdirSync(dirname(path), { recursive: true });
  const partial = `${path}.${process.pid}.partial`;
  writeFileSync(partial, JSON.stringify(tokenizerToJson(tokenizer), null, 1));
  renameSync(partial, path);
}

/** @throws TokenizerError when there is no such file or it is not a tokenizer of this project. */
export function loadTokenizer(path: string): Tokenizer {
  let json: unknown;
  try {
    json = JSON.parse(readFileSync(path, 'utf8'));
  } catch (error) {
    throw new TokenizerError(`The tokenizer at ${path} cannot be read (${error instanceof Error ? error.message : String(error)}).`);
  }
  return tokenizerFromJson(json);
}
