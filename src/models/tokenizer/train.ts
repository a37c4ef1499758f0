/**
 * Learns byte-pair merges from texts (Sennrich, Haddow, Birch 2016, on bytes as in Radford et al. 2019). Not here: their use
 * (tokenizer.ts) and how text is cut into pieces (pieces.ts).
 *
 * Every distinct piece is held once with its count, as a linked list of symbols. Each pair of neighbours knows its count and the
 * places where it occurred. A pair's occurrences all come into being when the younger of its two symbols does, and
 * afterwards only vanish; so each pair sits in the heap once, its count there is never too low, and it is set right when
 * the pair comes to the top.
 */
import { Heap } from './heap.ts';
import { pieces } from './pieces.ts';
import { BYTE_IDS, FIRST_MERGE_ID, Tokenizer, TokenizerError } from './tokenizer.ts';

const GONE = -1;
/** Merging a pair that occurs once learns that one place by heart. */
const LEAST_COUNT = 2;

interface Pair {
  readonly left: number;
  readonly right: number;
  count: number;
  /** The count under which it sits in the heap. */
  heapCount: number;
  /** Indices of the left symbol; those that no longer hold the pair are passed over. */
  places: number[];
}

/**
 * Trains a byte-level BPE of at most `vocabulary` tokens: 5 special ones, 256 bytes, and merges, most frequent pair first, ties to
 * the smaller ids. There are fewer where no pair occurs twice. The same texts give the same tokenizer, in any order of texts.
 *
 * @throws TokenizerError when `vocabulary` is not in [261, 65536].
 */
export function trainTokenizer(texts: Iterable<string>, vocabulary: number): Tokenizer {
  if (!Number.isInteger(vocabulary) || vocabulary < FIRST_MERGE_ID || vocabulary > 65536) {
    throw new TokenizerError(`A vocabulary of ${vocabulary} is out of range: choose a whole number from ${FIRST_MERGE_ID} (bytes and special tokens) to 65536.`);
  }
  const counts = new Map<string, number>();
  for (const text of texts) for (const piece of pieces(text)) counts.set(piece, (counts.get(piece) ?? 0) + 1);
  return new Tokenizer(learnMerges(counts, vocabulary - FIRST_MERGE_ID));
}

function learnMerges(counts: ReadonlyMap<string, number>, limit: number): [number, number][] {
  const encoder = new TextEncoder();
  const words = [...counts].map(([piece, count]) => ({ bytes: encoder.encode(piece), count })).filter(({ bytes }) => bytes.length > 1);
  const size = words.reduce((sum, { bytes }) => sum + bytes.length, 0);
  const symbols = new Int32Array(size);
  const weights = new Int32Array(size);
  const previous = new Int32Array(size);
  const next = new Int32Array(size);
  let at = 0;
  for (const { bytes, count } of words) {
    const start = at;
    for (const byte of bytes) {
      symbols[at] = BYTE_IDS + byte;
      weights[at] = count;
      previous[at] = at > start ? at - 1 : GONE;
      next[at] = at + 1 < start + bytes.length ? at + 1 : GONE;
      at++;
    }
  }

  const pairs: Pair[] = [];
  const byKey = new Map<number, number>();
  /** Counts an occurrence and returns the pair's index. */
  const add = (place: number): number => {
    const left = symbols[place]!;
    const right = symbols[next[place]!]!;
    const key = left * 65536 + right;
    let index = byKey.get(key);
    if (index === undefined) {
      index = pairs.length;
      byKey.set(key, index);
      pairs.push({ left, right, count: 0, heapCount: 0, places: [] });
    }
    const pair = pairs[index]!;
    pair.count += weights[place]!;
    pair.places.push(place);
    return index;
  };
  const remove = (left: number, right: number, weight: number): void => {
    const index = byKey.get(left * 65536 + right);
    if (index !== undefined) pairs[index]!.count -= weight;
  };

  const heap = new Heap((a, b) => {
    const p = pairs[a]!, q = pairs[b]!;
    return p.heapCount !== q.heapCount ? p.heapCount > q.heapCount : p.left !== q.left ? p.left < q.left : p.right < q.right;
  });
  const enter = (index: number): void => {
    const pair = pairs[index]!;
    pair.heapCount = pair.count;
    if (pair.count >= LEAST_COUNT) heap.push(index);
  };

  for (let place = 0; place < size; place++) if (next[place] !== GONE) add(place);
  for (let index = 0; index < pairs.length; index++) enter(index);

  const merges: [number, number][] = [];
  const spellings = Array.from({ length: FIRST_MERGE_ID }, (_, id) => (id < BYTE_IDS ? '' : String.fromCharCode(id - BYTE_IDS)));
  const spelled = new Set(spellings);
  while (merges.length < limit) {
    const index = heap.pop();
    if (index === undefined) break;
    const pair = pairs[index]!;
    if (pair.count !== pair.heapCount) {
      enter(index);
      continue;
    }
    const { left, right } = pair;
    // Two ways to one string (`ab c`, `a bc`) would be two ids of one token: the first way stays the only one.
    const spelling = spellings[left]! + spellings[right]!;
    if (spelled.has(spelling)) continue;
    spelled.add(spelling);
    spellings.push(spelling);
    const merged = FIRST_MERGE_ID + merges.length;
    merges.push([left, right]);
    const firstNew = pairs.length;
    // Left to right within a piece, so that `aaa` becomes `aa a`.
    const places = pair.places.sort((a, b) => a - b);
    pair.places = [];
    for (const place of places) {
      const second = next[place]!;
      if (symbols[place] !== left || second === GONE || symbols[second] !== right) continue;
      const weight = weights[place]!;
      const before = previous[place]!;
      const after = next[second]!;
      if (before !== GONE) remove(symbols[before]!, left, weight);
      if (after !== GONE) remove(right, symbols[after]!, weight);
      symbols[place] = merged;
      symbols[second] = GONE;
      next[place] = after;
      if (after !== GONE) previous[after] = place;
      if (before !== GONE) add(before);
      if (after !== GONE) add(place);
    }
    pair.count = 0;
    for (let created = firstNew; created < pairs.length; created++) enter(created);
  }
  return merges;
}
