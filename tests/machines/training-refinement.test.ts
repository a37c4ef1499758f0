import { afterAll, describe, expect, it } from 'vitest';
import { initialTransition, transition } from 'xstate';
import { refinementMachine } from '../../src/machines/refinement.ts';
import { trainingMachine } from '../../src/machines/training.ts';
import { judgedSample } from '../fakes.ts';
import { Coverage, drive, type Driven } from './driver.ts';
import { holdsEffectLaws } from './effect-laws.ts';

const coverage = new Coverage();

describe('training machine', () => {
  const input = { fromStep: 0, totalSteps: 25, chunkSteps: 10, paused: false };

  it('advances in chunks to the total, then finishes', () => {
    const driven = drive(trainingMachine, input, coverage);
    const chunks: unknown[] = [];
    for (const step of [10, 20, 25]) {
      chunks.push(driven.working()?.input);
      driven.done({ step, loss: 1, ended: false });
    }
    expect(chunks).toEqual([{ fromStep: 0, steps: 10 }, { fromStep: 10, steps: 10 }, { fromStep: 20, steps: 5 }]);
    expect(driven.working()).toEqual({ src: 'finish', input: { step: 25 } });
    driven.done({ weightsHash: 'h' });
    expect(driven.output()).toEqual({ status: 'done', step: 25, weightsHash: 'h' });
  });

  it('finishes where a chunk says that it ends, whatever is left', () => {
    const driven = drive(trainingMachine, input, coverage);
    driven.done({ step: 10, loss: 1, ended: false });
    driven.done({ step: 20, loss: 1, ended: true });
    expect(driven.working()).toEqual({ src: 'finish', input: { step: 20 } });
    driven.done({ weightsHash: 'h' });
    expect(driven.output()).toEqual({ status: 'done', step: 20, weightsHash: 'h' });
  });

  it('goes on from a saved step, and only finishes when none is left', () => {
    expect(drive(trainingMachine, { ...input, fromStep: 20 }, coverage).working()?.input).toEqual({ fromStep: 20, steps: 5 });
    expect(drive(trainingMachine, { ...input, fromStep: 25 }, coverage).working()).toEqual({ src: 'finish', input: { step: 25 } });
  });

  it('pauses between chunks: the chunk in flight is kept', () => {
    const driven = drive(trainingMachine, input, coverage);
    driven.command('pause');
    expect(driven.state()).toBe('advancing.working');
    driven.done({ step: 10, loss: 1, ended: false });
    expect(driven.state()).toBe('advancing.ready');
    driven.command('resume');
    expect(driven.working()?.input).toEqual({ fromStep: 10, steps: 10 });
  });

  it('is the same as a pure function', () => {
    const [first] = initialTransition(trainingMachine, { ...input, fromStep: 20, paused: true });
    expect(first.value).toEqual({ advancing: 'ready' });
    const [resumed] = transition(trainingMachine, first, { type: 'command.resume' });
    expect(resumed.value).toEqual({ advancing: 'working' });
  });

  it.each([
    ['advancing', 'advance', { step: 25, loss: 1, ended: false }, () => {}],
    ['finishing', 'finish', { weightsHash: '' }, (driven: Driven) => driven.done({ step: 25, loss: 1, ended: false })],
  ] as const)('%s holds the laws of effects', (state, src, output, reach) => {
    holdsEffectLaws({ machine: trainingMachine, input, state, src, output, reach, coverage, once: true });
  });
});

describe('refinement machine', () => {
  const judged = [judgedSample({ completion: 'def f(:' })];
  const input = { round: 3, attempts: 2, judged, paused: false };
  const proportion = { successes: 1, n: 1, value: 1, low: 0, high: 1 };

  it('proposes and judges `attempts` times, then chooses among all revisions', () => {
    const driven = drive(refinementMachine, input, coverage);
    expect(driven.working()).toEqual({ src: 'select', input: { round: 3, judged } });
    driven.done(judged);
    for (const attempt of [1, 2]) {
      const revisions = attempt === 1 ? [] : ['j1'];
      expect(driven.working()).toEqual({ src: 'propose', input: { round: 3, attempt, parents: judged, revisions } });
      driven.done([`s${attempt}`]);
      expect(driven.working()).toEqual({ src: 'judge', input: { round: 3, samples: [`s${attempt}`] } });
      driven.done([`j${attempt}`]);
    }
    expect(driven.working()).toEqual({ src: 'choose', input: { round: 3, judged, parents: judged, revisions: ['j1', 'j2'] } });
    driven.done({ repairs: ['r'], refined: proportion });
    expect(driven.output()).toEqual({ status: 'done', repairs: ['r'], refined: proportion, parents: 1, revisions: 2 });
  });

  it('goes straight to the choice when nothing failed', () => {
    const driven = drive(refinementMachine, input, coverage);
    driven.done([]);
    expect(driven.working()?.src).toBe('choose');
  });

  it('rests before its first effect when it is invoked paused', () => {
    const driven = drive(refinementMachine, { ...input, paused: true }, coverage);
    expect(driven.state()).toBe('selecting.ready');
    driven.command('resume');
    expect(driven.state()).toBe('selecting.working');
  });

  const steps: readonly (readonly [string, string, unknown])[] = [
    ['selecting', 'select', judged], ['proposing', 'propose', []], ['judging', 'judge', []], ['proposing', 'propose', []], ['judging', 'judge', []],
    ['choosing', 'choose', { repairs: [], refined: proportion }],
  ];
  it.each(steps.map((step, at) => [...step, at] as const))('%s holds the laws of effects', (state, src, output, at) => {
    const reach = (driven: Driven): void => steps.slice(0, at).forEach(([, , given]) => driven.done(given));
    holdsEffectLaws({ machine: refinementMachine, input, state, src, output, reach, coverage });
  });
});

afterAll(() => {
  expect(coverage.missing(trainingMachine), 'transitions that no test took').toEqual([]);
  expect(coverage.missing(refinementMachine), 'transitions that no test took').toEqual([]);
});
