import { afterAll, describe, expect, it } from 'vitest';
import { roundMachine } from '../../src/machines/round.ts';
import { Coverage, drive, type Driven } from './driver.ts';
import { holdsEffectLaws } from './effect-laws.ts';

const coverage = new Coverage();
const input = { round: 4, attempts: 2, paused: false };
const proportion = { successes: 1, n: 2, value: 0.5, low: 0, high: 1 };
const report = { meanReward: 0.1, discriminatorAuc: 0.6, discriminatorLoss: 0.7 };
const refined = { status: 'done', repairs: ['repair'], refined: proportion, parents: 1, revisions: 2 };
const decision = (promoted: boolean) => ({ promoted, reasons: [], alarms: ['gate.shapes'], measurement: { unconditional: { value: 0.4 } } });
const measured = { row: { round: 4 }, alarms: ['lines.repeated'], gateValidity: null, minutes: 3 };

/** Each state in order: its name, its slot, what the slot gives back. */
const steps: readonly (readonly [string, string, unknown])[] = [
  ['generating', 'generate', ['sample']],
  ['judging', 'judge', ['judged']],
  ['criticising', 'criticise', ['critique']],
  ['refining', 'refinement', refined],
  ['learning', 'learn', report],
  ['saving', 'save', { checkpoint: 'c4', weightsHash: 'h' }],
  ['gating', 'decide', decision(true)],
  ['measuring', 'measure', measured],
];
const walk = (driven: Driven, to: string): void => {
  for (const [state, , output] of steps) {
    if (state === to) return;
    driven.done(output);
  }
};

describe('round machine', () => {
  it('goes the whole way and hands each agent what the ones before it made', () => {
    const driven = drive(roundMachine, input, coverage);
    const given: Record<string, unknown> = {};
    for (const [, src, output] of steps) {
      const working = driven.working();
      expect(working?.src).toBe(src);
      given[src] = working?.input;
      driven.done(output);
    }
    expect(given).toEqual({
      generate: { round: 4 },
      judge: { round: 4, samples: ['sample'] },
      criticise: { round: 4, judged: ['judged'] },
      refinement: { round: 4, attempts: 2, judged: ['judged'], paused: false },
      learn: { round: 4, judged: ['judged'], critiques: ['critique'], repairs: ['repair'] },
      save: { round: 4 },
      decide: { round: 4, checkpoint: 'c4' },
      measure: { round: 4, checkpoint: 'c4', outcome: 'promoted', refined: proportion, report },
    });
    expect(driven.output()).toEqual({ ...measured, status: 'done', alarms: ['gate.shapes', 'lines.repeated'], gateValidity: 0.4 });
  });

  it('measures as rejected what the gate refuses, and reports no gate validity', () => {
    const driven = drive(roundMachine, input, coverage);
    walk(driven, 'gating');
    driven.done(decision(false));
    expect(driven.working()?.input).toMatchObject({ outcome: 'rejected' });
    driven.done(measured);
    expect(driven.output()).toMatchObject({ status: 'done', gateValidity: null });
  });

  it('hands a pause on to refinement and holds the next effect itself', () => {
    const driven = drive(roundMachine, input, coverage);
    walk(driven, 'refining');
    driven.command('pause');
    driven.done(refined);
    expect(driven.state()).toBe('learning.ready');
    driven.command('resume');
    expect(driven.state()).toBe('learning.working');
  });

  it('invokes refinement paused when the pause came earlier, and hands a resume on', () => {
    const driven = drive(roundMachine, input, coverage);
    walk(driven, 'criticising');
    driven.command('pause');
    driven.done(['critique']);
    expect(driven.working()).toMatchObject({ src: 'refinement', input: { paused: true } });
    driven.command('resume');
    driven.done(refined);
    expect(driven.state()).toBe('learning.working');
  });

  it('fails with the message of a refinement that gave up, or that broke', () => {
    const gaveUp = drive(roundMachine, input, coverage);
    walk(gaveUp, 'refining');
    gaveUp.done({ status: 'failed', message: 'propose failed 4 times' });
    expect(gaveUp.output()).toEqual({ status: 'failed', message: 'propose failed 4 times' });
    const broke = drive(roundMachine, input, coverage);
    walk(broke, 'refining');
    broke.fail(new Error('bug'));
    expect(broke.output()).toEqual({ status: 'failed', message: 'The refinement machine broke: bug' });
  });

  it('aborts the effect in flight when it is stopped', () => {
    const driven = drive(roundMachine, input, coverage);
    walk(driven, 'learning');
    expect(driven.aborted).not.toContain('learn');
    driven.stop();
    expect(driven.aborted.at(-1)).toBe('learn');
  });

  it.each(steps.filter(([, src]) => src !== 'refinement'))('%s holds the laws of effects', (state, src, output) => {
    holdsEffectLaws({ machine: roundMachine, input, state, src, output, reach: (driven) => walk(driven, state), coverage, once: src === 'learn' || src === 'decide' });
  });
});

afterAll(() => expect(coverage.missing(roundMachine), 'transitions that no test took').toEqual([]));
