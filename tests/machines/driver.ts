/**
 * Drives one machine by hand: every actor it invokes never ends by itself, and a test says what it gives back. A `Coverage` records
 * which transitions were taken, so that a machine's suite can demand all of them. Delays run on a simulated clock.
 */
import { createActor, fromPromise, SimulatedClock, type AnyStateMachine, type AnyTransitionDefinition, type InspectionEvent } from 'xstate';
import { statesOf, transitionsOf, triggerOf } from '../../src/machines/graph.ts';
import type { Retried } from '../../src/machines/effect.ts';

const nameOf = (transition: AnyTransitionDefinition): string => {
  const { source } = transition;
  const index = transitionsOf(source).indexOf(transition);
  const targets = (transition.target ?? []).map(({ id }: { id: string }) => id).join();
  return `${source.id} | ${triggerOf(transition)} #${index} | ${targets || 'stays'}`;
};

export class Coverage {
  readonly taken = new Set<string>();

  readonly inspect = (event: InspectionEvent): void => {
    if (event.type !== '@xstate.microstep') return;
    for (const transition of event._transitions) this.taken.add(nameOf(transition));
  };

  /** Transitions of the machine that no test took. */
  missing(machine: AnyStateMachine): string[] {
    return statesOf(machine).flatMap(transitionsOf).map(nameOf).filter((name) => !this.taken.has(name));
  }
}

export interface Driven {
  /** The state as `a.b`. */
  state(): string;
  context(): Record<string, unknown>;
  output(): unknown;
  /** Name of the slot at work and the input it got; null when none is. */
  working(): { readonly src: string; readonly input: unknown } | null;
  /** The effect at work (or the invoked machine) ends with this output, or fails with this error. */
  done(output?: unknown): void;
  fail(error: unknown): void;
  command(name: 'pause' | 'resume' | 'stop-after-round' | 'stop-now'): void;
  /** Lets simulated milliseconds pass. */
  wait(ms: number): void;
  readonly retried: Retried[];
  /** Slots whose actor was aborted. */
  readonly aborted: string[];
  stop(): void;
}

export function drive(machine: AnyStateMachine, input: unknown, coverage: Coverage): Driven {
  const aborted: string[] = [];
  const retried: Retried[] = [];
  const inputs = new Map<string, unknown>();
  const sources = new Set(statesOf(machine).flatMap((node) => node.invoke.map(({ src }) => src as string)));
  const actors = Object.fromEntries(
    [...sources].map((src) => [
      src,
      fromPromise(({ input: given, signal }) => {
        inputs.set(src, given);
        signal.addEventListener('abort', () => aborted.push(src));
        return new Promise(() => {});
      }),
    ]),
  );
  const provided = machine.provide({ actors, actions: { retried: (_: unknown, params: Retried) => retried.push(params) } } as never);
  const clock = new SimulatedClock();
  const actor = createActor(provided, { input, clock, inspect: coverage.inspect } as never);
  actor.subscribe({ error: () => {} });
  actor.start();
  const child = (): { id: string; src: string } | null => {
    const snapshot = actor.getSnapshot() as unknown as { children: Record<string, { id: string; src: unknown } | undefined> };
    const one = Object.values(snapshot.children).find((ref) => ref !== undefined);
    return one ? { id: one.id, src: String(one.src) } : null;
  };
  const send = (event: object): void => actor.send(event as never);
  const theChild = (): { id: string; src: string } => {
    const found = child();
    if (!found) throw new Error(`Nothing is at work in '${flat(actor.getSnapshot().value)}'.`);
    return found;
  };
  const flat = (value: unknown): string =>
    typeof value === 'string' ? value : Object.entries(value as Record<string, unknown>).map(([key, inner]) => `${key}.${flat(inner)}`).join();
  return {
    state: () => flat(actor.getSnapshot().value),
    context: () => actor.getSnapshot().context as Record<string, unknown>,
    output: () => actor.getSnapshot().output,
    working: () => {
      const found = child();
      return found && { src: found.src, input: inputs.get(found.src) };
    },
    done: (output) => send({ type: `xstate.done.actor.${theChild().id}`, output, actorId: theChild().id }),
    fail: (error) => send({ type: `xstate.error.actor.${theChild().id}`, error, actorId: theChild().id }),
    command: (name) => send({ type: `command.${name}` }),
    wait: (ms) => clock.increment(ms),
    retried,
    aborted,
    stop: () => actor.stop(),
  };
}
