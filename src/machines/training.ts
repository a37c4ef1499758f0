/**
 * The training machine: pretraining, chunk by chunk, until all steps are done or a chunk says that it ends here, then the
 * finishing effect. A chunk is short, so a pause or a stop never waits long. Not here: what a step is (the models), where steps are saved (the pretrainer).
 */
import { assign, setup } from 'xstate';
import { effectActions, effectDelays, effectGuards, effectsOf, freshEffects, slot, type EffectContext, type Failed, type PauseEvent } from './effect.ts';

export interface TrainingInput {
  /** Step at which training goes on; `totalSteps` when nothing is left to do but finishing. */
  readonly fromStep: number;
  readonly totalSteps: number;
  readonly chunkSteps: number;
  readonly paused: boolean;
}

export interface TrainingContext extends EffectContext, Omit<TrainingInput, 'paused'> {
  readonly step: number;
  readonly loss: number | null;
  /** Told by the last chunk: no more steps, though some are left. */
  readonly ended: boolean;
  readonly weightsHash: string;
}

export type TrainingOutput = { readonly status: 'done'; readonly step: number; readonly weightsHash: string } | Failed;

const actors = {
  advance: slot<{ fromStep: number; steps: number }, { step: number; loss: number; ended: boolean }>('advance'),
  finish: slot<{ step: number }, { weightsHash: string }>('finish'),
};
const effect = effectsOf<TrainingContext, typeof actors>('training');

export const trainingMachine = setup({
  types: { context: {} as TrainingContext, events: {} as PauseEvent, input: {} as TrainingInput, output: {} as TrainingOutput },
  actors,
  guards: { ...effectGuards, trained: ({ context }) => context.ended || context.step >= context.totalSteps },
  delays: effectDelays,
  actions: effectActions,
}).createMachine({
  id: 'training',
  context: ({ input: { paused, ...input } }) => ({ ...freshEffects(paused), ...input, step: input.fromStep, loss: null, ended: false, weightsHash: '' }),
  initial: 'routing',
  on: {
    'command.pause': { actions: assign({ paused: true }) },
    'command.resume': { actions: assign({ paused: false }) },
  },
  states: {
    routing: { always: [{ guard: 'trained', target: 'finishing' }, { target: 'advancing' }] },
    advancing: effect({
      src: 'advance',
      input: ({ step, totalSteps, chunkSteps }) => ({ fromStep: step, steps: Math.min(chunkSteps, totalSteps - step) }),
      keep: ({ step, loss, ended }) => ({ step, loss, ended }),
      next: 'routing',
      once: true,
    }),
    finishing: effect({ src: 'finish', input: ({ step }) => ({ step }), keep: ({ weightsHash }) => ({ weightsHash }), next: 'done', once: true }),
    done: { type: 'final' },
    failed: { type: 'final' },
  },
  output: ({ context: { failure, step, weightsHash } }) =>
    failure === null ? { status: 'done', step, weightsHash } : { status: 'failed', message: failure },
});
