import { describe, expect, it } from 'vitest';
import { during } from '../../src/agents/activity.ts';
import { RecordingCloser } from '../../src/agents/closer.ts';
import { JoiningCritic } from '../../src/agents/critic.ts';
import { PolicyGenerator } from '../../src/agents/generator.ts';
import { ChunkedPretrainer, outOfPatience, pretrainingEvents } from '../../src/agents/pretrainer.ts';
import { recordedEvent } from '../../src/agents/samples.ts';
import type { Evaluation } from '../../src/contracts/records.ts';
import { FakeEvaluator, FakeModelHost, judgedSample, MemorySink, PretrainedModelHost, smallConfig, toyDocuments, toyTasks } from '../fakes.ts';

const config = smallConfig();
const clock = (): number => 0;

describe('generator', () => {
  const make = () => {
    const [model, events, evaluator] = [new FakeModelHost(), new MemorySink(), new FakeEvaluator()];
    return { model, events, evaluator, generator: new PolicyGenerator({ model, evaluator, events, config, clock, tasks: toyTasks }) };
  };

  it('samples the round’s training tasks under one key from the raw weights, with unique and stable ids', async () => {
    const { model, events, generator } = make();
    const samples = await generator.generate({ round: 3 });
    expect(model.calls).toEqual(['generate round/3/generate raw 36']);
    expect(samples.map(({ id }) => id)).toEqual([...Array.from({ length: 24 }, (_, i) => `r3/u${i}`), ...Array.from({ length: 12 }, (_, i) => `r3/p${i}`)]);
    expect(samples.every(({ taskId }) => taskId.startsWith('train/'))).toBe(true);
    expect(samples.slice(24).every(({ prompt, kind }) => prompt !== '' && kind === 'signature')).toBe(true);
    expect(samples.every(({ tokens, logProbs }) => tokens!.length === logProbs!.length)).toBe(true);
    expect(events.of('sample.created')).toEqual(samples);
    expect(events.recorded.map(({ key }) => key)).toEqual(['round/3/started', ...samples.map(({ id }) => `sample/${id}`)]);
  });

  it('the same round twice gives the same samples and no new record; another round gives others', async () => {
    const { events, generator } = make();
    const first = await generator.generate({ round: 1 });
    const count = events.recorded.length;
    expect(await generator.generate({ round: 1 })).toEqual(first);
    expect(events.recorded).toHaveLength(count);
    const second = await generator.generate({ round: 2 });
    expect(second.map(({ completion }) => completion)).not.toEqual(first.map(({ completion }) => completion));
  });

  it('has its samples judged ahead exactly as the critic will ask', async () => {
    const { model, events, evaluator, generator } = make();
    const samples = await generator.generate({ round: 3 });
    expect(evaluator.anticipated).toHaveLength(samples.length);
    const critic = new JoiningCritic({ model, events, clock, evaluator, readability: () => 0 });
    await critic.judge({ round: 3, samples });
    expect(evaluator.anticipated).toEqual([]);
  });

  it('records no sample once it is aborted', async () => {
    const { events, generator } = make();
    await expect(generator.generate({ round: 1 }, AbortSignal.abort())).rejects.toThrow();
    expect(events.of('sample.created')).toEqual([]);
  });
});

describe('critic', () => {
  const make = () => {
    const [model, events] = [new FakeModelHost(), new MemorySink()];
    return { events, critic: new JoiningCritic({ model, events, clock, evaluator: new FakeEvaluator(), readability: ({ evaluation }) => evaluation.counts.lines / 10 }) };
  };
  const good = judgedSample({ id: 'r1/u0', completion: 'def f(a):\n    return a' });
  const bad = judgedSample({ id: 'r1/u1', completion: 'def f(a\n    return a' });

  it('judges prompt and completion joined, in order, and logs evaluations without bigrams', async () => {
    const { events, critic } = make();
    const prompted = judgedSample({ id: 'r1/p0', kind: 'signature', prompt: 'def f(a):', completion: '\n    return a + 1' });
    const judged = await critic.judge({ round: 1, samples: [good.sample, bad.sample, prompted.sample] });
    expect(judged.map(({ evaluation: { id, valid } }) => [id, valid])).toEqual([['r1/u0', true], ['r1/u1', false], ['r1/p0', true]]);
    expect(judged[0]!.evaluation.bigrams.length).toBeGreaterThan(0);
    expect(events.recorded.map(({ key }) => key)).toEqual(['evaluation/r1/u0', 'evaluation/r1/u1', 'evaluation/r1/p0']);
    for (const logged of events.of('evaluation.recorded')) expect(logged).not.toHaveProperty('bigrams');
  });

  it('gives valid samples log-odds, failed ones a focus: the compiler’s finding if there is one, else the first', async () => {
    const { events, critic } = make();
    const finding = (source: 'parse' | 'cpython' | 'rule', kind: string) => ({ source, kind, message: '', span: { start: 0, end: 1 }, line: 1, column: 0 });
    const withFindings = (id: string, findings: Evaluation['findings']) => ({ sample: { ...bad.sample, id }, evaluation: { ...bad.evaluation, id, findings } });
    const critiques = await critic.criticise({
      round: 1,
      judged: [
        good,
        withFindings('a', [finding('parse', 'x'), finding('rule', 'y'), finding('cpython', 'z')]),
        withFindings('b', [finding('rule', 'y'), finding('parse', 'x')]),
        withFindings('c', []),
      ],
    });
    expect(critiques.map(({ sampleId }) => sampleId)).toEqual(['r1/u0', 'a', 'b', 'c']);
    expect(critiques[0]!.logOdds).toEqual(expect.any(Number));
    expect(critiques.slice(1).every((critique) => !('logOdds' in critique))).toBe(true);
    expect(critiques.map(({ focus }) => focus?.kind)).toEqual([undefined, 'z', 'y', undefined]);
    expect(critiques[0]!.readability).toBe(0.2);
    expect(events.of('critique.recorded')).toEqual(critiques);
  });

  it('traces the odds of valid samples whose structure has places, and logs no places', async () => {
    const { critic } = make();
    const { bigrams } = good.evaluation;
    const placed = { ...good, evaluation: { ...good.evaluation, bigramsAt: bigrams.map((_, i) => 3 * i) } };
    const critiques = await critic.criticise({ round: 1, judged: [placed, { ...good, sample: { ...good.sample, id: 'a' } }, { sample: { ...good.sample, id: 'b' }, evaluation: { ...good.evaluation, bigramsAt: [] } }] });
    expect(critiques[0]!.trace).toMatchObject({ at: bigrams.map((_, i) => 3 * i), logOdds: bigrams.map((_, i) => i) });
    expect(critiques.slice(1).some((critique) => 'trace' in critique)).toBe(false);
    expect(recordedEvent(placed.evaluation).event.data).not.toHaveProperty('bigramsAt');
  });
});

describe('pretrainer', () => {
  const documents = toyDocuments('gate', 30);
  const make = (time: () => number = clock, settings = config, model: FakeModelHost = new FakeModelHost()) => {
    const events = new MemorySink();
    const pretrainer = new ChunkedPretrainer({
      model, events, config: settings, clock: time, evaluator: new FakeEvaluator(), save: (step) => model.save(`p${step}`), restore: (step) => (model.calls.push(`restore p${step}`), model.load(`p${step}`)),
      heldOut: () => documents, measured: () => events.of('pretraining.measured'),
    });
    return { model, events, pretrainer };
  };

  it('records every step under its key, never beyond the last, and repeats a chunk without a new record', async () => {
    const { events, pretrainer } = make();
    expect(await pretrainer.advance({ fromStep: 0, steps: 8 })).toEqual({ step: 8, loss: 5.93, ended: false });
    await pretrainer.advance({ fromStep: 0, steps: 8 });
    expect(await pretrainer.advance({ fromStep: 8, steps: 100 })).toMatchObject({ step: 20 });
    expect(events.recorded.map(({ key }) => key)).toEqual(Array.from({ length: 20 }, (_, i) => `pretraining/${i}`));
    expect(events.of('pretraining.step')[0]).toMatchObject({ step: 0, totalSteps: 20 });
  });

  it('saves whenever a multiple of saveEvery was passed, but leaves the last save to finish', async () => {
    const { model, pretrainer } = make();
    for (const fromStep of [0, 4, 8, 12, 16]) await pretrainer.advance({ fromStep, steps: 4 });
    expect(model.calls.filter((call) => call.startsWith('save'))).toEqual(['save p12']);
  });

  describe('with patience', () => {
    const settings = smallConfig({ pretraining: { steps: 60, saveEvery: 10, patience: 2 } });
    const bits: Record<number, number> = { 10: 2, 20: 1.5, 30: 1.6, 40: 1.5, 50: 1 };

    it('ends where so many measurements in a row brought nothing, and leaves that save to finish', async () => {
      const { model, events, pretrainer } = make(clock, settings, new PretrainedModelHost((step) => bits[step]!));
      const ends: number[] = [];
      for (let fromStep = 0; fromStep < 60; fromStep += 5) if ((await pretrainer.advance({ fromStep, steps: 5 })).ended) ends.push(fromStep + 5);
      expect(ends[0]).toBe(40);
      const measured = events.of('pretraining.measured').filter(({ step }) => step <= 40);
      expect(measured.map(({ step }) => step)).toEqual([10, 20, 30, 40]);
      for (const { step, bitsPerByte } of measured) expect(bitsPerByte).toBeCloseTo(bits[step]!, 9);
      const saves = model.calls.filter((call) => call.startsWith('save'));
      expect(saves.slice(0, 3)).toEqual(['save p10', 'save p20', 'save p30']);
      expect(saves).not.toContain('save p40');
    });

    it('goes back to the weights of the best measurement where it ended early, and keeps the last ones where it did not', async () => {
      const { model, events, pretrainer } = make(clock, settings, new PretrainedModelHost((step) => bits[step]!));
      for (let fromStep = 0; fromStep < 40; fromStep += 10) await pretrainer.advance({ fromStep, steps: 10 });
      await pretrainer.finish({ step: 40 });
      expect(model.calls.slice(-5)).toEqual(['pretrain 30 40', 'bits raw', 'restore p20', 'beginRounds', 'save p40']);
      expect(events.of('pretraining.finished')).toMatchObject([{ steps: 40 }]);
      const whole = make(clock, settings, new PretrainedModelHost((step) => 100 - step));
      for (let fromStep = 0; fromStep < 60; fromStep += 10) await whole.pretrainer.advance({ fromStep, steps: 10 });
      await whole.pretrainer.finish({ step: 60 });
      expect(whole.model.calls.filter((call) => call.startsWith('restore'))).toEqual([]);
    });

    it('measures the weights being trained on the first documents by id, before it saves, and not after the last step', async () => {
      const model = new PretrainedModelHost(() => 1);
      const { pretrainer } = make(clock, smallConfig({ pretraining: { patience: 9 }, measuring: { documents: 7 } }), model);
      await pretrainer.advance({ fromStep: 0, steps: 10 });
      await pretrainer.advance({ fromStep: 10, steps: 10 });
      expect(model.calls).toEqual(['pretrain 0 10', 'bits raw', 'save p10', 'pretrain 10 20']);
      expect(model.texts).toEqual([[...documents].sort((a, b) => (a.id < b.id ? -1 : 1)).slice(0, 7).map(({ text }) => text)]);
    });

    it('of 0 asks for no bits', async () => {
      const { model, events, pretrainer } = make();
      expect((await pretrainer.advance({ fromStep: 0, steps: 10 })).ended).toBe(false);
      expect(model.calls).toEqual(['pretrain 0 10', 'save p10']);
      expect(events.of('pretraining.measured')).toEqual([]);
    });

    it('its record, kept and given back, is the log of the one that made it', async () => {
      const { events, pretrainer } = make(clock, settings, new PretrainedModelHost((step) => bits[step]!));
      for (let fromStep = 0; fromStep < 40; fromStep += 8) await pretrainer.advance({ fromStep, steps: 8 });
      const steps = events.of('pretraining.step').map(({ totalSteps: _total, ...report }) => report);
      expect(pretrainingEvents({ steps, measured: events.of('pretraining.measured') }, 60)).toEqual(events.recorded);
      expect(events.of('pretraining.measured').length).toBeGreaterThan(1);
    });
  });

  it.each([
    ['nothing was measured', [], 1, false],
    ['the first one is the best there is', [3], 1, false],
    ['it is no better than the best', [3, 3], 1, true],
    ['every one is better', [3, 2, 1], 1, false],
    ['it is better than the one before and not than the best', [3, 1, 3, 2], 2, true],
    ['a better one came in between', [3, 4, 2, 4], 2, false],
    ['there is no end to it', [1, 2, 3, 4], 0, false],
  ])('patience: %s', (_, bits, patience, spent) => {
    const measured = bits.map((bitsPerByte, i) => ({ step: 10 * (i + 1), bitsPerByte }));
    expect(outOfPatience(measured, 10 * bits.length, patience)).toBe(spent);
    // What a run that was stopped had measured later on is not known yet when it goes on from an earlier step.
    expect(outOfPatience([...measured, { step: 1000, bitsPerByte: 9 }, { step: 1010, bitsPerByte: 0 }], 10 * bits.length, patience)).toBe(spent);
  });

  it('finish makes the weights the reference, saves, and records the hash', async () => {
    const { model, events, pretrainer } = make();
    const { weightsHash } = await pretrainer.finish({ step: 20 });
    expect(model.calls).toEqual(['beginRounds', 'save p20']);
    expect(events.recorded).toEqual([{ key: 'pretraining/finished', event: { type: 'pretraining.finished', data: { steps: 20, weightsHash } } }]);
  });

  it('notes progress with rate and time left, and a judged preview every 20 s, outside the hashed log', async () => {
    let now = 0;
    const { events, pretrainer } = make(() => (now += 6000));
    await pretrainer.advance({ fromStep: 0, steps: 5 });
    const { batch, context } = config.model;
    const progress = events.notes.find(({ type }) => type === 'pretraining.progress');
    expect(progress).toEqual({ type: 'pretraining.progress', data: { step: 5, totalSteps: 20, loss: 5.96, tokensPerSecond: (5 * batch * context) / 6, secondsLeft: 18 } });
    await pretrainer.advance({ fromStep: 5, steps: 5 });
    const previews = events.notes.filter(({ type }) => type === 'preview.created');
    expect(previews.length).toBeGreaterThan(0);
    expect(previews[0]!.data).toMatchObject({ text: expect.any(String), valid: expect.any(Boolean) });
    expect(events.recorded.every(({ event }) => event.type === 'pretraining.step')).toBe(true);
  });
});

describe('closer and activities', () => {
  it('the end of the run is recorded once, with the weights’ hash', async () => {
    const events = new MemorySink();
    await new RecordingCloser({ events, weightsHash: () => 'abc' }).finish({ rounds: 2, reason: 'enough' });
    expect(events.recorded).toEqual([{ key: 'run/finished', event: { type: 'run.finished', data: { rounds: 2, reason: 'enough', weightsHash: 'abc' } } }]);
  });

  it('an activity is noted at its begin and its end, with seconds, and ends when its work fails, too', async () => {
    const events = new MemorySink();
    let now = 0;
    const deps = { events, clock: () => (now += 1500) };
    const activity = { agent: 'critic', activity: 'judge', round: 1, amount: 3 };
    expect(await during(deps, activity, async () => 'done')).toBe('done');
    await expect(during(deps, activity, () => Promise.reject(new Error('gone')))).rejects.toThrow('gone');
    const ended = { type: 'activity.finished', data: { ...activity, seconds: 1.5 } };
    expect(events.notes).toEqual([{ type: 'activity.started', data: activity }, ended, { type: 'activity.started', data: activity }, ended]);
  });
});
