/**
 * The round machine: one full loop, from sampling to the table's next row. Its order is the design's; refining is a machine of
 * its own. Not here: whether there is another round (the run machine).
 */
import { assign, forwardTo, setup } from 'xstate';
import type { GateDecision, Judged, LearnReport } from '../contracts/agents.ts';
import type { Critique, Proportion, Repair, RoundRow, Sample } from '../contracts/records.ts';
import { effectActions, effectDelays, effectGuards, effectsOf, freshEffects, messageOf, slot, type EffectContext, type Failed, type PauseEvent } from './effect.ts';
import { refinementMachine } from './refinement.ts';

export interface RoundInput {
  readonly round: number;
  /** Revisions tried of each failed sample. */
  readonly attempts: number;
  readonly paused: boolean;
}

export interface MeasureInput {
  readonly round: number;
  readonly checkpoint: string;
  readonly outcome: RoundRow['outcome'];
  readonly refined: Proportion | null;
  readonly report: LearnReport | null;
}

/** A measured row, and how many minutes the run has lasted when it was made: the clock reaches the machines as data. */
export interface Measured {
  readonly row: RoundRow;
  readonly alarms: readonly string[];
  /** Validity on the gate split, where this measurement took it (round 0). */
  readonly gateValidity: number | null;
  readonly minutes: number;
}

export interface RoundContext extends EffectContext, Omit<RoundInput, 'paused'> {
  readonly samples: readonly Sample[];
  readonly judged: readonly Judged[];
  readonly critiques: readonly Critique[];
  readonly repairs: readonly Repair[];
  readonly refined: Proportion | null;
  readonly report: LearnReport | null;
  readonly checkpoint: string;
  readonly decision: GateDecision | null;
  readonly measured: Measured | null;
}

export type RoundOutput =
  | (Measured & {
      readonly status: 'done';
      /** On the gate split, of the policy that this round promoted; null when it was rejected. */
      readonly gateValidity: number | null;
    })
  | Failed;

const promises = {
  generate: slot<{ round: number }, Sample[]>('generate'),
  judge: slot<{ round: number; samples: readonly Sample[] }, Judged[]>('judge'),
  criticise: slot<{ round: number; judged: readonly Judged[] }, Critique[]>('criticise'),
  learn: slot<{ round: number; judged: readonly Judged[]; critiques: readonly Critique[]; repairs: readonly Repair[] }, LearnReport>('learn'),
  save: slot<{ round: number }, { checkpoint: string; weightsHash: string }>('save'),
  decide: slot<{ round: number; checkpoint: string }, GateDecision>('decide'),
  measure: slot<MeasureInput, Measured>('measure'),
};
const effect = effectsOf<RoundContext, typeof promises>('round');

export const roundMachine = setup({
  types: { context: {} as RoundContext, events: {} as PauseEvent, input: {} as RoundInput, output: {} as RoundOutput },
  actors: { ...promises, refinement: refinementMachine },
  guards: effectGuards,
  delays: effectDelays,
  actions: effectActions,
}).createMachine({
  id: 'round',
  context: ({ input: { paused, ...input } }) => ({
    ...freshEffects(paused), ...input,
    samples: [], judged: [], critiques: [], repairs: [], refined: null, report: null, checkpoint: '', decision: null, measured: null,
  }),
  initial: 'generating',
  on: {
    'command.pause': { actions: assign({ paused: true }) },
    'command.resume': { actions: assign({ paused: false }) },
  },
  states: {
    generating: effect({ src: 'generate', input: ({ round }) => ({ round }), keep: (samples) => ({ samples }), next: 'judging' }),
    judging: effect({ src: 'judge', input: ({ round, samples }) => ({ round, samples }), keep: (judged) => ({ judged }), next: 'criticising' }),
    criticising: effect({ src: 'criticise', input: ({ round, judged }) => ({ round, judged }), keep: (critiques) => ({ critiques }), next: 'refining' }),
    refining: {
      invoke: {
        id: 'refinement',
        src: 'refinement',
        input: ({ context: { round, attempts, judged, paused } }) => ({ round, attempts, judged, paused }),
        onDone: [
          {
            guard: 'gaveUp',
            target: 'failed',
            actions: assign({ failure: ({ event }) => (event.output.status === 'failed' ? event.output.message : null) }),
          },
          {
            target: 'learning',
            actions: assign(({ event }) => (event.output.status === 'done' ? { repairs: event.output.repairs, refined: event.output.refined } : {})),
          },
        ],
        onError: { target: 'failed', actions: assign({ failure: ({ event }) => `The refinement machine broke: ${messageOf(event.error)}` }) },
      },
      on: {
        'command.pause': { actions: [assign({ paused: true }), forwardTo('refinement')] },
        'command.resume': { actions: [assign({ paused: false }), forwardTo('refinement')] },
      },
    },
    learning: effect({
      src: 'learn',
      input: ({ round, judged, critiques, repairs }) => ({ round, judged, critiques, repairs }),
      keep: (report) => ({ report }),
      next: 'saving',
      once: true,
    }),
    saving: effect({ src: 'save', input: ({ round }) => ({ round }), keep: ({ checkpoint }) => ({ checkpoint }), next: 'gating' }),
    gating: effect({ src: 'decide', input: ({ round, checkpoint }) => ({ round, checkpoint }), keep: (decision) => ({ decision }), next: 'measuring', once: true }),
    measuring: effect({
      src: 'measure',
      input: ({ round, checkpoint, decision, refined, report }) => ({
        round, checkpoint, outcome: decision?.promoted === true ? 'promoted' as const : 'rejected' as const, refined, report,
      }),
      keep: (measured) => ({ measured }),
      next: 'done',
    }),
    done: { type: 'final' },
    failed: { type: 'final' },
  },
  output: ({ context: { failure, measured, decision } }) =>
    failure === null && measured && decision
      ? {
          ...measured,
          status: 'done',
          alarms: [...decision.alarms, ...measured.alarms],
          gateValidity: decision.promoted ? decision.measurement?.unconditional.value ?? null : null,
        }
      : { status: 'failed', message: failure ?? 'The round ended without a row.' },
});
