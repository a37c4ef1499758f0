/** Pretraining batches are functions of (seed, step) and show the whole corpus. */
import { createHash } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { cosineRate, infillSequence, maskedSequence, PretrainingBatches } from '../../src/models/objectives.ts';
import { weighTargets, type Packable, type PackedRow } from '../../src/models/packing.ts';

const special = { endOfText: 0, prefix: 1, suffix: 2, middle: 3, mask: 4 };
const documents = Array.from({ length: 30 }, (_, i) => Int32Array.from({ length: 3 + (i % 9) }, (_, j) => 10 + i * 20 + j));
const files = [Int32Array.from({ length: 100 }, (_, j) => 1000 + j)];
const options = { seed: 5, batch: 4, length: 16, infillShare: 0, maskShare: 0, excerptShare: 0.5, totalSteps: 20 };
const make = (over: Partial<typeof options> = {}, withFiles = true): PretrainingBatches => new PretrainingBatches({ documents, files: withFiles ? files : [], excerpts: [] }, special, { ...options, ...over });
const targets = (rows: readonly PackedRow<Packable>[]): number[][] => rows.map((row) => row.flatMap(({ sequence }) => Array.from(sequence.targets)));

describe('batches', () => {
  it('are the same whoever asks, in whatever order', () => {
    const [a, b] = [make(), make()];
    const later = targets(a.rows(17));
    expect(targets(b.rows(3))).toEqual(targets(a.rows(3)));
    expect(targets(b.rows(17))).toEqual(later);
    expect(targets(make({ seed: 6 }).rows(17))).not.toEqual(later);
  });

  it('are the same when an earlier pass is asked for again, however many came between', () => {
    const batches = make({}, false);
    const first = targets(batches.documentRows(0, 10));
    const far = targets(batches.documentRows(500, 10));
    expect(targets(batches.documentRows(0, 10))).toEqual(first);
    expect(targets(make({}, false).documentRows(500, 10))).toEqual(far);
  });

  it('show every document once in each pass, in an order of its own', () => {
    const batches = make({}, false);
    const rows = batches.documentRows(0, 200);
    const firsts = rows.flat().map(({ sequence }) => sequence.targets[0]!);
    const passes = [firsts.slice(0, 30), firsts.slice(30, 60)];
    for (const pass of passes) expect([...pass].sort((a, b) => a - b)).toEqual(documents.map((document) => document[0]!).sort((a, b) => a - b));
    expect(passes[0]).not.toEqual(passes[1]);
  });

  it('in the rounds go on with the documents, and hold excerpts at equal distances, each once before one comes again', () => {
    const excerpts = Array.from({ length: 7 }, (_, i) => Int32Array.of(5000 + 2 * i, 5001 + 2 * i));
    const mixed = (excerptShare: number, ids = excerpts): number[][] =>
      targets(new PretrainingBatches({ documents, files, excerpts: ids }, special, { ...options, excerptShare }).corpusRows(0, 50));
    const isExcerpt = (row: number[]): boolean => row[0]! >= 5000;
    const rows = mixed(0.4);
    for (let from = 0; from < rows.length; from += 5) expect(rows.slice(from, from + 5).filter(isExcerpt)).toHaveLength(2);
    const shown = rows.filter(isExcerpt).flat().filter((id) => id >= 5000);
    for (let pass = 0; (pass + 1) * 14 <= shown.length; pass++) expect(new Set(shown.slice(pass * 14, (pass + 1) * 14)).size).toBe(14);
    const plain = mixed(0);
    expect(rows.filter((row) => !isExcerpt(row))).toEqual(plain.slice(0, 30));
    expect(mixed(0.4, [])).toEqual(plain);
    expect(targets(new PretrainingBatches({ documents, files, excerpts }, special, { ...options, excerptShare: 0.4 }).corpusRows(23, 27))).toEqual(rows.slice(23));
  });

  it('hold windows of files at first and none from three quarters of training on', () => {
    const isFile = (row: number[]): boolean => row[0]! >= 1000;
    expect(targets(make().rows(0)).filter(isFile)).toHaveLength(2);
    expect(targets(make().rows(15)).filter(isFile)).toHaveLength(0);
  });

  it('end every document with end-of-text', () => {
    for (const { sequence } of make({}, false).documentRows(0, 50).flat()) expect(Array.from(sequence.targets).at(-1)).toBe(0);
  });
});

describe('fill-in-the-middle', () => {
  it('loses nothing: prefix, middle and suffix make the document again', () => {
    fc.assert(fc.property(fc.array(fc.integer({ min: 10, max: 99 }), { minLength: 1 }), fc.nat(), fc.nat(), (tokens, a, b) => {
      const [start, end] = [a % (tokens.length + 1), b % (tokens.length + 1)].sort((x, y) => x - y) as [number, number];
      const sequence = Array.from(infillSequence(tokens, start, end, special));
      const [p, s, m] = [special.prefix, special.suffix, special.middle].map((id) => sequence.indexOf(id)) as [number, number, number];
      expect([...sequence.slice(p + 1, s), ...sequence.slice(m + 1, -1), ...sequence.slice(s + 1, m)]).toEqual(tokens);
      expect(sequence.at(-1)).toBe(special.endOfText);
    }));
  });

  it('teaches the middle and its end, and never to write a mark', () => {
    const { batch } = options;
    const rows = make({ infillShare: 0.7, maskShare: 0.2, length: 40 }, false).documentRows(0, batch);
    const weights = new Float32Array(batch * 40);
    weighTargets(rows, 40, weights, 1);
    const marks: number[] = [special.prefix, special.suffix, special.middle, special.mask];
    let seen = 0;
    for (const [r, row] of rows.entries()) for (const { sequence, start } of row) {
      const targets = Array.from(sequence.targets);
      const learned = targets.filter((_, i) => weights[r * 40 + start + i] !== 0);
      expect(learned.filter((target) => marks.includes(target))).toEqual([]);
      if (targets[0] !== special.prefix) continue;
      expect(learned).toEqual(targets.slice(targets.indexOf(special.middle) + 1));
      seen++;
    }
    expect(seen).toBeGreaterThan(5);
  });

  it('takes about its share of the documents', () => {
    const rows = make({ infillShare: 0.5 }, false).documentRows(0, 400).flat();
    const share = rows.filter(({ sequence }) => sequence.targets[0] === special.prefix).length / rows.length;
    expect(share).toBeGreaterThan(0.4);
    expect(share).toBeLessThan(0.6);
  });
});

describe('masked tokens', () => {
  const isMasked = ({ targets }: Packable): boolean => Array.from(targets).includes(special.mask);
  const sequences = (over: Partial<typeof options>, rows = 400): Packable[] => make(over, false).documentRows(0, rows).flat().map(({ sequence }) => sequence);

  it('lose nothing: those after the separator, put back in order, make the document again', () => {
    fc.assert(fc.property(fc.array(fc.tuple(fc.integer({ min: 10, max: 99 }), fc.boolean()), { minLength: 1 }), (drawn) => {
      const tokens = drawn.map(([token]) => token);
      const masked = drawn.flatMap(([, hidden], at) => (hidden ? [at] : []));
      const sequence = Array.from(maskedSequence(tokens, masked, special));
      const separator = sequence.indexOf(special.middle);
      const hidden = sequence.slice(separator + 1, -1);
      expect(hidden).toHaveLength(masked.length);
      expect(sequence.slice(0, separator).map((token) => (token === special.mask ? hidden.shift()! : token))).toEqual(tokens);
      expect(sequence.at(-1)).toBe(special.endOfText);
    }));
  });

  it('take about their share of the documents, and about 15 % of the tokens of each, no others in the next pass than chance has it', () => {
    const all = sequences({ maskShare: 0.5 });
    const masked = all.filter(isMasked);
    expect(masked.length / all.length).toBeGreaterThan(0.4);
    expect(masked.length / all.length).toBeLessThan(0.6);
    const shapes = new Set<string>();
    for (const { targets } of masked) {
      const length = Array.from(targets).indexOf(special.middle);
      const places = Array.from(targets).flatMap((token, at) => (token === special.mask ? [at] : []));
      expect(places).toHaveLength(Math.max(1, Math.round(0.15 * length)));
      if (length === 11) shapes.add(places.join());
    }
    expect(shapes.size).toBeGreaterThan(10);
  });

  it('are learned with end-of-text, and nothing else of their sequence is', () => {
    const length = 40;
    const { batch } = options;
    let seen = 0;
    for (const share of [0, 0.5, 1]) {
      const rows = make({ maskShare: share, length }, false).documentRows(0, batch);
      const weights = new Float32Array(batch * length);
      const learned = weighTargets(rows, length, weights, 0.25);
      const expected = rows.flat().flatMap(({ sequence }) => {
        const all = Array.from(sequence.targets);
        return isMasked(sequence) ? all.slice(all.indexOf(special.middle) + 1) : all;
      });
      const found = rows.flatMap((row, r) => row.flatMap(({ sequence, start }) => Array.from(sequence.targets).filter((_, i) => weights[r * length + start + i] !== 0)));
      expect(found).toEqual(expected);
      expect(weights.reduce((sum, weight) => sum + weight, 0)).toBeCloseTo(0.25 * learned);
      expect(learned).toBe(expected.length);
      if (share > 0) {
        seen += rows.flat().filter(({ sequence }) => isMasked(sequence)).length;
        expect(found).not.toContain(special.mask);
        expect(found).not.toContain(special.middle);
      }
    }
    expect(seen).toBeGreaterThan(5);
  });

  it('leave alone which documents are filled in, and where', () => {
    // Every pass ends with a row of its own, so the first 30 sequences are the first pass.
    const infilled = (maskShare: number): string[] => sequences({ maskShare, length: 40, infillShare: 0.3 }).slice(0, 30).flatMap(({ targets }) => (targets[0] === special.prefix ? [Array.from(targets).join()] : []));
    expect(infilled(0).length).toBeGreaterThan(3);
    expect(infilled(0.5).sort()).toEqual(infilled(0).sort());
  });

  it('are fewer where a row has little room, and none where it has none', () => {
    const plain = sequences({ maskShare: 1, length: 13 }).filter((sequence) => !isMasked(sequence));
    // The longest document has 11 tokens: with [middle] and end-of-text it fills the row.
    expect(new Set(plain.map(({ targets }) => targets.length))).toEqual(new Set([12]));
  });

  it('change nothing where there are none: batches are what they were before there were any', () => {
    const batches = make({ infillShare: 0.5 });
    const shown = Array.from({ length: 30 }, (_, step) => batches.rows(step).map((row) => row.map(({ sequence, start }) => [start, ...Array.from(sequence.ids), ...Array.from(sequence.targets)])));
    expect(createHash('sha256').update(JSON.stringify(shown)).digest('hex').slice(0, 16)).toBe('db88b514634aa757');
  });
});

it('warms up to the peak and falls to a tenth of it', () => {
  const rate = (step: number): number => cosineRate(step, 100, 10, 1);
  expect(rate(0)).toBeCloseTo(0.1);
  expect(rate(9)).toBeCloseTo(1);
  expect(rate(100)).toBeCloseTo(0.1);
  for (let step = 10; step < 100; step++) expect(rate(step + 1)).toBeLessThan(rate(step));
});
