/**
 * An XState 5 inspection observer that turns what a system of actors does into two kinds of plain notes: a machine's
 * definition, once, and every change of a machine's state value. It knows nothing of this project's machines, so it serves any
 * XState system: `createActor(machine, { inspect: createInspector(sink) })`. It decides nothing and changes nothing. Not here:
 * where notes go.
 */
import { StateMachine, type AnyStateMachine, type InspectionEvent, type StateValue } from 'xstate';
import type { MachineDefinition } from '../protocol.ts';
import { describeMachine } from './describe.ts';

export interface MachineTransition {
  machine: string;
  /** The actor's id within its system. */
  actor: string;
  /** `null` when the actor starts. */
  from: string | null;
  to: string;
  event: string;
  context?: Record<string, unknown>;
}

export type InspectorNote =
  | { type: 'machine.defined'; data: { machine: string; definition: MachineDefinition } }
  | { type: 'machine.transition'; data: MachineTransition };

/** Where notes go. The event log's `EventSink` is one. */
export interface InspectorSink {
  note(event: InspectorNote): void;
}

/** Most fields and characters of a machine's context that a note carries. */
const CONTEXT_FIELDS = 12;
const CONTEXT_TEXT = 80;

/**
 * Makes an observer for `createActor`'s `inspect` option. One observer serves one system: actors are told apart by session id.
 * What `sink.note` throws reaches the actor that was observed, since a log that cannot be written must not be passed over.
 */
export function createInspector(sink: InspectorSink): (event: InspectionEvent) => void {
  const defined = new Set<string>();
  const values = new Map<string, string>();
  const ended = new WeakSet<object>();
  return (event) => {
    if (event.type !== '@xstate.actor' && event.type !== '@xstate.snapshot' && event.type !== '@xstate.microstep') return;
    const actor = event.actorRef as unknown as { id: string; sessionId: string; logic?: unknown };
    if (!(actor.logic instanceof StateMachine)) return;
    const machine = actor.logic as AnyStateMachine;
    if (event.type === '@xstate.actor') {
      if (defined.has(machine.id)) return;
      defined.add(machine.id);
      sink.note({ type: 'machine.defined', data: { machine: machine.id, definition: describeMachine(machine) } });
      return;
    }
    const snapshot = event.snapshot as { value?: StateValue; context?: unknown; status?: string };
    // A state on the way to another is none that the actor stays in. The last one is: its snapshot is reported only after the parent
    // has moved on, and perhaps started the next actor of this machine, so it is taken from the step that leads there.
    if (event.type === '@xstate.microstep' && snapshot.status !== 'done') return;
    if (snapshot.value === undefined || ended.has(actor)) return;
    const to = stateText(snapshot.value);
    const from = values.get(actor.sessionId) ?? null;
    if (from !== to) {
      const context = scalarsOf(snapshot.context);
      sink.note({
        type: 'machine.transition',
        data: { machine: machine.id, actor: actor.id, from, to, event: event.event.type, ...(context ? { context } : {}) },
      });
    }
    if (snapshot.status === 'active') return void values.set(actor.sessionId, to);
    // Long runs start a child machine every round.
    values.delete(actor.sessionId);
    ended.add(actor);
  };
}

/**
 * A state value as text: the active leaves' paths with dots between keys, in the machine's order, joined by a comma where
 * regions run in parallel. `{ round: { refine: 'judge' } }` is `round.refine.judge`.
 */
export function stateText(value: StateValue): string {
  return leaves(value).join(',');
}

function leaves(value: StateValue): string[] {
  if (typeof value === 'string') return [value];
  return Object.entries(value).flatMap(([key, inner]) => {
    const below = inner === undefined ? [] : leaves(inner);
    return below.length === 0 ? [key] : below.map((path) => `${key}.${path}`);
  });
}

/** The scalar fields of a context that fit into a note; undefined when there are none. */
function scalarsOf(context: unknown): Record<string, unknown> | undefined {
  if (typeof context !== 'object' || context === null) return undefined;
  const kept = Object.entries(context).filter(([, value]) =>
    value === null || typeof value === 'boolean' || (typeof value === 'number' && Number.isFinite(value)) || (typeof value === 'string' && value.length <= CONTEXT_TEXT));
  return kept.length === 0 ? undefined : Object.fromEntries(kept.slice(0, CONTEXT_FIELDS));
}
