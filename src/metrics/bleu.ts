/**
 * BLEU of tokenised texts, one text at a time, all orders at once: against references that are counted once, or of each text against
 * all the others (Self-BLEU). Not here: what a token is, and how many texts are taken.
 *
 * BLEU-n is the geometric mean of the clipped precisions of 1- to n-grams, times the brevity penalty; a precision whose numerator is 0
 * counts as if it were 0.1. The most often any reference has an n-gram is counted once for all hypotheses; for Self-BLEU the two
 * largest counts are kept, so that the text itself can be left out. Either way the cost is linear in the tokens.
 *
 * Sources: Papineni et al., "BLEU" (2002); smoothing method 1 of Chen and Cherry, "A systematic comparison of smoothing techniques for
 * sentence-level BLEU" (2014); Zhu et al., "Texygen" (2018), for Self-BLEU.
 */

const EPSILON = 0.1;

export type Tokens = readonly string[];

/** The most often one text has an n-gram, which text that is, and the most often any other has it. */
interface Largest {
  owner: number;
  most: number;
  second: number;
}

/** Counts of n-grams, n = 1 to `orders`; a gram is its tokens joined by NUL. */
function ngramCounts(tokens: Tokens, orders: number): ReadonlyMap<string, number>[] {
  return Array.from({ length: orders }, (_, index) => {
    const counts = new Map<string, number>();
    for (let i = 0; i + index < tokens.length; i++) {
      const gram = index === 0 ? tokens[i]! : tokens.slice(i, i + index + 1).join('\0');
      counts.set(gram, (counts.get(gram) ?? 0) + 1);
    }
    return counts;
  });
}

/** Texts to compare with, counted once. */
export class BleuReferences {
  readonly #largest: readonly Map<string, Largest>[];
  /** How many texts there are of each length. */
  readonly #lengths = new Map<number, number>();

  constructor(private readonly texts: readonly Tokens[], private readonly orders: number) {
    this.#largest = Array.from({ length: orders }, () => new Map<string, Largest>());
    for (const [owner, text] of texts.entries()) {
      this.#lengths.set(text.length, (this.#lengths.get(text.length) ?? 0) + 1);
      for (const [index, grams] of ngramCounts(text, orders).entries()) {
        const known = this.#largest[index]!;
        for (const [gram, count] of grams) {
          const entry = known.get(gram);
          if (!entry) known.set(gram, { owner, most: count, second: 0 });
          else if (count > entry.most) {
            entry.second = entry.most;
            entry.most = count;
            entry.owner = owner;
          } else if (count > entry.second) entry.second = count;
        }
      }
    }
  }

  /** BLEU-1 to BLEU-`orders` of a text, in [0, 1]. All 0 when there is no reference or no common word. */
  score(text: Tokens): number[] {
    return this.#score(text, -1);
  }

  /** The same of each of the texts against all the others. All 0 for fewer than two texts. */
  selfScores(): number[][] {
    return this.texts.map((text, index) => this.#score(text, index));
  }

  /** Against all texts but number `without`. */
  #score(text: Tokens, without: number): number[] {
    const scores = new Array<number>(this.orders).fill(0);
    const nearest = this.#nearestLength(text.length, without >= 0);
    if (nearest === null) return scores;
    // 1 when the text is longer.
    const brevity = text.length > nearest ? 1 : Math.exp(1 - nearest / text.length);
    let logSum = 0;
    for (const [index, grams] of ngramCounts(text, this.orders).entries()) {
      let matches = 0, all = 0;
      for (const [gram, count] of grams) {
        const entry = this.#largest[index]!.get(gram);
        if (entry) matches += Math.min(count, entry.owner === without ? entry.second : entry.most);
        all += count;
      }
      if (index === 0 && matches === 0) return scores;
      logSum += Math.log((matches === 0 ? EPSILON : matches) / Math.max(1, all));
      scores[index] = brevity * Math.exp(logSum / (index + 1));
    }
    return scores;
  }

  /** The length of the reference nearest in length, the shorter of two; one text of this very length is not counted if `butOne`. */
  #nearestLength(length: number, butOne: boolean): number | null {
    let nearest: number | null = null;
    for (const [other, count] of this.#lengths) {
      if (butOne && other === length && count === 1) continue;
      const better = nearest === null ? -1 : Math.abs(other - length) - Math.abs(nearest - length);
      if (better < 0 || (better === 0 && other < nearest!)) nearest = other;
    }
    return nearest;
  }
}
