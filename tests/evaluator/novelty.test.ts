/** Novelty: the automaton and the index beside what they stand for, computed by trying everything. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { evaluateTexts, NoveltyIndex, SHARED_RUN } from '../../src/evaluator/index.ts';
import { SuffixAutomaton } from '../../src/evaluator/novelty/automaton.ts';
import { wordsOf } from '../../src/evaluator/novelty/index.ts';
import { tokenize } from '../../src/evaluator/rules/tokens.ts';
import { noveltySummary } from '../../src/metrics/index.ts';

/** Length of the longest run that ends at each place and occurs in the sequence, by trying all. */
function byTrying(sequence: readonly number[], query: readonly number[]): number[] {
  return query.map((_, at) => {
    for (let run = Math.min(at + 1, sequence.length); run > 0; run--) {
      const wanted = query.slice(at + 1 - run, at + 1);
      for (let from = 0; from + run <= sequence.length; from++) if (wanted.every((symbol, i) => sequence[from + i] === symbol)) return run;
    }
    return 0;
  });
}

describe('the suffix automaton', () => {
  const symbols = (most: number, length: number) => fc.array(fc.integer({ min: 0, max: most }), { maxLength: length });

  it('finds the longest run at every place, and where it stands', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 4 }).chain((most) => fc.tuple(symbols(most, 40), symbols(most + 1, 30))), ([sequence, query]) => {
        const runs: number[] = [];
        new SuffixAutomaton(Int32Array.from(sequence)).scan(query, (at, run, end) => {
          runs.push(run);
          if (run > 0) expect(sequence.slice(end + 1 - run, end + 1)).toEqual(query.slice(at + 1 - run, at + 1));
        });
        expect(runs).toEqual(byTrying(sequence, query));
      }),
      { numRuns: 400 },
    );
  });

  it('has at most twice as many states as symbols', () => {
    for (const sequence of [Array.from({ length: 500 }, () => 7), Array.from({ length: 500 }, (_, i) => i % 7), Array.from({ length: 500 }, (_, i) => (i * i) % 11)]) {
      expect(new SuffixAutomaton(Int32Array.from(sequence)).states).toBeLessThanOrEqual(2 * sequence.length);
    }
  });
});

const CORPUS = [
  { name: 'area.py', text: 'def area(radius):\n    """Doc."""\n    return 3.14 * radius * radius\n' },
  { name: 'loop.py', text: 'def loop(items):\n    for item in items:\n        if item.name == "x":\n            print(f"{item.name} {item}")\n            yield item, item.name\n' },
];

describe('the index', () => {
  const index = NoveltyIndex.of(CORPUS);

  it('finds a document whole, whatever its layout and comments', () => {
    const text = 'def area( radius ):  # a comment\n  """Doc."""\n  return (3.14 * radius\n * radius)\n'.replace('(3.14', '3.14').replace('\n * radius)', ' * radius');
    expect(index.noveltyOf(text)).toEqual({ longestRun: 13, longestCharacters: text.trim().length, covered: 1, document: 'area.py' });
  });

  it('sees another name or another string as new', () => {
    const renamed = index.noveltyOf(CORPUS[1]!.text.replaceAll('items', 'things'));
    expect(renamed.longestRun).toBeLessThan(wordsOf(CORPUS[1]!.text, tokenize(CORPUS[1]!.text)).spellings.length);
    expect(index.noveltyOf('"""Doc."""\n').longestRun).toBe(1);
    expect(index.noveltyOf('"""Other."""\n').longestRun).toBe(0);
    expect(index.noveltyOf('f"{item.name} {item}"').longestRun).toBe(1);
    expect(index.noveltyOf('f"{item.name}  {item}"').longestRun).toBe(0);
  });

  it('never joins two documents', () => {
    const [first, second] = CORPUS.map(({ text }) => text) as [string, string];
    const length = (text: string): number => wordsOf(text, tokenize(text)).spellings.length;
    expect(index.noveltyOf(first + second).longestRun).toBe(Math.max(length(first), length(second)));
  });

  it('agrees with trying everything: longest run, its characters, the share covered', () => {
    const word = fc.constantFrom('a', 'b', 'x', '=', '+', '1', '"s"', '(', ')', '# c\n', '\n', ' ');
    const text = fc.array(word, { maxLength: 60 }).map((parts) => parts.join(' '));
    fc.assert(
      fc.property(fc.array(text, { maxLength: 4 }), text, fc.nat(40), (documents, other, cut) => {
        // A piece of a document in the middle, so that long runs happen.
        const query = `${other.slice(0, cut)} ${(documents[0] ?? '').slice(cut)} ${other}`;
        const ids = new Map<string, number>();
        const idsOf = (source: string): number[] => wordsOf(source, tokenize(source)).spellings.map((spelling) => ids.get(spelling) ?? ids.set(spelling, ids.size + 1).get(spelling)!);
        const sequence = documents.flatMap((document) => [...idsOf(document), 0]);
        const { starts, ends } = wordsOf(query, tokenize(query));
        const runs = byTrying(sequence, idsOf(query));
        const longestRun = Math.max(0, ...runs);
        const last = runs.indexOf(longestRun);
        const covered = runs.map((_, place) => runs.some((run, at) => run >= SHARED_RUN && place <= at && place > at - run)).filter(Boolean).length;
        expect(NoveltyIndex.of(documents).noveltyOf(query)).toEqual({
          longestRun, longestCharacters: longestRun === 0 ? 0 : ends[last]! - starts[last - longestRun + 1]!, covered: runs.length === 0 ? 0 : covered / runs.length,
        });
      }),
      { numRuns: 200 },
    );
  });

  it('answers the same out of what it saved, for queries of every kind', () => {
    const restored = NoveltyIndex.restore(structuredClone(index.save()));
    const texts = [...CORPUS.map(({ text }) => text), 'x = radius * radius\n', 'unknown + names\n', ''];
    for (const text of texts.flatMap((one) => texts.map((other) => one + other))) expect(restored.noveltyOf(text)).toEqual(index.noveltyOf(text));
  });

  it('is asked by the evaluator where there is one, and finds the same for texts with faults', () => {
    const [whole, broken] = evaluateTexts([CORPUS[0]!.text, `${CORPUS[0]!.text}x = = 1\n`].map((text, i) => ({ id: String(i), text, promptLength: 0, finish: 'stop' as const })), { novelty: index });
    expect(whole!.novelty).toMatchObject({ longestRun: 13, covered: 1 });
    expect(broken!.novelty).toMatchObject({ longestRun: 13 });
    expect(broken!.novelty!.covered).toBeLessThan(1);
    expect(evaluateTexts([{ id: 'a', text: 'x = y + 1\n', promptLength: 0, finish: 'stop' }])[0]!.novelty).toBeUndefined();
  });

  it('takes an empty corpus and an empty text', () => {
    expect(NoveltyIndex.of([]).noveltyOf('x = 1\n')).toEqual({ longestRun: 0, longestCharacters: 0, covered: 0 });
    expect(index.noveltyOf('')).toEqual({ longestRun: 0, longestCharacters: 0, covered: 0 });
  });
});

describe('the summary of many texts', () => {
  it('joins copies, runs, shapes and Self-BLEU', () => {
    const index = NoveltyIndex.of(CORPUS);
    const texts = [CORPUS[0]!.text, CORPUS[0]!.text, 'def new(thing):\n    return thing.other + 1\n'];
    const evaluations = evaluateTexts(texts.map((text, i) => ({ id: String(i), text, promptLength: 0, finish: 'stop' as const })), { novelty: index });
    const summary = noveltySummary(texts.map((text, i) => ({ text, evaluation: { ...evaluations[i]!, copy: i < 2 } })));
    expect(summary).toMatchObject({ texts: 3, copies: 2 / 3, medianRun: 13, longestRun: 13, distinctShapes: Math.round((2 * 200) / 3) });
    expect(summary.covered).toBeCloseTo(2 / 3);
    expect(summary.selfBleu).toBeGreaterThan(0.6);
    expect(noveltySummary([])).toMatchObject({ texts: 0, copies: 0, longestRun: 0, covered: 0 });
  });
});
