/** What the page works out from the log for its panels: guards and alarms, histograms, prompts gained and lost, tokens of a sample. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { alarmLines, boundText, GUARDS, guardRows, meaningOf } from '../../dashboard/client/lib/guards.ts';
import { binEnds, cellsOf, total, usedBins, type Column } from '../../dashboard/client/lib/histograms.ts';
import { RunModel, type View } from '../../dashboard/client/lib/model.ts';
import { addRound, changeOf, mcnemar, NO_PROMPTS, streak } from '../../dashboard/client/lib/prompts.ts';
import { changeTint, surpriseTint, tokensOf, visible, type WholeSample } from '../../dashboard/client/lib/tokens.ts';
import type { WireEvent } from '../../dashboard/protocol.ts';
import { gateBounds } from '../../src/agents/promotion.ts';
import type { Guards } from '../../src/contracts/records.ts';
import { alarmBounds } from '../../src/metrics/index.ts';
import { syntheticLog } from './synthetic.ts';

const NEW = new Set(['vocabulary.ready', 'rewards.counted', 'guards.checked', 'lengths.counted', 'prompts.measured']);

function viewOf(events: readonly WireEvent[]): View {
  const model = new RunModel();
  for (const event of events) model.apply(event);
  return model.view();
}

describe('guards', () => {
  const log = syntheticLog({ start: 0, rounds: 5 });
  const view = viewOf(log);

  it('are all there, with round 0, now, every round between, and the bounds of both splits', () => {
    const rows = guardRows(view.rounds);
    expect(rows.map(({ name }) => name)).toEqual(GUARDS.map(({ name }) => name));
    const { validCount: _count, ...measured } = view.rounds[0]!.row.test.guards;
    expect(rows.map(({ name }) => name).sort()).toEqual(Object.keys(measured).sort());
    const divergence = rows.find(({ name }) => name === 'divergence')!;
    expect([divergence.start, divergence.now]).toEqual([view.rounds[0]!.row.test.guards.divergence, view.rounds[5]!.row.test.guards.divergence]);
    expect(divergence.series.map(({ round, held }) => [round, held === null])).toEqual([[0, true], [1, false], [2, false], [3, false], [4, false], [5, false]]);
    expect(divergence.test).toMatchObject({ now: divergence.now, held: true });
    expect(divergence.gate!.most).toBeLessThan(divergence.test!.most!);
  });

  it('show their values without bounds in a log that was written before there were any', () => {
    const old = viewOf(log.filter(({ type }) => !NEW.has(type)));
    const rows = guardRows(old.rounds);
    expect(rows.map(({ now }) => now)).toEqual(guardRows(view.rounds).map(({ now }) => now));
    expect(rows.every(({ test, gate, series }) => test === null && gate === null && series.every(({ held }) => held === null))).toBe(true);
    expect(guardRows([])).toEqual([]);
  });

  it('say their bounds as people read them', () => {
    const show = (value: number): string => value.toFixed(1);
    expect([boundText({ least: 1 }, show), boundText({ most: 2 }, show), boundText({ least: 1, most: 2 }, show), boundText({}, show), boundText(null, show)]).toEqual(['≥ 1.0', '≤ 2.0', '1.0 to 2.0', '–', '–']);
  });

  it('have a meaning for every alarm that can be raised', () => {
    const guards: Guards = { bitsPerByte: 1, tokens: 1, codeTokens: 1, distinctShapes: 1, validCount: 1, divergence: 1, repeatedLines: 1, similarLines: 0.02, bytesPerCodeToken: 6, empty: 0.02, copies: 1, renamedCopies: 0, selfBleu: 1, entropy: 1 };
    const alarms = [...alarmBounds(guards, guards), ...gateBounds(guards, guards, guards)].map(({ alarm }) => alarm);
    expect(alarms).toHaveLength(21);
    for (const alarm of alarms) expect([alarm, meaningOf(alarm) !== '']).toEqual([alarm, true]);
    expect(meaningOf('of.a.later.version')).toBe('');
  });

  it('gather alarms by kind, the ones raised last first', () => {
    const lines = alarmLines([{ round: 1, alarm: 'a', message: 'x' }, { round: 2, alarm: 'copies', message: 'y' }, { round: 3, alarm: 'copies', message: 'z' }]);
    expect(lines.map(({ alarm, raised }) => [alarm, [...raised]])).toEqual([['copies', [[2, 'y'], [3, 'z']]], ['a', [[1, 'x']]]]);
  });
});

describe('histograms', () => {
  const column = (counts: number[]): Column => ({ label: '', histogram: { from: 10, width: 5, counts }, median: null, note: '' });

  it('are weighed by the share of their column, so that rounds of different size compare', () => {
    const cells = cellsOf([column([1, 3, 0, 0]), column([0, 300, 100, 0])]);
    expect(cells).toEqual([{ column: 0, bin: 0, weight: 1 / 3 }, { column: 0, bin: 1, weight: 1 }, { column: 1, bin: 1, weight: 1 }, { column: 1, bin: 2, weight: 1 / 3 }]);
    expect(usedBins([column([1, 3, 0, 0]), column([0, 3, 1, 0])])).toBe(3);
  });

  it('of nothing are empty, and do not divide by it', () => {
    expect(cellsOf([column([0, 0])])).toEqual([]);
    expect([usedBins([column([0, 0])]), usedBins([]), total(column([0, 0]).histogram)]).toEqual([1, 1, 0]);
  });

  it('know where bins end, but for the last, which holds what lies above', () => {
    const { histogram } = column([1, 2, 3]);
    expect([binEnds(histogram, 0), binEnds(histogram, 2)]).toEqual([{ low: 10, high: 15 }, { low: 20, high: null }]);
  });
});

describe('prompts', () => {
  const round = (number: number, valid: readonly boolean[]) => ({ round: number, results: valid.map((v, i) => ({ taskId: `t${i}`, prompt: `p${i}`, valid: v })) });
  const view = [round(0, [false, true, true, false, false]), round(1, [true, true, false, false, false]), round(2, [true, true, false, false, true])].reduce(addRound, NO_PROMPTS);

  it('are gained and lost against round 0, the steadiest first', () => {
    const change = changeOf(view);
    expect(change.gained.map(({ taskId }) => taskId)).toEqual(['t0', 't4']);
    expect(change.lost.map(({ taskId }) => taskId)).toEqual(['t2']);
    expect([change.kept, change.never]).toEqual([1, 1]);
    expect(change.gained.map(streak)).toEqual([2, 1]);
    expect(change.gained[0]).toMatchObject({ prompt: 'p0', valid: [false, true, true] });
  });

  it('take a round once, and a prompt that some round lacks as not measured', () => {
    expect(addRound(view, round(2, [false, false, false, false, false]))).toBe(view);
    const grown = addRound(view, round(3, [true, true, true, true, true, true]));
    expect(grown.prompts[5]!.valid).toEqual([null, null, null, true]);
    expect(changeOf(grown).gained.map(({ taskId }) => taskId)).not.toContain('t5');
    expect(changeOf(NO_PROMPTS)).toMatchObject({ gained: [], lost: [], kept: 0, never: 0, p: 1 });
  });

  it('are tested as pairs: the exact binomial, two-sided', () => {
    expect(mcnemar(0, 0)).toBe(1);
    expect(mcnemar(5, 5)).toBe(1);
    expect(mcnemar(0, 5)).toBeCloseTo(2 / 32, 12);
    expect(mcnemar(2, 10)).toBeCloseTo((2 * (1 + 12 + 66)) / 4096, 12);
    fc.assert(fc.property(fc.nat(400), fc.nat(400), (a, b) => {
      expect(mcnemar(a, b)).toBeCloseTo(mcnemar(b, a), 10);
      expect(mcnemar(a, b)).toBeGreaterThanOrEqual(0);
      expect(mcnemar(a, b)).toBeLessThanOrEqual(1);
    }));
  });
});

describe('tokens', () => {
  /** Of single bytes, and pairs and triples of letters; the last one is special. */
  const bytes = Array.from({ length: 256 }, (_, byte) => Buffer.from([byte]));
  const pieces = [...bytes, ...['ab', 'cd', 'ef', 'cde', 'def', 'fgh', '\n  '].map((piece) => Buffer.from(piece)), Buffer.alloc(0)];
  const vocabulary = pieces.map((piece) => piece.toString('hex'));
  const end = pieces.length - 1;
  const ids = (...parts: readonly (string | number)[]): number[] => [...parts.map((part) => (typeof part === 'number' ? part : pieces.findIndex((piece) => piece.equals(Buffer.from(part))))), end];
  const whole = (completion: string, tokens: number[], more: Partial<WholeSample['sample']> = {}, rest: Partial<WholeSample> = {}): WholeSample => ({
    sample: { id: 's', kind: 'unconditional', round: 1, attempt: 0, prompt: '', completion, finish: 'stop', tokens, logProbs: tokens.map((_, i) => -i - 1), ...more }, critique: null, brokenAt: undefined, ...rest,
  });

  it('make up the text without losing a character, whatever bytes the policy wrote', () => {
    fc.assert(fc.property(fc.array(fc.nat(pieces.length - 2), { maxLength: 60 }), fc.string({ maxLength: 5 }), (written, prompt) => {
      const completion = new TextDecoder('utf-8', { ignoreBOM: true }).decode(Buffer.concat(written.map((id) => pieces[id]!)));
      const view = tokensOf(whole(completion, [...written, end], { prompt }), vocabulary)!;
      expect(view.context).toBe(prompt);
      expect(view.tokens.map(({ text }) => text).join('')).toBe(completion);
      expect(view.tokens.map(({ id }) => id)).toEqual([...written, end]);
    }));
  });

  it('give what splits a character to the token that ends it, and name what cannot be seen', () => {
    const { tokens } = tokensOf(whole('abé\n  b', ids('ab', 0xc3, 0xa9, '\n  ', 'b')), vocabulary)!;
    expect(tokens.map(({ text }) => text)).toEqual(['ab', '', 'é', '\n  ', 'b', '']);
    expect(tokens.map((token) => visible(token, tokens.length))).toEqual(['ab', 'part of a character', 'é', '⏎··', 'b', 'end of text']);
  });

  it('begin behind the prompt, or behind what a continued revision kept', () => {
    const kept = tokensOf(whole('abcdef', ids('ef'), { prompt: 'xy', kept: 6 }), vocabulary)!;
    expect([kept.context, kept.tokens[0]!.text]).toEqual(['xyabcd', 'ef']);
  });

  it('carry what was recorded: probability, information, and the odds before, after and between', () => {
    const critique = { sampleId: 's', readability: 1, logOdds: 0.5, trace: { empty: -1, at: [0, 2, 5], logOdds: [0, 1, 0.5] } };
    const { oddsBefore, tokens } = tokensOf(whole('cdefgh', ids('c', 'def', 'g', 'h'), { prompt: 'ab' }, { critique }), vocabulary)!;
    expect(oddsBefore).toBe(0);
    expect(tokens.map(({ odds, change }) => [odds, change])).toEqual([[1, 1], [0.5, -0.5], [0.5, 0], [0.5, 0], [0.5, 0]]);
    expect(tokens[0]!.logProb).toBe(-1);
    expect(tokens[0]!.bits).toBeCloseTo(1 / Math.LN2, 12);
    // What all tokens add is what lies between the prompt and the sample's own log-odds.
    expect(oddsBefore! + tokens.reduce((sum, { change }) => sum + change!, 0)).toBeCloseTo(critique.logOdds, 12);
    expect(tokens.map((token) => changeTint(token, tokens))).toEqual([1, -0.5, 0, 0, 0]);
    expect(surpriseTint(tokens[3]!)).toBeCloseTo(4 / Math.LN2 / 8, 12);
  });

  it('mark the token that broke the text: where all of it could be gone on with, the one that ended it', () => {
    const broke = (brokenAt: number | undefined, finish = 'stop'): number[] =>
      tokensOf(whole('abcdef', ids('ab', 'cd', 'ef'), { finish }, { brokenAt }), vocabulary)!.tokens.filter((token) => token.broke).map(({ index }) => index);
    expect([broke(0), broke(3), broke(5), broke(6), broke(6, 'length'), broke(undefined)]).toEqual([[0], [1], [2], [3], [], []]);
  });

  it('are unknown where the writer gave none, and have no odds where nothing was traced', () => {
    const own = whole('ab', ids('ab'));
    const { tokens: _tokens, ...outside } = own.sample;
    expect(tokensOf({ ...own, sample: outside }, vocabulary)).toBeNull();
    expect(tokensOf(whole('other', ids('ab')), vocabulary)).toBeNull();
    expect(tokensOf(own, vocabulary)).toMatchObject({ oddsBefore: null, tokens: [{ odds: null, change: null }, { special: true }] });
  });
});

describe('a GAN from noise', () => {
  it('has its losses and what its discriminator told apart beside the round', () => {
    const log = syntheticLog({ start: 0, rounds: 2 });
    const data = { round: 2, generatorLoss: 0.7, discriminatorLoss: 0.6, realKnown: 0.8, generatedKnown: 0.7, length: 30 };
    const at = log.findIndex(({ type, data: row }) => type === 'round.finished' && (row as { round: number }).round === 2);
    const event = { ...log[at]!, key: 'latent/2', type: 'latent.updated' as const, data };
    const { rounds } = viewOf([...log.slice(0, at), event, ...log.slice(at)].map((one, i) => ({ ...one, seq: i + 1 })));
    expect(rounds.map(({ latent }) => latent)).toEqual([null, null, data]);
  });
});

describe('a log that was written before all this', () => {
  it('gives the page what it gave', () => {
    const log = syntheticLog({ start: 0, rounds: 3 });
    const { corpusTokens: _corpus, ...update } = (log.find(({ type }) => type === 'policy.updated') as Extract<(typeof log)[number], { type: 'policy.updated' }>).data;
    const view = viewOf(log.filter(({ type }) => !NEW.has(type)).map((event) => (event.type === 'policy.updated' ? { ...event, data: update } : event)));
    expect(view.rounds.map(({ round }) => round)).toEqual([0, 1, 2, 3]);
    expect(view.rounds.every(({ gate, test, rewards, update, lengths }) => [gate, test, rewards, update, lengths].every((part) => part === null))).toBe(true);
    expect(view.prompts).toBe(NO_PROMPTS);
    expect(view.run.vocabulary).toBeNull();
    expect(view.samples.length).toBeGreaterThan(0);
  });
});
