/**
 * The run machine: preparation, pretraining, the measurement of round 0, then rounds until a budget is spent, the target is
 * reached, nothing gets better or the user says stop. It holds no clock: minutes arrive with what effects report.
 *
 * A stopped run records no end, since it may be resumed and must then equal a run that was never stopped. `stop-now` aborts
 * the effect in flight; `stop-after-round` lets the round (or pretraining and round 0) end, and a paused one go on to its end. Not here: what any step does.
 */
import { assign, forwardTo, raise, setup } from 'xstate';
import type { Preparation } from '../contracts/agents.ts';
import type { RoundRow } from '../contracts/records.ts';
import { effectActions, effectDelays, effectGuards, effectsOf, freshEffects, messageOf, slot, type CommandEvent, type EffectContext } from './effect.ts';
import { roundMachine, type MeasureInput, type Measured } from './round.ts';
import { trainingMachine } from './training.ts';

export interface Budget {
  readonly rounds: number;
  /** The run stops after the round in which this is reached. */
  readonly minutes: number;
  /** Validity on the gate split, in [0, 1]; 1: none, since a sample of which all are valid says little. */
  readonly targetValidity: number;
  /** Rounds without a better promoted policy; 0: never. */
  readonly plateauRounds: number;
}

export interface RunInput {
  readonly budget: Budget;
  /** Revisions tried of each failed sample. */
  readonly attempts: number;
  /** Pretraining steps between two safe points. */
  readonly chunkSteps: number;
}

export interface RunContext extends EffectContext, RunInput {
  readonly preparation: Preparation | null;
  /** Rounds that are complete; round 0 is not counted. */
  readonly completedRounds: number;
  readonly rows: readonly RoundRow[];
  readonly checkpoint: string;
  readonly minutes: number;
  /** Best validity on the gate split of any promoted policy, and its round. */
  readonly best: { readonly round: number; readonly validity: number } | null;
  readonly stopping: boolean;
  readonly stopped: boolean;
  readonly reason: string;
}

export interface RunOutput {
  readonly status: 'done' | 'stopped' | 'failed';
  readonly rounds: number;
  /** Why the run ended, as a sentence. */
  readonly reason: string;
  readonly rows: readonly RoundRow[];
}

const promises = {
  prepare: slot<undefined, Preparation & { readonly minutes: number }>('prepare'),
  save: slot<{ round: number }, { checkpoint: string; weightsHash: string }>('save'),
  measure: slot<MeasureInput, Measured>('measure'),
  finish: slot<{ rounds: number; reason: string }, void>('finish'),
};
const effect = effectsOf<RunContext, typeof promises>('run');

type Best = RunContext['best'];
const better = (best: Best, round: number, validity: number | null | undefined): Best =>
  validity != null && (best === null || validity > best.validity) ? { round, validity } : best;

const plural = (count: number, noun: string): string => `${count} ${noun}${count === 1 ? '' : 's'}`;

export const runMachine = setup({
  types: { context: {} as RunContext, events: {} as CommandEvent, input: {} as RunInput, output: {} as RunOutput },
  actors: { ...promises, training: trainingMachine, round: roundMachine },
  guards: {
    ...effectGuards,
    baselineMeasured: ({ context }) => context.rows.length > 0,
    stopRequested: ({ context }) => context.stopping,
    roundsSpent: ({ context: { completedRounds, budget } }) => completedRounds >= budget.rounds,
    minutesSpent: ({ context: { minutes, budget } }) => minutes >= budget.minutes,
    targetReached: ({ context: { best, budget } }) => budget.targetValidity < 1 && best !== null && best.validity >= budget.targetValidity,
    plateau: ({ context: { best, budget, completedRounds } }) =>
      budget.plateauRounds > 0 && completedRounds - (best?.round ?? 0) >= budget.plateauRounds,
  },
  delays: effectDelays,
  actions: effectActions,
}).createMachine({
  id: 'run',
  context: ({ input }) => ({
    ...freshEffects(false), ...input,
    preparation: null, completedRounds: 0, rows: [], checkpoint: '', minutes: 0, best: null, stopping: false, stopped: false, reason: '',
  }),
  initial: 'preparing',
  on: {
    'command.pause': { actions: assign({ paused: true }) },
    'command.resume': { actions: assign({ paused: false }) },
    // A round that rests would never end.
    'command.stop-after-round': { actions: [assign({ stopping: true }), raise({ type: 'command.resume' })] },
    'command.stop-now': { target: '.stopped', actions: assign({ stopped: true, reason: 'Stopped at once, as the user asked.' }) },
  },
  states: {
    preparing: effect({
      src: 'prepare',
      input: () => undefined,
      keep: ({ minutes, ...preparation }) => ({
        preparation,
        minutes,
        completedRounds: preparation.completedRounds,
        rows: preparation.rows,
        best: (preparation.promotions ?? []).reduce<Best>((best, { round, gate }) => better(best, round, gate.unconditional.value), null),
      }),
      next: 'routing',
    }),
    routing: { always: [{ guard: 'baselineMeasured', target: 'deciding' }, { target: 'pretraining' }] },
    pretraining: {
      invoke: {
        id: 'training',
        src: 'training',
        input: ({ context: { preparation, chunkSteps, paused } }) => ({
          fromStep: preparation?.pretrainedSteps ?? 0, totalSteps: preparation?.totalSteps ?? 0, chunkSteps, paused,
        }),
        onDone: [
          {
            guard: 'gaveUp',
            target: 'failed',
            actions: assign({ failure: ({ event }) => (event.output.status === 'failed' ? event.output.message : null) }),
          },
          { target: 'saving' },
        ],
        onError: { target: 'failed', actions: assign({ failure: ({ event }) => `The training machine broke: ${messageOf(event.error)}` }) },
      },
      on: {
        'command.pause': { actions: [assign({ paused: true }), forwardTo('training')] },
        'command.resume': { actions: [assign({ paused: false }), forwardTo('training')] },
      },
    },
    saving: effect({ src: 'save', input: () => ({ round: 0 }), keep: ({ checkpoint }) => ({ checkpoint }), next: 'measuring' }),
    measuring: effect({
      src: 'measure',
      input: ({ checkpoint }) => ({ round: 0, checkpoint, outcome: 'baseline' as const, refined: null, report: null }),
      keep: ({ row, minutes, gateValidity }, { best }) => ({ rows: [row], minutes, best: better(best, 0, gateValidity) }),
      next: 'deciding',
    }),
    deciding: {
      always: [
        { guard: 'stopRequested', target: 'stopped', actions: assign({ stopped: true, reason: 'Stopped after the round, as the user asked.' }) },
        { guard: 'roundsSpent', target: 'finishing', actions: assign({ reason: ({ context }) => `The budget of ${plural(context.budget.rounds, 'round')} is spent.` }) },
        { guard: 'minutesSpent', target: 'finishing', actions: assign({ reason: ({ context }) => `The budget of ${plural(context.budget.minutes, 'minute')} is spent.` }) },
        { guard: 'targetReached', target: 'finishing', actions: assign({ reason: ({ context }) => `Validity on the gate split reached the target of ${context.budget.targetValidity}.` }) },
        { guard: 'plateau', target: 'finishing', actions: assign({ reason: ({ context }) => `No better policy in ${plural(context.budget.plateauRounds, 'round')}.` }) },
        { target: 'round' },
      ],
    },
    round: {
      invoke: {
        id: 'round',
        src: 'round',
        input: ({ context: { completedRounds, attempts, paused } }) => ({ round: completedRounds + 1, attempts, paused }),
        onDone: [
          {
            guard: 'gaveUp',
            target: 'failed',
            actions: assign({ failure: ({ event }) => (event.output.status === 'failed' ? event.output.message : null) }),
          },
          {
            target: 'deciding',
            actions: assign(({ context, event: { output } }) =>
              output.status === 'failed'
                ? {}
                : {
                    rows: [...context.rows, output.row],
                    completedRounds: output.row.round,
                    minutes: output.minutes,
                    best: better(context.best, output.row.round, output.gateValidity),
                  },
            ),
          },
        ],
        onError: { target: 'failed', actions: assign({ failure: ({ event }) => `The round machine broke: ${messageOf(event.error)}` }) },
      },
      on: {
        'command.pause': { actions: [assign({ paused: true }), forwardTo('round')] },
        'command.resume': { actions: [assign({ paused: false }), forwardTo('round')] },
      },
    },
    finishing: effect({
      src: 'finish',
      input: ({ completedRounds, reason }) => ({ rounds: completedRounds, reason }),
      keep: () => ({}),
      next: 'done',
    }),
    done: { type: 'final' },
    stopped: { type: 'final' },
    failed: { type: 'final' },
  },
  output: ({ context: { failure, stopped, completedRounds, reason, rows } }) => ({
    status: failure !== null ? 'failed' : stopped ? 'stopped' : 'done',
    rounds: completedRounds,
    reason: failure ?? reason,
    rows,
  }),
});
