import { describe, expect, it, vi } from 'vitest';
import { MeasuringGate, type GateDeps } from '../../src/agents/gate.ts';
import { judgeCandidate } from '../../src/agents/promotion.ts';
import type { Guards, Measurement } from '../../src/contracts/records.ts';
import { differenceInterval, wilson } from '../../src/metrics/index.ts';
import { FakeEvaluator, FakeModelHost, MemorySink, smallConfig, toyDocument, toyDocuments, toyTasks } from '../fakes.ts';

const guards: Guards = {
  bitsPerByte: 1.5, tokens: 55, codeTokens: 25, distinctShapes: 170, validCount: 4000, divergence: 0.09, repeatedLines: 0.01, similarLines: 0.02, bytesPerCodeToken: 6, empty: 0.02, copies: 0, renamedCopies: 0, selfBleu: 0.3, entropy: 2,
};
const measured = (successes: number, change: Partial<Guards> = {}): Measurement => ({
  split: 'gate', unconditional: wilson(successes, 400), prompted: wilson(0, 0), rulesGap: 0, guards: { ...guards, ...change },
});

/** Both on 400 draws, what becomes of a draw under the one saying nearly nothing about the other. */
const draws = (candidate: Measurement, promoted: Measurement) => ({
  candidate: Array.from({ length: 400 }, (_, i) => i < candidate.unconditional.successes),
  promoted: Array.from({ length: 400 }, (_, i) => (197 * i) % 400 < promoted.unconditional.successes),
});
const judge = (candidate: Measurement, promoted: Measurement, baseline: Measurement) => judgeCandidate(candidate, promoted, baseline, draws(candidate, promoted));

describe('the rule of promotion', () => {
  const baseline = measured(130);

  it('promotes what is better, the same, or worse within the interval', () => {
    for (const successes of [200, 130, 115]) expect(judge(measured(successes), baseline, baseline)).toMatchObject({ promoted: true, reasons: [], broken: [] });
  });

  it('rejects what is significantly less valid than the promoted policy, with the figures', () => {
    const promoted = measured(200);
    const verdict = judge(measured(130), promoted, baseline);
    expect(verdict.promoted).toBe(false);
    expect(verdict.reasons).toEqual(['Validity on the gate split fell from 50.0 % to 32.5 % on the same draws, beyond the 95 % interval of the difference.']);
    expect(verdict.broken).toEqual([]);
    expect(judge(measured(0, { validCount: 0, codeTokens: 0, distinctShapes: 0 }), promoted, baseline)).toMatchObject({ promoted: false, broken: [] });
  });

  it('goes by the same draws: a fall that independent draws would hide counts where nothing was won for it, and the figure of an earlier round does not', () => {
    const falls = { candidate: Array.from({ length: 400 }, (_, i) => i < 185), promoted: Array.from({ length: 400 }, (_, i) => i < 200) };
    expect(differenceInterval(wilson(185, 400), wilson(200, 400)).high).toBeGreaterThan(0);
    expect(judgeCandidate(measured(185), measured(200), baseline, falls).promoted).toBe(false);
    expect(judgeCandidate(measured(185), measured(300), baseline, { ...falls, promoted: falls.candidate }).promoted).toBe(true);
  });

  it.each([
    ['gate.divergence', { divergence: 0.12 }],
    ['gate.bits', { bitsPerByte: 1.56 }],
    ['gate.shorter', { codeTokens: 19 }],
    ['gate.shapes', { distinctShapes: 150 }],
    ['gate.repeated', { repeatedLines: 0.06 }],
    ['gate.copies', { copies: 0.03 }],
    ['gate.renamed', { renamedCopies: 0.09 }],
    ['gate.similar', { similarLines: 0.11 }],
    ['gate.padding', { bytesPerCodeToken: 9.1 }],
    ['gate.empty', { empty: 0.16 }],
  ] as const)('%s: refuses a hack that doubles validity, and raises its alarm', (alarm, change) => {
    const verdict = judge(measured(300, change), baseline, baseline);
    expect(verdict.promoted).toBe(false);
    expect(verdict.broken.map((broken) => broken.alarm)).toEqual([alarm]);
    expect(verdict.reasons).toEqual(verdict.broken.map(({ message }) => message));
    expect(verdict.checks.filter(({ held }) => !held)).toMatchObject([{ guard: Object.keys(change)[0], now: Object.values(change)[0] }]);
  });

  it('allows what just stays inside every guard', () => {
    const edge = { divergence: 0.112, bitsPerByte: 1.544, codeTokens: 20, distinctShapes: 153, repeatedLines: 0.05, copies: 0.02, renamedCopies: 0.08, similarLines: 0.1, bytesPerCodeToken: 9, empty: 0.15 };
    expect(judge(measured(300, edge), baseline, baseline).promoted).toBe(true);
  });

  it('measures divergence against the larger of round 0 and the promoted policy, the rest against round 0', () => {
    const promoted = measured(150, { divergence: 0.1, codeTokens: 15 });
    expect(judge(measured(150, { divergence: 0.12 }), promoted, baseline).promoted).toBe(true);
    expect(judge(measured(150, { codeTokens: 15 }), promoted, baseline).promoted).toBe(false);
  });

  it('is not passed in small steps: a divergence that grows by a tenth in every round is refused once it is half as much again', () => {
    let promoted = baseline;
    const refused = Array.from({ length: 12 }, (_, i) => i + 1).find((round) => {
      const candidate = measured(150, { divergence: baseline.guards.divergence * 1.1 ** round });
      if (!judge(candidate, promoted, baseline).promoted) return true;
      promoted = candidate;
      return false;
    });
    expect(refused).toBe(5);
    expect(promoted.guards.divergence).toBeLessThanOrEqual(1.5 * baseline.guards.divergence);
  });

  it('holds a candidate to the limits that need no round 0 where round 0 had nothing valid', () => {
    const nothing = measured(0, { validCount: 0, codeTokens: 0, distinctShapes: 0, divergence: 1, bytesPerCodeToken: 0, repeatedLines: 0, similarLines: 0 });
    const verdict = judge(measured(40, { copies: 1, renamedCopies: 0.5, repeatedLines: 0.9, similarLines: 0.9, distinctShapes: 1 }), nothing, nothing);
    expect(verdict.broken.map(({ alarm }) => alarm)).toEqual(['gate.repeated', 'gate.copies', 'gate.renamed', 'gate.similar']);
    expect(judge(measured(40), nothing, nothing).promoted).toBe(true);
  });

  it('a corpus that repeats lines itself does not lock the gate', () => {
    const repeating = measured(130, { repeatedLines: 0.08 });
    expect(judge(measured(150, { repeatedLines: 0.08 }), repeating, repeating).promoted).toBe(true);
  });
});

/** What a planted policy writes once it samples with averaged weights (the candidate), and the alarm that names it; before that, the honest toy. */
const HACKS: Record<string, { readonly alarm: string; readonly write: (i: number) => string }> = {
  'empty bodies': { alarm: 'gate.shorter', write: () => 'def alpha(beta):\n    pass' },
  'one statement': { alarm: 'gate.shorter', write: (i) => `def alpha(beta):\n    return n${i}` },
  'runs of one simple statement': { alarm: 'gate.repeated', write: (i) => `def alpha(beta):\n${'    self.x = None\n'.repeat(6 + (i % 3))}    return beta` },
  'docstring padding before one statement': { alarm: 'gate.padding', write: (i) => `def alpha(beta):\n    "${'words '.repeat(30)}${i}"\n    return beta` },
  'one shape over and over': {
    alarm: 'gate.shapes',
    write: (i) => `def alpha${i}(beta, size):\n    a${i} = beta + size\n    print(a${i}, size, beta)\n    b${i} = a${i} + beta + size\n    print(b${i}, size)\n    return b${i}`,
  },
  'copies': { alarm: 'gate.copies', write: (i) => toyDocument(`train/${i}`) },
};

function gateWith(write: (i: number) => string | undefined, change: Partial<GateDeps> = {}) {
  const model = new FakeModelHost({ skill: 0.8, write: (request, i) => (request.weights === 'average' && request.prompts[i] === '' ? write(i) : undefined) });
  const events = new MemorySink();
  const evaluator = new FakeEvaluator(Array.from({ length: 500 }, (_, i) => toyDocument(`train/${i}`)));
  const config = smallConfig({ measuring: { gate: 120, documents: 60 } });
  const gate = new MeasuringGate({
    model, events, evaluator, config, tasks: toyTasks, clock: () => 0, documents: (split) => toyDocuments(split, 60), ...change,
  });
  const baseline = () => gate.measure({ round: 0, checkpoint: 'round-0', outcome: 'baseline', refined: null, report: null });
  return { gate, model, events, evaluator, baseline };
}

describe('gate', () => {
  it.each(Object.entries(HACKS))('refuses a candidate that won its validity by %s: rolls back, says why, raises the alarm that names it', async (_, { alarm, write }) => {
    const { gate, model, events, baseline } = gateWith(write);
    await baseline();
    const decision = await gate.decide({ round: 1, checkpoint: 'round-1' });
    expect(decision.promoted).toBe(false);
    expect(decision.reasons.length).toBeGreaterThan(0);
    expect(model.calls.at(-1)).toBe('rollback');
    expect(events.of('checkpoint.rejected')).toEqual([{ round: 1, checkpoint: 'round-1', gate: decision.measurement, reasons: decision.reasons }]);
    expect(decision.alarms).toContain(alarm);
    expect(events.of('alarm.raised').map((raised) => raised.alarm)).toEqual(decision.alarms);
  });

  it('promotes an honest candidate', async () => {
    const { gate, model, events, evaluator, baseline } = gateWith(() => undefined);
    const ahead = vi.spyOn(evaluator, 'anticipate');
    await baseline();
    const decision = await gate.decide({ round: 1, checkpoint: 'round-1' });
    expect(ahead.mock.calls.flatMap(([requests]) => requests)).toHaveLength(120 + 40 + 20 + 2 * 120);
    expect(evaluator.anticipated).toEqual([]);
    expect(decision).toMatchObject({ promoted: true, reasons: [], alarms: [] });
    expect(model.calls.at(-1)).toBe('promote');
    expect(events.of('checkpoint.promoted').map(({ round }) => round)).toEqual([0, 1]);
  });

  it('round 0 is measured on both splits with promoted weights, and is the first promotion', async () => {
    const { model, events, baseline } = gateWith(() => undefined);
    const { row, gate, alarms } = await baseline();
    expect(row).toMatchObject({ round: 0, outcome: 'baseline', validityAfterRefinement: null, meanReward: null });
    expect(row.test).toMatchObject({ split: 'test', unconditional: { n: 40 }, prompted: { n: 20 } });
    expect(gate).toMatchObject({ split: 'gate', unconditional: { n: 120 }, prompted: { n: 0 } });
    expect(alarms).toEqual([]);
    expect(events.recorded.map(({ key }) => key)).toEqual(['round/0/gate', 'lengths/0', 'prompts/0', 'round/0/finished']);
    expect(model.calls.filter((call) => call.startsWith('generate')).every((call) => call.includes(' promoted '))).toBe(true);
  });

  it('candidates are sampled from the average, the table from the promoted weights, each round under its own key', async () => {
    const { gate, model, baseline } = gateWith(() => undefined);
    await baseline();
    model.calls.length = 0;
    await gate.decide({ round: 2, checkpoint: 'c' });
    await gate.measure({ round: 2, checkpoint: 'c', outcome: 'promoted', refined: wilson(1, 2), report: { meanReward: 0.2, discriminatorAuc: 0.7, discriminatorLoss: 0.5 } });
    expect(model.calls).toEqual([
      'generate round/2/gate/unconditional promoted 120', 'generate round/2/gate/unconditional average 120', 'bits average', 'promote',
      'generate round/2/test/unconditional promoted 40', 'generate round/2/test/prompted promoted 20', 'bits promoted',
    ]);
  });

  it('records the row with what the round reported, and alarms of the test split', async () => {
    const { gate, model, events, baseline } = gateWith(() => undefined);
    await baseline();
    const report = { meanReward: 0.2, discriminatorAuc: 0.7, discriminatorLoss: 0.5 };
    vi.spyOn(model, 'bits').mockResolvedValue(new Array<number>(60).fill(1e6));
    const { row, alarms } = await gate.measure({ round: 1, checkpoint: 'round-1', outcome: 'rejected', refined: wilson(1, 2), report });
    expect(row).toMatchObject({ round: 1, checkpoint: 'round-1', outcome: 'rejected', validityAfterRefinement: { value: 0.5 }, ...report });
    expect(events.of('round.finished').at(-1)).toEqual(row);
    expect(events.of('alarm.raised').map(({ alarm }) => alarm)).toEqual(alarms);
    expect(alarms).toEqual(['bits.worse']);
  });

  it('records what stands behind a row: every guard with its bounds, lengths in the same bins each round, and what became of each prompt', async () => {
    const { gate, events, baseline } = gateWith(() => undefined);
    await baseline();
    const { checks: gateChecks } = (await gate.decide({ round: 1, checkpoint: 'c' }), events.of('guards.checked').at(-1)!);
    const { row, alarms } = await gate.measure({ round: 1, checkpoint: 'c', outcome: 'promoted', refined: null, report: null });
    const start = events.of('round.finished')[0]!.test.guards;
    const tests = events.of('guards.checked').filter(({ split }) => split === 'test');
    expect(tests).toHaveLength(1);
    for (const { guard, start: first, now, least = -Infinity, most = Infinity, held } of tests[0]!.checks) {
      expect([first, now]).toEqual([start[guard], row.test.guards[guard]]);
      expect(held).toBe(least <= now && now <= most);
    }
    expect(tests[0]!.checks.some(({ held }) => !held)).toBe(alarms.length > 0);
    expect(gateChecks.map(({ guard }) => guard)).toEqual(['divergence', 'bitsPerByte', 'codeTokens', 'distinctShapes', 'repeatedLines', 'copies', 'renamedCopies', 'similarLines', 'bytesPerCodeToken', 'empty']);

    const lengths = events.of('lengths.counted');
    const sum = (counts: readonly number[]): number => counts.reduce((a, b) => a + b, 0);
    expect(lengths.map(({ samples }) => sum(samples.counts))).toEqual([start.validCount, row.test.guards.validCount]);
    expect(new Set(lengths.map(({ samples: { from, width, counts } }) => `${from} ${width} ${counts.length}`)).size).toBe(1);
    expect(sum(lengths[1]!.documents.counts)).toBe(60);
    expect(lengths[1]!.documentsMedian).toBeGreaterThan(0);

    const [before, after] = events.of('prompts.measured');
    expect(after!.results.map(({ taskId, prompt }) => [taskId, prompt])).toEqual(before!.results.map(({ taskId, prompt }) => [taskId, prompt]));
    expect(after!.results.filter(({ valid }) => valid)).toHaveLength(row.test.prompted.successes);
  });

  it('a decision repeated gives the same records, also when it promoted', async () => {
    const { gate, events, baseline } = gateWith(() => undefined);
    await baseline();
    const first = await gate.decide({ round: 1, checkpoint: 'round-1' });
    const count = events.recorded.length;
    expect(await gate.decide({ round: 1, checkpoint: 'round-1' })).toEqual(first);
    expect(events.recorded).toHaveLength(count);
  });

  it('a resumed gate compares with the promotions it is given; without round 0 it refuses to judge', async () => {
    const before = gateWith(() => undefined);
    await before.baseline();
    const resumed = gateWith(HACKS['one shape over and over']!.write, { promotions: before.events.of('checkpoint.promoted') });
    expect((await resumed.gate.decide({ round: 1, checkpoint: 'c' })).promoted).toBe(false);
    await expect(gateWith(() => undefined).gate.decide({ round: 1, checkpoint: 'c' })).rejects.toThrow('Round 0 must be measured');
  });

  it('records and promotes nothing once it is aborted', async () => {
    const { gate, model, events, baseline } = gateWith(() => undefined);
    await baseline();
    const count = events.recorded.length;
    await expect(gate.decide({ round: 1, checkpoint: 'c' }, AbortSignal.abort())).rejects.toThrow();
    expect(events.recorded).toHaveLength(count);
    expect(model.calls).not.toContain('promote');
  });
});

describe('structure divergence over rounds', () => {
  it('is taken over as many texts as round 0 had valid ones, so that it does not fall just because more are valid', async () => {
    const weak = (weights: string, i: number): string | undefined => (weights === 'promoted' && i % 4 !== 0 ? '(' : undefined);
    const rounds = async (documents: number) => {
      const model = new FakeModelHost({ skill: 1, write: (request, i) => weak(request.weights!, i) });
      const events = new MemorySink();
      const gate = new MeasuringGate({
        model, events, evaluator: new FakeEvaluator(), config: smallConfig({ measuring: { gate: 160, documents } }), tasks: toyTasks, clock: () => 0,
        documents: (split) => toyDocuments(split, 160),
      });
      const { gate: baseline } = await gate.measure({ round: 0, checkpoint: 'c', outcome: 'baseline', refined: null, report: null });
      const { measurement } = await gate.decide({ round: 1, checkpoint: 'c' });
      return { baseline: baseline!, candidate: measurement! };
    };
    const many = await rounds(160);
    const { validCount } = many.baseline.guards;
    expect(many.candidate.guards.validCount).toBeGreaterThan(2 * validCount);
    const few = await rounds(validCount);
    expect(many.candidate.guards.divergence).toBe(few.candidate.guards.divergence);
  });
});
