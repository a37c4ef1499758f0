/**
 * The refinement machine: which failed samples are worth a repair, then `attempts` times revisions of all of them and their
 * judgement, then the choice of the best. Not here: how a repair is proposed or accepted (the refiner).
 */
import { assign, setup } from 'xstate';
import type { Judged } from '../contracts/agents.ts';
import type { Proportion, Repair, Sample } from '../contracts/records.ts';
import { effectActions, effectDelays, effectGuards, effectsOf, freshEffects, slot, type EffectContext, type Failed, type PauseEvent } from './effect.ts';

export interface RefinementInput {
  readonly round: number;
  /** Revisions tried of each parent. */
  readonly attempts: number;
  /** All judged samples of the round. */
  readonly judged: readonly Judged[];
  readonly paused: boolean;
}

export interface RefinementContext extends EffectContext, Omit<RefinementInput, 'paused'> {
  /** Attempts that were judged. */
  readonly attempt: number;
  readonly parents: readonly Judged[];
  readonly proposed: readonly Sample[];
  readonly revisions: readonly Judged[];
  readonly repairs: readonly Repair[];
  readonly refined: Proportion | null;
}

export type RefinementOutput =
  | {
      readonly status: 'done';
      readonly repairs: readonly Repair[];
      /** Validity of the round with its accepted repairs counted. */
      readonly refined: Proportion | null;
      readonly parents: number;
      readonly revisions: number;
    }
  | Failed;

const actors = {
  select: slot<{ round: number; judged: readonly Judged[] }, Judged[]>('select'),
  propose: slot<{ round: number; attempt: number; parents: readonly Judged[]; revisions: readonly Judged[] }, Sample[]>('propose'),
  judge: slot<{ round: number; samples: readonly Sample[] }, Judged[]>('judge'),
  choose: slot<
    { round: number; judged: readonly Judged[]; parents: readonly Judged[]; revisions: readonly Judged[] },
    { repairs: Repair[]; refined: Proportion }
  >('choose'),
};
const effect = effectsOf<RefinementContext, typeof actors>('refinement');

export const refinementMachine = setup({
  types: { context: {} as RefinementContext, events: {} as PauseEvent, input: {} as RefinementInput, output: {} as RefinementOutput },
  actors,
  guards: { ...effectGuards, exhausted: ({ context }) => context.parents.length === 0 || context.attempt >= context.attempts },
  delays: effectDelays,
  actions: effectActions,
}).createMachine({
  id: 'refinement',
  context: ({ input: { paused, ...input } }) => ({
    ...freshEffects(paused), ...input, attempt: 0, parents: [], proposed: [], revisions: [], repairs: [], refined: null,
  }),
  initial: 'selecting',
  on: {
    'command.pause': { actions: assign({ paused: true }) },
    'command.resume': { actions: assign({ paused: false }) },
  },
  states: {
    selecting: effect({ src: 'select', input: ({ round, judged }) => ({ round, judged }), keep: (parents) => ({ parents }), next: 'routing' }),
    routing: { always: [{ guard: 'exhausted', target: 'choosing' }, { target: 'proposing' }] },
    proposing: effect({
      src: 'propose',
      input: ({ round, attempt, parents, revisions }) => ({ round, attempt: attempt + 1, parents, revisions }),
      keep: (proposed) => ({ proposed }),
      next: 'judging',
    }),
    judging: effect({
      src: 'judge',
      input: ({ round, proposed }) => ({ round, samples: proposed }),
      keep: (judged, { revisions, attempt }) => ({ revisions: [...revisions, ...judged], proposed: [], attempt: attempt + 1 }),
      next: 'routing',
    }),
    choosing: effect({
      src: 'choose',
      input: ({ round, judged, parents, revisions }) => ({ round, judged, parents, revisions }),
      keep: ({ repairs, refined }) => ({ repairs, refined }),
      next: 'done',
    }),
    done: { type: 'final' },
    failed: { type: 'final' },
  },
  output: ({ context: { failure, repairs, refined, parents, revisions } }) =>
    failure === null
      ? { status: 'done', repairs, refined, parents: parents.length, revisions: revisions.length }
      : { status: 'failed', message: failure },
});
