import { describe, expect, it } from 'vitest';
import { agentsOf, invertedReward, noFeedback, randomReward, replaceAllData, type ControlContext } from '../../bench/improve/controls.ts';
import { auditFile, auditing, type Audit } from '../../bench/improve/audit.ts';
import type { RunParts } from '../../src/index.ts';
import type { TrainSequence, UpdateRequest } from '../../src/contracts/model.ts';
import { readJson } from '../../src/store/atomic.ts';
import { FakeModelHost, fakeRun, judgedSample, toyDocuments, toyTasks } from '../fakes.ts';
import { temporaryFolder } from '../store/temporary.ts';

const sum = (values: readonly number[]): number => values.reduce((total, value) => total + value, 0);
const tokensOf = ({ sequences }: UpdateRequest): number => sum(sequences.map(({ tokens }) => tokens.length));

/** A prompt of two tokens and `credit.length` sampled ones. */
const sampled = (credit: readonly number[]): TrainSequence => ({
  tokens: [1, 2, ...credit.map((_, i) => 10 + i)], likelihood: [0, 0, ...credit.map(() => 0)], credit: [0, 0, ...credit], oldLogProbs: [0, 0, ...credit.map(() => -1)],
});
const praised = (length: number, value: number): TrainSequence => sampled(new Array<number>(length).fill(value));
const blamed = (length: number): TrainSequence => sampled([...new Array<number>(length - 2).fill(0), -3, -6]);
const hole: TrainSequence = { tokens: [5, 6, 7], likelihood: [0, 0.3, 0.3], credit: [0, 0, 0] };

const request: UpdateRequest = {
  key: 'round/1', sequences: [praised(9, 1), blamed(6), blamed(14), praised(5, -0.5), blamed(8), hole], corpusShare: 0.4, corpusWeight: 0.6,
  learningRate: 1e-3, warmupSteps: 0, clipLow: 0.3, clipHigh: 1.5, averageDecay: 0.9, passes: 2,
};
const valid = judgedSample({ id: 'a', completion: 'x = call(alpha, beta)', tokens: [1, 2, 3], logProbs: [-1, -1, -1] });
const failed = judgedSample({ id: 'b', completion: 'x = call(', tokens: [1, 2], logProbs: [-1, -1] });
const context: ControlContext = {
  seed: 1, round: 1, judged: [valid, failed], repairs: [], encode: async (texts) => texts.map((text) => [...Buffer.from(text)]),
  documents: () => toyDocuments('train', 20).map(({ text }) => text), excerpts: () => ({ texts: [], share: 0.25 }),
};

describe('the control arms', () => {
  it('the fixtures are what they are called', () => expect([valid.evaluation.valid, failed.evaluation.valid]).toEqual([true, false]));

  it('no feedback: documents instead of samples, about as many tokens, no credit', async () => {
    const changed = await noFeedback(request, context);
    const { sequences, ...rest } = changed;
    expect(rest).toEqual({ ...request, sequences: undefined } as object);
    expect(sequences.every(({ credit, likelihood }) => credit.every((value) => value === 0) && likelihood.every((value) => value === request.corpusWeight))).toBe(true);
    const texts = context.documents().map((text) => Buffer.from(text).toString('latin1'));
    for (const { tokens } of sequences) expect(texts).toContain(Buffer.from(tokens.slice(0, -1)).toString('latin1'));
    expect(tokensOf(changed)).toBeGreaterThanOrEqual(tokensOf(request));
    expect(await noFeedback(request, { ...context, round: 2 })).not.toEqual(changed);
  });

  it('no feedback: excerpts have their share of the tokens', async () => {
    const texts = Array.from({ length: 30 }, (_, i) => `part${i}`);
    const long = { ...request, sequences: Array.from({ length: 60 }, () => praised(98, 1)) };
    const { sequences } = await noFeedback(long, { ...context, excerpts: () => ({ texts, share: 0.25 }) });
    const parts = sequences.filter(({ tokens }) => Buffer.from(tokens).toString('latin1').startsWith('part'));
    expect(tokensOf({ ...long, sequences: parts }) / tokensOf({ ...long, sequences })).toBeCloseTo(0.25, 2);
    expect(new Set(parts.map(({ tokens }) => Buffer.from(tokens.slice(0, -1)).toString('latin1')))).toEqual(new Set(texts));
  });

  it('random reward: the same texts, amounts of credit of the same kinds, dealt out anew, prompts untouched', async () => {
    const { sequences } = await randomReward(request, context);
    expect(sequences.map(({ tokens }) => tokens)).toEqual(request.sequences.map(({ tokens }) => tokens));
    expect(sequences.every(({ credit }) => credit.every((value, i) => value === 0 || i >= 2))).toBe(true);
    const kinds = ({ credit }: TrainSequence): string => [...new Set(credit.filter((value) => value !== 0))].join();
    expect(sequences.map(kinds).sort()).toEqual(request.sequences.map(kinds).sort());
    expect(sequences.every(({ likelihood }) => likelihood.every((value) => value === 0))).toBe(true);
    expect(await randomReward(request, context)).toEqual({ ...request, sequences });
  });

  it('random reward: what alternatives were blamed for falls on tokens that were written, the amount unchanged', async () => {
    const blame = { at: 4, token: 99, credit: -2, oldLogProb: -3 };
    const with_ = { ...request, sequences: [{ ...praised(6, 1), alternatives: [blame, { ...blame, at: 5 }] }] };
    const { sequences: [dealt] } = await randomReward(with_, context);
    expect(dealt).not.toHaveProperty('alternatives');
    expect(sum(dealt!.credit)).toBeCloseTo(6 - 4);
    expect(dealt!.credit.slice(0, 2)).toEqual([0, 0]);
    // A valid sample has no other credit, where advantages have no weight.
    const { sequences: [alone] } = await randomReward({ ...request, sequences: [{ ...praised(6, 0), alternatives: [blame] }] }, context);
    expect(sum(alone!.credit)).toBe(-2);
    const { sequences: [inverted] } = await invertedReward(with_, context);
    expect(inverted!.alternatives).toEqual([{ ...blame, credit: 2 }, { ...blame, at: 5, credit: 2 }]);
  });

  it('random reward says nothing: over many rounds a failed sample is praised as often as a valid one, and blamed anywhere', async () => {
    let praisedFailed = 0, praisedValid = 0;
    const places = new Set<number>();
    for (let round = 1; round <= 400; round++) {
      const { sequences } = await randomReward({ ...request, sequences: [praised(8, 1), blamed(8)] }, { ...context, round });
      if (sequences[0]!.credit.at(-1) === 1) praisedValid++;
      if (sequences[1]!.credit.at(-1) === 1) praisedFailed++;
      if (sequences[1]!.credit.includes(-6)) places.add(sequences[1]!.credit.indexOf(-6));
    }
    expect(Math.abs(praisedFailed - praisedValid)).toBeLessThan(80);
    expect([...places].sort((a, b) => a - b)).toEqual([3, 4, 5, 6, 7, 8, 9]);
  });

  it('inverted reward: every sign turned, hole-filling repairs muted', async () => {
    const { sequences } = await invertedReward(request, context);
    expect(sequences.map(({ credit }) => sum(credit))).toEqual(request.sequences.map(({ credit }) => 0 - sum(credit)));
    expect(sequences.every(({ likelihood }) => likelihood.every((value) => value === 0))).toBe(true);
  });

  it('replace all data: its own valid samples alone, no corpus, tokens for as many full rows as the loop with its corpus has', async () => {
    const changed = await replaceAllData(request, context);
    expect(changed.corpusShare).toBe(0);
    expect(changed.sequences.every(({ tokens, credit, likelihood }) => tokens.join() === '1,2,3' && sum(credit) === 0 && sum(likelihood) === 3)).toBe(true);
    expect(tokensOf(changed)).toBeGreaterThanOrEqual(tokensOf(request) / 0.6);
    expect(tokensOf(changed)).toBeLessThan(tokensOf(request) / 0.6 + 3);
  });

  it('replace all data: a round with nothing valid has nothing to learn', async () => {
    const { sequences, corpusWeight } = await replaceAllData(request, { ...context, judged: [failed] });
    expect(corpusWeight).toBe(0);
    expect(sequences.every(({ credit, likelihood }) => sum(credit) === 0 && sum(likelihood) === 0)).toBe(true);
  });
});

function partsOf(run = fakeRun(), refuse = false): { parts: RunParts; run: ReturnType<typeof fakeRun> } {
  const { agents, model, evaluator, events } = run;
  const parts: RunParts = {
    agents, model, evaluator, events, tasks: toyTasks, documents: (split) => toyDocuments(split, 30), excerpts: () => ({ texts: [], share: 0 }),
    through: (host) => ({
      learner: agents.learner,
      gate: { measure: agents.gate.measure.bind(agents.gate), decide: async () => (await (refuse ? host.rollback() : host.promote()), { promoted: !refuse, reasons: refuse ? ['worse'] : [], alarms: [] }) },
    }),
  };
  return { parts, run };
}

describe("an arm's agents", () => {
  it('the loop has those of the run', () => {
    const { parts } = partsOf();
    expect(agentsOf('loop', parts, 1)).toBe(parts.agents);
  });

  it('a control promotes what its gate refuses, and says so', async () => {
    const { parts, run } = partsOf(fakeRun(), true);
    expect(await agentsOf('inverted-reward', parts, 1).gate.decide({ round: 1, checkpoint: 'c' })).toMatchObject({ promoted: true, reasons: ['worse'] });
    expect(run.model.calls).toEqual(['promote']);
  });
});

describe('the audit', () => {
  it('measures round 0 and the last round sample by sample, once, before the round ends', async () => {
    const folder = temporaryFolder();
    const model = new FakeModelHost({ skill: 0.5 });
    const { parts, run } = partsOf(fakeRun({ model }));
    const gate = auditing(run.agents.gate, parts, { folder, last: 2, sizes: { unconditional: 40, prompts: 3, perPrompt: 5, documents: 20 }, maxTokens: 100 });
    const measure = (round: number) => gate.measure({ round, checkpoint: `round-${round}`, outcome: round === 0 ? 'baseline' : 'promoted', refined: null, report: null });
    await measure(0);
    const audit = readJson<Audit>(auditFile(folder, 0))!;
    expect(audit.valid).toHaveLength(40);
    expect(audit.measurement.unconditional).toMatchObject({ n: 40, successes: sum(audit.valid) });
    expect([audit.prompts.length, audit.coverage.n, audit.coverage.solved.length, audit.again?.solved.length]).toEqual([3, 5, 3, 3]);
    expect(sum(audit.coverage.solved)).toBe(audit.measurement.prompted.successes);
    expect(audit.heldOut.codeTokens).toBeGreaterThan(0);

    const calls = model.calls.length;
    await measure(0);
    expect(model.calls.slice(calls).filter((call) => call.includes('audit'))).toEqual([]);
    await measure(1);
    expect(readJson(auditFile(folder, 1))).toBeNull();
    await measure(2);
    expect(readJson<Audit>(auditFile(folder, 2))).toMatchObject({ round: 2, prompts: audit.prompts });
    expect(run.events.of('round.finished').map(({ round }) => round)).toEqual([0, 1, 2]);
    expect(run.events.of('sample.created')).toEqual([]);
  });
});
