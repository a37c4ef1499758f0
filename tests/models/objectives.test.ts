/** Pretraining batches are functions of (seed, step) and show the whole corpus. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { cosineRate, infillSequence, PretrainingBatches } from '../../src/models/objectives.ts';
import type { Packable, PackedRow } from '../../src/models/packing.ts';

const special = { endOfText: 0, prefix: 1, suffix: 2, middle: 3 };
const documents = Array.from({ length: 30 }, (_, i) => Int32Array.from({ length: 3 + (i % 9) }, (_, j) => 10 + i * 20 + j));
const files = [Int32Array.from({ length: 100 }, (_, j) => 1000 + j)];
const options = { seed: 5, batch: 4, length: 16, infillShare: 0, totalSteps: 20 };
const make = (over: Partial<typeof options> = {}, withFiles = true): PretrainingBatches => new PretrainingBatches({ documents, files: withFiles ? files : [] }, special, { ...options, ...over });
const targets = (rows: readonly PackedRow<Packable>[]): number[][] => rows.map((row) => row.flatMap(({ sequence }) => Array.from(sequence.targets)));

describe('batches', () => {
  it('are the same whoever asks, in whatever order', () => {
    const [a, b] = [make(), make()];
    const later = targets(a.rows(17));
    expect(targets(b.rows(3))).toEqual(targets(a.rows(3)));
    expect(targets(b.rows(17))).toEqual(later);
    expect(targets(make({ seed: 6 }).rows(17))).not.toEqual(later);
  });

  it('show every document once in each pass, in an order of its own', () => {
    const batches = make({}, false);
    const rows = batches.documentRows(0, 200);
    const firsts = rows.flat().map(({ sequence }) => sequence.targets[0]!);
    const passes = [firsts.slice(0, 30), firsts.slice(30, 60)];
    for (const pass of passes) expect([...pass].sort((a, b) => a - b)).toEqual(documents.map((document) => document[0]!).sort((a, b) => a - b));
    expect(passes[0]).not.toEqual(passes[1]);
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

  it('takes about its share of the documents', () => {
    const rows = make({ infillShare: 0.5 }, false).documentRows(0, 400).flat();
    const share = rows.filter(({ sequence }) => sequence.targets[0] === special.prefix).length / rows.length;
    expect(share).toBeGreaterThan(0.4);
    expect(share).toBeLessThan(0.6);
  });
});

it('warms up to the peak and falls to a tenth of it', () => {
  const rate = (step: number): number => cosineRate(step, 100, 10, 1);
  expect(rate(0)).toBeCloseTo(0.1);
  expect(rate(9)).toBeCloseTo(1);
  expect(rate(100)).toBeCloseTo(0.1);
  for (let step = 10; step < 100; step++) expect(rate(step + 1)).toBeLessThan(rate(step));
});
