/** The laws of an effect state, held by each effect of each machine: what the suites of the machines have in common. */
import { expect } from 'vitest';
import type { AnyStateMachine } from 'xstate';
import { RETRY } from '../../src/machines/effect.ts';
import { drive, type Coverage, type Driven } from './driver.ts';

/**
 * `reach` brings a fresh machine to the effect's `working` state. Checks: a failure is retried after a growing delay and noted; success
 * after a retry goes on; a pause holds the effect before it starts again; the cap and a permanent error end in `failed`. One that is tried `once` fails with its first error.
 */
export function holdsEffectLaws(options: {
  readonly machine: AnyStateMachine;
  readonly input: unknown;
  readonly state: string;
  readonly src: string;
  readonly output: unknown;
  readonly reach: (driven: Driven) => void;
  readonly coverage: Coverage;
  readonly once?: boolean;
}): void {
  const { machine, input, state, src, output, reach, coverage, once = false } = options;
  const fresh = (): Driven => {
    const driven = drive(machine, input, coverage);
    reach(driven);
    expect(driven.state()).toBe(`${state}.working`);
    expect(driven.working()?.src).toBe(src);
    return driven;
  };

  const permanent = fresh();
  permanent.fail(Object.assign(new Error('corpus too small'), { permanent: !once }));
  expect(permanent.state()).toBe('failed');
  expect(permanent.retried).toEqual([]);
  expect(JSON.stringify(permanent.output())).toContain(`'${src}' of the ${machine.id} failed and cannot be tried again: corpus too small`);
  if (once) {
    const working = fresh();
    working.done(output);
    expect(working.state().startsWith(`${state}.`)).toBe(false);
    return working.stop();
  }

  const retrying = fresh();
  retrying.fail(new Error('gone'));
  expect(retrying.state()).toBe(`${state}.waiting`);
  expect(retrying.retried).toEqual([{ effect: `${machine.id}.${src}`, attempt: 1, error: 'gone' }]);
  retrying.wait(RETRY.firstDelay - 1);
  expect(retrying.state()).toBe(`${state}.waiting`);
  retrying.wait(1);
  expect(retrying.state()).toBe(`${state}.working`);
  retrying.fail('again');
  retrying.wait(RETRY.firstDelay);
  expect(retrying.state()).toBe(`${state}.waiting`);
  retrying.command('pause');
  retrying.wait(RETRY.firstDelay * (RETRY.factor - 1));
  expect(retrying.state()).toBe(`${state}.ready`);
  retrying.command('resume');
  expect(retrying.state()).toBe(`${state}.working`);
  retrying.done(output);
  expect(retrying.state().startsWith(`${state}.`)).toBe(false);
  retrying.stop();

  const exhausted = fresh();
  for (let attempt = 1; attempt < RETRY.attempts; attempt++) {
    exhausted.fail(new Error('gone'));
    exhausted.wait(RETRY.firstDelay * RETRY.factor ** (attempt - 1));
  }
  exhausted.fail(new Error('gone for good'));
  expect(exhausted.state()).toBe('failed');
  expect(exhausted.retried).toHaveLength(RETRY.attempts - 1);
  expect(exhausted.output()).toMatchObject({ status: 'failed' });
  expect(JSON.stringify(exhausted.output())).toContain(`'${src}' of the ${machine.id} failed ${RETRY.attempts} times: gone for good`);
}
