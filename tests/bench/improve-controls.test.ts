import { describe, expect, it } from 'vitest';
import { agentsOf, invertedReward, noFeedback, randomReward, replaceAllData, type ControlContext } from '../../bench/improve/controls.ts';
import { auditFile, auditing, type Audit } from '../../bench/improve/audit.ts';
import type { Judged, Repair, RunParts } from '../../src/index.ts';
import type { TrainSequence, UpdateReport, UpdateRequest } from '../../src/contracts/model.ts';
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
  seed: 1, round: 1, judged: [valid, failed], repairs: [], drawn: [], encode: async (texts) => texts.map((text) => [...Buffer.from(text)]),
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

  describe('random reward', () => {
    const draw = (id: string, length: number, completion = 'x = call('): Judged => judgedSample({ id, completion, tokens: Array.from({ length }, (_, i) => 10 + i), logProbs: Array.from({ length }, () => -1) });
    const round_ = [draw('a', 9, 'x = call(alpha, beta)'), draw('b', 6), draw('c', 14), draw('d', 5), draw('e', 8)];
    /** Two tokens drawn at each of the first four positions. */
    const drawn = round_.map(({ sample }) => ({
      sequence: { tokens: sample.tokens!, from: 0 }, alternatives: { at: [0, 0, 1, 1, 2, 2, 3, 3], tokens: [90, 91, 92, 93, 94, 95, 96, 97], shares: new Array<number>(8).fill(0.1), logProbs: [-1, -2, -3, -4, -5, -6, -7, -8] },
    }));
    const about: ControlContext = { ...context, judged: round_, drawn, encode: async (texts) => texts.map(() => []) };
    const blame = { at: 2, token: 94, credit: -2, oldLogProb: -5 };
    const paid: UpdateRequest = { ...request, sequences: [
      { tokens: [10, 11, 12, 13], likelihood: [0.5, 0.5, 0.5, 0.5], credit: [0, 0, 0, 0], oldLogProbs: [-1, -1, -1, -1], alternatives: [blame, { ...blame, token: 95, credit: -1 }] },
      { tokens: [10, 11, 12, 13, 14], likelihood: [0, 0, 0, 0, 0], credit: [0, 0, 0, -3, -6], oldLogProbs: [-1, -1, -1, -1, -1] },
      { tokens: [5, 6, 7, 8, 9, 10], likelihood: [0, 0, 0, 0, 0.3, 0.3], credit: [0, 0, 0, 0, 0, 0] },
    ] };
    const over = async (rounds: number): Promise<TrainSequence[][]> => Promise.all(Array.from({ length: rounds }, async (_, i) => [...(await randomReward(paid, { ...about, round: i + 1 })).sequences]));

    it("pays the loop's amounts, each to something of its kind, in the samples of the round, every time the same", async () => {
      const { sequences, ...rest } = await randomReward(paid, about);
      expect(rest).toEqual({ ...paid, sequences: undefined } as object);
      expect(sequences.map(({ tokens }) => tokens)).toEqual(round_.map(({ sample }) => sample.tokens));
      expect(sequences.flatMap(({ credit }) => credit.filter((value) => value !== 0))).toEqual([-3, -6]);
      const likelihoods = sequences.map(({ likelihood }) => likelihood.filter((value) => value !== 0)).filter(({ length }) => length > 0);
      expect(likelihoods.map((values) => new Set(values))).toHaveLength(2);
      expect(likelihoods.find(([value]) => value === 0.3)).toEqual([0.3, 0.3]);
      const alternatives = sequences.flatMap(({ alternatives: all = [] }) => all);
      expect(alternatives.map(({ credit }) => credit).sort()).toEqual([-1, -2]);
      const places = (await over(40)).flat().map(({ alternatives: own = [] }) => own.map(({ at }) => at));
      expect(places.some((own) => own.length > 1)).toBe(true);
      for (const own of places) expect(own).toEqual(own.toSorted((a, b) => a - b));
      for (const { at, token, oldLogProb } of alternatives) expect([Math.floor((token - 90) / 2), -(token - 89)]).toEqual([at, oldLogProb]);
      expect(await randomReward(paid, about)).toEqual({ ...paid, sequences });
    });

    it('says nothing: over many rounds every sample is praised and blamed as often, everywhere, and every drawn token', async () => {
      const all = await over(400);
      const praised = round_.map((_, i) => all.filter((sequences) => sequences[i]!.likelihood.includes(0.5)).length);
      const blamed = round_.map((_, i) => all.filter((sequences) => sequences[i]!.credit.includes(-6)).length);
      for (const count of [...praised, ...blamed]) expect(Math.abs(count - 80)).toBeLessThan(40);
      expect(new Set(all.flatMap((sequences) => sequences.map(({ credit }) => credit.indexOf(-6)).filter((at) => at > 0))).size).toBe(13);
      const tokens = all.flatMap((sequences) => sequences.flatMap(({ alternatives = [] }, i) => alternatives.map(({ token }) => `${i}/${token}`)));
      expect(tokens).toHaveLength(800);
      expect(new Set(tokens).size).toBe(40);
    });

    it('pays the blame of a sample that broke at its first token once', async () => {
      const first: TrainSequence = { tokens: [10], likelihood: [0], credit: [-20], oldLogProbs: [-1] };
      const { sequences } = await randomReward({ ...paid, sequences: [first, first] }, about);
      expect(sequences.flatMap(({ credit }) => credit.filter((value) => value !== 0))).toEqual([-20, -20]);
    });

    it('lays what was drawn before the samples that it was drawn for, where a repair was not asked about', async () => {
      const continued = (id: string, length: number): Repair => ({ parent: 'b', revision: { ...draw(id, length).sample, parent: 'b' }, evaluation: round_[0]!.evaluation });
      const repairs = [continued('vetoed', 3), continued('kept', 20)];
      const last = { sequence: { tokens: repairs[1]!.revision.tokens!, from: 0 }, alternatives: { at: [19], tokens: [99], shares: [0.1], logProbs: [-1] } };
      const { sequences } = await randomReward({ ...paid, sequences: [{ ...paid.sequences[0]!, alternatives: Array.from({ length: 41 }, () => blame) }] }, { ...about, repairs, drawn: [...drawn, last] });
      expect(sequences.map(({ alternatives = [] }) => alternatives.length)).toEqual([8, 8, 8, 8, 8, 0, 1]);
    });
  });

  it('inverted reward: every sign turned, hole-filling repairs muted', async () => {
    const { sequences } = await invertedReward(request, context);
    expect(sequences.map(({ credit }) => sum(credit))).toEqual(request.sequences.map(({ credit }) => 0 - sum(credit)));
    expect(sequences.every(({ likelihood }) => likelihood.every((value) => value === 0))).toBe(true);
    const blame = { at: 4, token: 99, credit: -2, oldLogProb: -3 };
    expect((await invertedReward({ ...request, sequences: [{ ...praised(6, 1), alternatives: [blame] }] }, context)).sequences[0]!.alternatives).toEqual([{ ...blame, credit: 2 }]);
  });

  it('replace all data: its own valid samples alone, no corpus, tokens for as many full rows as the loop with its corpus has', async () => {
    const changed = await replaceAllData(request, context);
    expect(changed.corpusShare).toBe(0);
    expect(changed.sequences.every(({ tokens, credit, likelihood }) => tokens.join() === '1,2,3' && sum(credit) === 0 && sum(likelihood) === 3)).toBe(true);
    expect(tokensOf(changed)).toBeGreaterThanOrEqual(tokensOf(request) / 0.6);
    expect(tokensOf(changed)).toBeLessThan(tokensOf(request) / 0.6 + 3);
  });

  it('a policy that is seldom valid works as much: its broken samples count whole', async () => {
    const long = judgedSample({ id: 'c', completion: 'x = call(', tokens: new Array<number>(190).fill(7), logProbs: new Array<number>(190).fill(-1) });
    const whole = { ...context, judged: [valid, long] };
    for (const control of [noFeedback, replaceAllData]) expect(tokensOf(await control({ ...request, corpusShare: 0 }, whole))).toBeGreaterThanOrEqual(193);
    expect(tokensOf(request)).toBeLessThan(80);
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

  it('a control knows what its learner had drawn in the round, and of that round alone', async () => {
    const { parts } = partsOf();
    const seen: string[] = [];
    const through: RunParts['through'] = (host) => ({
      ...parts.through(host),
      learner: { ...parts.agents.learner, learn: async ({ round }) => {
        await host.alternatives({ key: `round/${round}`, sequences: [{ tokens: [1, 2, 3], from: 1 }], draws: 1 });
        await host.update({ ...request, sequences: [{ tokens: [1, 2, 3], likelihood: [0, 0, 0], credit: [0, 0, 0], oldLogProbs: [0, -1, -1], alternatives: [{ at: 1, token: 9, credit: -1, oldLogProb: -1 }] }] });
        return { meanReward: 0, discriminatorAuc: null, discriminatorLoss: null };
      } },
    });
    const model = { ...parts.model, encode: async (texts: readonly string[]) => texts.map(() => [1]), alternatives: async () => [{ at: [2], tokens: [50 + seen.length], shares: [1], logProbs: [-4] }],
      update: async (asked: UpdateRequest) => {
        seen.push(asked.sequences.flatMap(({ alternatives = [] }) => alternatives.map(({ at, token, credit }) => [at, token, credit].join(' '))).join());
        return {} as UpdateReport;
      } } as unknown as RunParts['model'];
    const { learner } = agentsOf('random-reward', { ...parts, model, through }, 1);
    const judged = [judgedSample({ id: 'a', completion: 'x', tokens: [2, 3], logProbs: [-1, -1] })];
    for (const round of [1, 2]) await learner.learn({ round, judged, critiques: [], repairs: [] });
    expect(seen).toEqual(['2 50 -1', '2 51 -1']);
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
