import { afterAll, describe, expect, it } from 'vitest';
import { runMachine, type Budget } from '../../src/machines/run.ts';
import { Coverage, drive, type Driven } from './driver.ts';
import { holdsEffectLaws } from './effect-laws.ts';

const coverage = new Coverage();
const budget: Budget = { rounds: 3, minutes: 10, targetValidity: 0.9, plateauRounds: 0 };
const inputOf = (change: Partial<Budget> = {}) => ({ budget: { ...budget, ...change }, attempts: 2, chunkSteps: 25 });
const input = inputOf();

const fresh = { pretrainedSteps: 50, totalSteps: 100, completedRounds: 0, rows: [], minutes: 0 };
const baseline = (gateValidity = 0.3, minutes = 1) => ({ row: { round: 0 }, alarms: [], gateValidity, minutes });
const round = (number: number, gateValidity: number | null = 0.3, minutes = 2) =>
  ({ status: 'done', row: { round: number }, alarms: [], gateValidity, minutes });
const saved = { checkpoint: 'c0', weightsHash: 'h' };
const trained = { status: 'done', step: 100, weightsHash: 'h' };

/** A driven run at round 1. */
function atRoundOne(change: Partial<Budget> = {}, gateValidity = 0.3, minutes = 1): Driven {
  const driven = drive(runMachine, inputOf(change), coverage);
  for (const output of [fresh, trained, saved, baseline(gateValidity, minutes)]) driven.done(output);
  return driven;
}

describe('run machine', () => {
  it('prepares, pretrains, measures round 0, does its rounds and finishes', () => {
    const driven = drive(runMachine, input, coverage);
    const given: unknown[] = [];
    for (const output of [fresh, trained, saved, baseline(), round(1), round(2), round(3), undefined]) {
      given.push(driven.working());
      driven.done(output);
    }
    expect(given).toEqual([
      { src: 'prepare', input: undefined },
      { src: 'training', input: { fromStep: 50, totalSteps: 100, chunkSteps: 25, paused: false } },
      { src: 'save', input: { round: 0 } },
      { src: 'measure', input: { round: 0, checkpoint: 'c0', outcome: 'baseline', refined: null, report: null } },
      { src: 'round', input: { round: 1, attempts: 2, paused: false } },
      { src: 'round', input: { round: 2, attempts: 2, paused: false } },
      { src: 'round', input: { round: 3, attempts: 2, paused: false } },
      { src: 'finish', input: { rounds: 3, reason: 'The budget of 3 rounds is spent.' } },
    ]);
    expect(driven.output()).toEqual({
      status: 'done', rounds: 3, reason: 'The budget of 3 rounds is spent.', rows: [{ round: 0 }, { round: 1 }, { round: 2 }, { round: 3 }],
    });
  });

  it.each([0, 1, 2])('resumes after round %d without pretraining', (completed) => {
    const driven = drive(runMachine, input, coverage);
    const rows = Array.from({ length: completed + 1 }, (_, i) => ({ round: i }));
    driven.done({ ...fresh, completedRounds: completed, rows });
    expect(driven.working()).toEqual({ src: 'round', input: { round: completed + 1, attempts: 2, paused: false } });
    for (let next = completed + 1; next <= 3; next++) driven.done(round(next));
    expect(driven.working()?.src).toBe('finish');
    driven.done(undefined);
    expect(driven.output()).toMatchObject({ rounds: 3, rows: [{ round: 0 }, { round: 1 }, { round: 2 }, { round: 3 }] });
  });

  it('takes minutes as they are reported and stops after the round that spends them', () => {
    const driven = atRoundOne();
    driven.done(round(1, null, 9.9));
    expect(driven.state()).toBe('round');
    driven.done(round(2, null, 10));
    expect(driven.working()?.input).toEqual({ rounds: 2, reason: 'The budget of 10 minutes is spent.' });
  });

  it('stops at the target on the gate split, at round 0 and later, also as a resumed run', () => {
    expect(atRoundOne({}, 0.9).working()?.input).toEqual({ rounds: 0, reason: 'Validity on the gate split reached the target of 0.9.' });
    const later = atRoundOne();
    later.done(round(1, 0.95));
    expect(later.working()?.src).toBe('finish');
    expect(atRoundOne({ targetValidity: 1 }, 1).state()).toBe('round');
    const resumed = drive(runMachine, input, coverage);
    const promotions = [0.3, 0.92].map((value, at) => ({ round: at, gate: { unconditional: { value } } }));
    resumed.done({ ...fresh, completedRounds: 1, rows: [{ round: 0 }, { round: 1 }], promotions });
    expect(resumed.working()?.src).toBe('finish');
  });

  it('a plateau is so many rounds since the best promoted policy; rejected rounds and equal ones count', () => {
    const driven = atRoundOne({ rounds: 100, plateauRounds: 2 }, 0.3);
    driven.done(round(1, 0.2));
    driven.done(round(2, 0.4));
    driven.done(round(3, null));
    expect(driven.state()).toBe('round');
    driven.done(round(4, 0.4));
    expect(driven.working()?.input).toEqual({ rounds: 4, reason: 'No better policy in 2 rounds.' });
  });

  it('with no budget of rounds measures round 0 only', () => {
    expect(atRoundOne({ rounds: 0 }).working()?.input).toEqual({ rounds: 0, reason: 'The budget of 0 rounds is spent.' });
  });

  it('stop-after-round lets the round end and records no end, so that the run can be resumed', () => {
    const driven = atRoundOne();
    driven.command('stop-after-round');
    expect(driven.state()).toBe('round');
    driven.done(round(1));
    expect(driven.state()).toBe('stopped');
    expect(driven.output()).toMatchObject({ status: 'stopped', rounds: 1, rows: [{ round: 0 }, { round: 1 }] });
  });

  it('stop-after-round while pretraining stops once round 0 is measured', () => {
    const driven = drive(runMachine, input, coverage);
    driven.done(fresh);
    driven.command('stop-after-round');
    for (const output of [trained, saved]) driven.done(output);
    expect(driven.state()).toBe('measuring.working');
    driven.done(baseline());
    expect(driven.output()).toMatchObject({ status: 'stopped', rounds: 0 });
  });

  it('stop-after-round lets a paused round go on, which would never end', () => {
    const driven = atRoundOne();
    driven.command('pause');
    driven.command('stop-after-round');
    expect([driven.state(), driven.context().paused]).toEqual(['round', false]);
    const early = drive(runMachine, input, coverage);
    early.command('pause');
    early.done(fresh);
    early.done(trained);
    expect(early.state()).toBe('saving.ready');
    early.command('stop-after-round');
    expect(early.state()).toBe('saving.working');
  });

  it.each([0, 1, 2, 3, 4])('stop-now aborts what is in flight (after %d effects)', (after) => {
    const driven = drive(runMachine, input, coverage);
    for (const output of [fresh, trained, saved, baseline()].slice(0, after)) driven.done(output);
    const { src } = driven.working()!;
    expect(driven.aborted).not.toContain(src);
    driven.command('stop-now');
    expect(driven.aborted.at(-1)).toBe(src);
    expect(driven.output()).toMatchObject({ status: 'stopped' });
  });

  it('stop-now ends a paused run and a run that waits to try again', () => {
    const paused = drive(runMachine, input, coverage);
    paused.command('pause');
    paused.done(fresh);
    paused.command('stop-now');
    expect(paused.output()).toMatchObject({ status: 'stopped' });
    const waiting = drive(runMachine, input, coverage);
    waiting.fail(new Error('gone'));
    waiting.command('stop-now');
    expect(waiting.output()).toMatchObject({ status: 'stopped' });
  });

  it('a pause reaches the machine at work, and machines invoked while paused begin paused', () => {
    const driven = drive(runMachine, input, coverage);
    driven.command('pause');
    driven.done(fresh);
    expect(driven.working()).toMatchObject({ src: 'training', input: { paused: true } });
    driven.command('resume');
    expect(driven.context().paused).toBe(false);
    driven.command('pause');
    driven.done(trained);
    expect(driven.state()).toBe('saving.ready');
    driven.command('resume');
    driven.done(saved);
    driven.command('pause');
    driven.done(baseline());
    expect(driven.working()).toMatchObject({ src: 'round', input: { paused: true } });
    driven.command('resume');
    driven.command('pause');
    driven.command('resume');
    driven.done(round(1));
    expect(driven.working()).toMatchObject({ src: 'round', input: { round: 2, paused: false } });
  });

  it('fails with the message of a machine that gave up, or that broke', () => {
    const training = drive(runMachine, input, coverage);
    training.done(fresh);
    training.done({ status: 'failed', message: 'advance failed 4 times' });
    expect(training.output()).toMatchObject({ status: 'failed', reason: 'advance failed 4 times' });
    const trainingBroke = drive(runMachine, input, coverage);
    trainingBroke.done(fresh);
    trainingBroke.fail(new Error('bug'));
    expect(trainingBroke.output()).toMatchObject({ status: 'failed', reason: 'The training machine broke: bug' });
    const inRound = atRoundOne();
    inRound.done({ status: 'failed', message: 'learn failed 4 times' });
    expect(inRound.output()).toMatchObject({ status: 'failed', reason: 'learn failed 4 times', rows: [{ round: 0 }] });
    const roundBroke = atRoundOne();
    roundBroke.fail(new Error('bug'));
    expect(roundBroke.output()).toMatchObject({ status: 'failed', reason: 'The round machine broke: bug' });
  });

  const effects: readonly (readonly [string, string, unknown, readonly unknown[]])[] = [
    ['preparing', 'prepare', fresh, []],
    ['saving', 'save', saved, [fresh, trained]],
    ['measuring', 'measure', baseline(), [fresh, trained, saved]],
    ['finishing', 'finish', undefined, [fresh, trained, saved, baseline(), round(1), round(2), round(3)]],
  ];
  it.each(effects)('%s holds the laws of effects', (state, src, output, before) => {
    holdsEffectLaws({ machine: runMachine, input, state, src, output, reach: (driven) => before.forEach((given) => driven.done(given)), coverage });
  });
});

afterAll(() => expect(coverage.missing(runMachine), 'transitions that no test took').toEqual([]));
