/** What the page makes of a log: the same however it is cut into batches, bounded in memory, and true to the contracts' records. */
import { describe, expect, it } from 'vitest';
import { LIMITS, RunModel } from '../../dashboard/client/lib/model.ts';
import { describeNow } from '../../dashboard/client/lib/now.ts';
import type { EventData } from '../../dashboard/client/lib/views.ts';
import type { WireEvent } from '../../dashboard/protocol.ts';
import type { LoggedEvent, RunEvent } from '../../src/contracts/events.ts';
import { syntheticLog } from './synthetic.ts';

// Held by the compiler: every event that the page reads exists, and its data has what the page reads of it.
type Data<T extends RunEvent['type']> = Extract<RunEvent, { type: T }>['data'];
type Fits = { [T in keyof EventData]: T extends 'machine.defined' ? true : Data<T> extends EventData[T] ? true : [T, 'differs'] }[keyof EventData];
const contractsFit: Fits = true;
const eventFits: (event: LoggedEvent) => WireEvent = (event) => event;

function modelOf(events: readonly WireEvent[], batch = events.length): RunModel {
  const model = new RunModel();
  for (let i = 0; i < events.length; i += batch) {
    for (const event of events.slice(i, i + batch)) model.apply(event);
    model.view();
  }
  return model;
}

describe('RunModel', () => {
  const log = syntheticLog({ start: 1_000_000, rounds: 3, samplesPerRound: 10 }).map(eventFits);

  it('fits the contracts', () => expect(contractsFit).toBe(true));

  it('gives one picture however the log is cut', () => {
    const whole = modelOf(log).view();
    for (const batch of [1, 7, 500]) expect(modelOf(log, batch).view()).toEqual(whole);
  });

  it('keeps parts that did not change, so that they are not drawn again', () => {
    const model = modelOf(log);
    const before = model.view();
    model.apply({ seq: log.length + 1, key: 'x', type: 'activity.started', data: { agent: 'a', activity: 'b', round: 1, amount: 1 }, hashed: false, time: 5 });
    const after = model.view();
    expect(after.rounds).toBe(before.rounds);
    expect(after.samples).toBe(before.samples);
    expect(after.activities).not.toBe(before.activities);
  });

  it('joins rows with what belongs to them, whichever came first', () => {
    const { rounds } = modelOf(log).view();
    expect(rounds.map((round) => round.round)).toEqual([0, 1, 2, 3]);
    expect(rounds[2]!.timing?.seconds).toBeGreaterThan(0);
    expect(rounds[2]!.refinement?.round).toBe(2);
  });

  it('joins samples with verdict, critique, reward and parent', () => {
    const { samples } = modelOf(log).view();
    expect(samples[0]!.seq).toBeGreaterThan(samples.at(-1)!.seq);
    const revision = samples.find((view) => view.sample.parent !== undefined && view.evaluation?.valid)!;
    expect(revision.parent!.sample.id).toBe(revision.sample.parent);
    expect(revision.parent!.evaluation!.valid).toBe(false);
    expect(samples.some((view) => view.reward !== null && view.critique !== null)).toBe(true);
  });

  it('calls a sample repaired when its revision was accepted, not when it is merely valid', () => {
    const { samples } = modelOf(log).view();
    const accepted = new Set(log.flatMap((event) => (event.type === 'refinement.finished' ? (event.data as EventData['refinement.finished']).accepted : [])));
    const revisions = samples.filter((view) => view.sample.parent !== undefined);
    expect(accepted.size).toBeGreaterThan(0);
    expect(revisions.filter((view) => view.evaluation?.valid).length).toBeGreaterThan(accepted.size);
    for (const revision of revisions) {
      expect(revision.accepted).toBe(accepted.has(revision.sample.id));
      expect(samples.find((view) => view.sample.id === revision.sample.parent)!.repaired).toBe(revision.accepted);
    }
  });

  it('knows where machines are and who is at work', () => {
    const midway = syntheticLog({ start: 0, rounds: 2, until: 'round' });
    const view = modelOf(midway).view();
    expect(view.machines.find(({ id }) => id === 'round')!.transitions.at(-1)!.to).toBe('learning.working');
    expect(view.activities.filter((bar) => bar.end === null).map((bar) => bar.agent)).toEqual(['learner']);
    expect(describeNow(view, 'live', 5, midway.at(-1)!.time + 4000)).toMatchObject({ title: 'Round 2 of 5', progress: 1 / 5 });
  });

  it("keeps what a machine knew at its last transitions", () => {
    const model = new RunModel();
    const apply = (seq: number, context?: object): void => model.apply({ seq, key: `${seq}`, type: 'machine.transition', data: { machine: 'm', actor: 'm', from: 'a', to: 'b', event: 'e', ...(context ? { context } : {}) }, hashed: false, time: seq });
    apply(1);
    apply(2, { failures: 2, failure: null });
    expect(model.view().machines[0]!.transitions.map(({ context }) => context)).toEqual([{}, { failures: 2, failure: null }]);
  });

  it('ends the bars of a process that died where it was last heard of', () => {
    const model = modelOf(syntheticLog({ start: 0, rounds: 2, until: 'round' }));
    const silent = model.view().run.newestAt!;
    model.apply({ seq: 9999, key: 'r', type: 'run.resumed', data: { fromRound: 1 }, hashed: false, time: silent + 3_600_000 });
    const bar = model.view().activities.at(-1)!;
    expect(bar.interrupted).toBe(true);
    expect(bar.end! - bar.start).toBeLessThan(60_000);
    // An hour in which nobody worked on it is no time of the run's.
    const { worked, startedAt } = model.view().run;
    expect([worked, startedAt]).toEqual([silent, silent + 3_600_000]);
  });

  it('stays bounded however long a run is', () => {
    const model = new RunModel();
    let seq = 0;
    const apply = (type: string, data: unknown): void => model.apply({ seq: ++seq, key: `${seq}`, type, data, hashed: true, time: seq });
    for (let i = 0; i < LIMITS.samples + 500; i++) {
      apply('sample.created', { id: `s${i}`, kind: 'unconditional', round: 1, attempt: 0, prompt: '', completion: 'x', finish: 'stop' });
      apply('activity.finished', { agent: 'a', activity: 'b', round: 1, amount: 1, seconds: 1 });
      apply('machine.transition', { machine: 'm', actor: 'm', from: 'a', to: 'b', event: 'e' });
      apply('preview.created', { step: i, text: 'x', valid: true });
    }
    const view = model.view();
    expect(view.samples).toHaveLength(LIMITS.samples);
    expect(view.samples[0]!.sample.id).toBe(`s${LIMITS.samples + 499}`);
    expect(view.activities).toHaveLength(LIMITS.activities);
    expect(view.machines[0]!.transitions).toHaveLength(LIMITS.transitions);
    expect(view.previews).toHaveLength(LIMITS.previews);
    expect(view.log).toHaveLength(LIMITS.log);
  });

  it('passes over records it does not know and samples it let go', () => {
    const model = new RunModel();
    model.apply({ seq: 1, key: 'a', type: 'something.new', data: 7, hashed: false, time: 1 });
    model.apply({ seq: 2, key: 'b', type: 'evaluation.recorded', data: { id: 'gone', valid: true, score: 1, findings: [], copy: false, counts: { codeTokens: 1 } }, hashed: true, time: 2 });
    expect(model.view().samples).toEqual([]);
    expect(model.view().log).toHaveLength(2);
  });
});

describe('describeNow', () => {
  it('says what is so in each state', () => {
    const pretraining = modelOf(syntheticLog({ start: 0, until: 'pretraining' })).view();
    expect(describeNow(pretraining, 'live', 20, pretraining.run.newestAt!)).toMatchObject({ title: 'Pretraining: step 930 of 1,500', progress: 0.62 });
    expect(describeNow(pretraining, 'dead', 20, pretraining.run.newestAt! + 5000)).toMatchObject({ title: 'The process of this run is gone', detail: expect.stringContaining('5 s ago') });
    expect(describeNow(pretraining, 'stalled', 20, 0).title).toContain('Nothing has been heard');
    const finished = modelOf(syntheticLog({ start: 0, rounds: 2 })).view();
    expect(describeNow(finished, 'finished', 20, 0)).toMatchObject({ title: 'Finished after 2 rounds', progress: 1 });
    expect(describeNow(modelOf(syntheticLog({ start: 0, rounds: 2, until: 'round' })).view(), 'finished', 20, 0)).toMatchObject({ title: 'Finished; its log is being read', progress: null });
  });
});
