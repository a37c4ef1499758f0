/** What a run's time is: rounds and rates by an injected clock, and a pause that counts for nothing. */
import { describe, expect, it } from 'vitest';
import { PausableClock, RoundTimer } from '../../src/agents/timing.ts';
import type { HashedEvent, UnhashedEvent } from '../../src/contracts/events.ts';

describe('a pausable clock', () => {
  it('stands from pause to resume, however often either is said', () => {
    let now = 100;
    const clock = new PausableClock(() => now);
    const after = (milliseconds: number): number => ((now += milliseconds), clock.read());
    expect(after(10)).toBe(110);
    clock.resume();
    clock.pause();
    expect(after(1000)).toBe(110);
    clock.pause();
    expect(after(1000)).toBe(110);
    clock.resume();
    expect(after(5)).toBe(115);
    clock.resume();
    clock.pause();
    expect(after(1000)).toBe(115);
    clock.resume();
    expect(clock.read()).toBe(115);
  });
});

describe('a round timer', () => {
  it('notes after each round its seconds without pauses, and the tokens a second of sampling and training', () => {
    let now = 0;
    const clock = new PausableClock(() => now);
    const noted: UnhashedEvent[] = [];
    const timer = new RoundTimer({ record: () => {}, note: (event) => void noted.push(event) }, clock.read);
    const work = (agent: string, activity: string, seconds: number): void => timer.note({ type: 'activity.finished', data: { agent, activity, round: 1, amount: 1, seconds } });
    const record = (event: HashedEvent): void => timer.record([{ key: event.type, event }]);
    const round = (number: number): void => {
      record({ type: 'sample.created', data: { tokens: [1, 2, 3, 4], parent: undefined } } as unknown as HashedEvent);
      record({ type: 'sample.created', data: { tokens: [1, 2, 3, 4], parent: 'a' } } as unknown as HashedEvent);
      work('generator', 'generate', 2);
      record({ type: 'policy.updated', data: { tokens: 30 } } as unknown as HashedEvent);
      work('learner', 'learn', 3);
      work('learner', 'save', 7);
      record({ type: 'round.finished', data: { round: number } } as unknown as HashedEvent);
    };
    now += 20_000;
    clock.pause();
    now += 600_000;
    clock.resume();
    now += 10_000;
    round(1);
    now += 4_000;
    round(2);
    const timed = (number: number, seconds: number): object => ({ type: 'round.timed', data: { round: number, seconds, sampledTokensPerSecond: 2, trainedTokensPerSecond: 10 } });
    expect(noted.filter(({ type }) => type === 'round.timed')).toEqual([timed(1, 30), timed(2, 4)]);
  });
});
