/**
 * One effect of a machine as a state: held while the run is paused, worked on, tried again after a growing delay when it
 * fails, given up after a cap. All four machines build their effect states here, so that pausing and retrying are
 * written once. Not here: what an effect does (agents) and who reports a retry (the composition root).
 *
 *     ready ─[going]─► working ─done─► the next state
 *       ▲                 │ error
 *       └─ after back-off ┴─[may retry]─► waiting      otherwise ─► failed
 *
 * An effect that moves the models on (training, promotion) is not tried again: the second time it would begin from where the first one
 * had come, and end elsewhere. Its run fails with the cause, and resumed it goes on from what was saved.
 *
 * A pause takes effect at the next safe point, which is the start of any effect: the effect in flight ends and is kept, the next
 * one rests in `ready`. Stopping a machine stops its working actor, whose AbortSignal the agent was handed.
 */
import { assign, fromPromise, type EventObject, type InputFrom, type OutputFrom, type PromiseActorLogic } from 'xstate';
import type { Command } from '../contracts/events.ts';

/** How often an effect is tried, and how long is waited before trying again: `firstDelay` milliseconds, `factor` times as long each time. */
export const RETRY = { attempts: 4, firstDelay: 500, factor: 2 } as const;

/** What every machine with effects keeps in its context. */
export interface EffectContext {
  readonly paused: boolean;
  /** How often the effect at hand has failed; 0 once the next one begins. */
  readonly failures: number;
  /** Why the machine gave up, as a sentence; null while it has not. */
  readonly failure: string | null;
}

export const freshEffects = (paused: boolean): EffectContext => ({ paused, failures: 0, failure: null });

/** A user's command as a machine sees it. */
export type CommandEvent = { [C in Command]: { type: `command.${C}` } }[Command];
export type PauseEvent = Extract<CommandEvent, { type: 'command.pause' | 'command.resume' }>;

/** Parameters of the `retried` action: what failed, how often by now, and why. */
export interface Retried {
  readonly effect: string;
  readonly attempt: number;
  readonly error: string;
}

/** An error with `permanent: true` (a corpus that is too small, a step that came out differently) would only come again. */
const isPermanent = (error: unknown): boolean => (error as { permanent?: unknown } | null)?.permanent === true;

export const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));

/** A typed actor slot that the composition root fills through `machine.provide`. */
export function slot<Input, Output>(name: string): PromiseActorLogic<Output, Input> {
  return fromPromise<Output, Input>(() =>
    Promise.reject(Object.assign(new Error(`Nothing was provided for the effect '${name}'; fill its slot with machine.provide().`), { permanent: true })),
  );
}

/** The guards, the delay and the action slot that effect states name; each machine's `setup` takes them in. */
export const effectGuards = {
  going: ({ context }: { context: EffectContext }): boolean => !context.paused,
  mayRetry: ({ context, event }: { context: EffectContext; event: EventObject }): boolean =>
    context.failures + 1 < RETRY.attempts && !isPermanent((event as unknown as { error?: unknown }).error),
  /** An invoked machine ended in its `failed` state. */
  gaveUp: ({ event }: { event: EventObject }): boolean => (event as unknown as { output?: { status?: unknown } }).output?.status === 'failed',
};
export const effectDelays = {
  /** Milliseconds. */
  backOff: ({ context }: { context: EffectContext }): number => RETRY.firstDelay * RETRY.factor ** Math.max(0, context.failures - 1),
};
export const effectActions = {
  /** Unprovided: the composition root notes it in the event log. */
  retried: (_: unknown, _retried: Retried): void => {},
};

// eslint-disable-next-line @typescript-eslint/no-explicit-any -- each slot has its own input and output
type Slots = Record<string, PromiseActorLogic<any, any>>;

export interface EffectSpec<C, S extends Slots, K extends keyof S> {
  /** Name of the actor slot; also the effect's name in messages. */
  readonly src: K;
  readonly input: (context: C) => InputFrom<S[K]>;
  /** What the machine remembers of the output. */
  readonly keep: (output: OutputFrom<S[K]>, context: C) => Partial<C>;
  /** Sibling state that follows. */
  readonly next: string;
  /** Repeated, it would not do the same again. */
  readonly once?: boolean;
}

/* eslint-disable @typescript-eslint/no-explicit-any -- the machine's own setup checks the rest of its states */
export interface EffectState {
  readonly initial: 'ready';
  readonly entry: any;
  readonly states: { readonly ready: any; readonly working: any; readonly waiting?: any };
}

/**
 * A maker of effect states for the machine with id `machine`, context `C` and promise slots `S`. The machine needs a final
 * state `failed` at its root and the guards, delays and actions above.
 */
export function effectsOf<C extends EffectContext, S extends Slots>(machine: string) {
  return function effect<K extends keyof S & string>(spec: EffectSpec<C, S, K>): EffectState {
    return {
      initial: 'ready',
      entry: assign({ failures: 0 } as any),
      states: {
        ready: { always: { guard: 'going', target: 'working' } },
        working: {
          invoke: {
            src: spec.src,
            input: ({ context }: { context: C }) => spec.input(context),
            onDone: {
              target: `#${machine}.${spec.next}`,
              actions: assign(({ context, event }: any) => spec.keep(event.output, context) as any),
            },
            onError: [
              ...(spec.once === true ? [] : [{
                guard: 'mayRetry',
                target: 'waiting',
                actions: [
                  assign({ failures: ({ context }: any) => context.failures + 1 } as any),
                  { type: 'retried', params: ({ context, event }: any): Retried => ({ effect: `${machine}.${spec.src}`, attempt: context.failures, error: messageOf(event.error) }) },
                ],
              }]),
              {
                target: `#${machine}.failed`,
                actions: assign({
                  failure: ({ context, event }: any) =>
                    `'${spec.src}' of the ${machine} failed ${context.failures + 1 === 1 ? 'and cannot be tried again' : `${context.failures + 1} times`}: ${messageOf(event.error)}`,
                } as any),
              },
            ],
          },
        },
        ...(spec.once === true ? {} : { waiting: { after: { backOff: 'ready' } } }),
      },
    };
  };
}
/* eslint-enable @typescript-eslint/no-explicit-any */

/** How a machine that others invoke reports that it gave up. */
export interface Failed {
  readonly status: 'failed';
  readonly message: string;
}
