/**
 * Fills the machines' slots with agents. Pure wiring: each slot becomes a promise actor that hands the agent its input and the
 * signal that aborts it. The clock is a function of the caller's, read when a measurement is reported.
 */
import { fromPromise } from 'xstate';
import type { Agents } from '../contracts/agents.ts';
import type { Retried } from './effect.ts';
import { refinementMachine } from './refinement.ts';
import { roundMachine, type Measured, type MeasureInput } from './round.ts';
import { runMachine } from './run.ts';
import { trainingMachine } from './training.ts';

export interface Provision {
  readonly agents: Agents;
  /** Minutes of wall-clock time that the run's budget has been charged with so far. */
  readonly minutes: () => number;
  /** Called when an effect failed and will be tried again. */
  readonly retried: (retried: Retried) => void;
  /** Called when an effect ends: with what it threw, whether or not it is tried again, or with undefined. */
  readonly ended?: (error: unknown) => void;
}

type Call<I, O> = (input: I, signal: AbortSignal) => O | Promise<O>;
/** The run machine, ready for `createActor(machine, { input })`. */
export function provideAgents({ agents, minutes, retried, ended }: Provision): typeof runMachine {
  const promise = <I, O>(call: Call<I, O>) => fromPromise<O, I>(async ({ input, signal }) => {
    try {
      const result = await call(input, signal);
      ended?.(undefined);
      return result;
    } catch (error) {
      ended?.(error);
      throw error;
    }
  });
  const { preparer, pretrainer, generator, critic, refiner, learner, gate, closer } = agents;
  const actions = { retried: (_: unknown, details: Retried) => retried(details) };
  const judge = promise(critic.judge.bind(critic));
  const save = promise(learner.save.bind(learner));
  const measure = promise(async (input: MeasureInput, signal): Promise<Measured> => {
    const { row, alarms, gate: measurement } = await gate.measure(input, signal);
    return { row, alarms, gateValidity: measurement?.unconditional.value ?? null, minutes: minutes() };
  });

  const refinement = refinementMachine.provide({
    actions,
    actors: {
      select: promise((input) => refiner.select(input)),
      propose: promise(refiner.propose.bind(refiner)),
      judge,
      choose: promise(({ round, judged, parents, revisions }) => {
        const repairs = refiner.choose({ parents, revisions });
        return { repairs, refined: refiner.conclude({ round, judged, repairs }) };
      }),
    },
  });
  const round = roundMachine.provide({
    actions,
    actors: {
      generate: promise(generator.generate.bind(generator)),
      judge,
      criticise: promise(critic.criticise.bind(critic)),
      refinement,
      learn: promise(learner.learn.bind(learner)),
      save,
      decide: promise(gate.decide.bind(gate)),
      measure,
    },
  });
  const training = trainingMachine.provide({
    actions,
    actors: { advance: promise(pretrainer.advance.bind(pretrainer)), finish: promise(pretrainer.finish.bind(pretrainer)) },
  });
  return runMachine.provide({
    actions,
    actors: {
      prepare: promise(async (_: undefined, signal) => ({ ...(await preparer.prepare(undefined, signal)), minutes: minutes() })),
      training,
      save,
      measure,
      round,
      finish: promise(closer.finish.bind(closer)),
    },
  });
}
