/**
 * A state machine as plain data: states, nesting, transitions, and what runs in each state. Read from XState's own state nodes,
 * so that whatever shorthand a machine was written in, the description is the one that XState acts on. Nothing is executed.
 */
import type { AnyStateMachine, AnyStateNode, AnyTransitionDefinition } from 'xstate';
import type { MachineDefinition, StateDefinition, TransitionDefinition } from '../protocol.ts';

/** Describes `machine`. Guards and actors appear by the name they have in the machine; inline ones as `inline`. */
export function describeMachine(machine: AnyStateMachine): MachineDefinition {
  return { id: machine.id, root: describeState(machine.root) };
}

function describeState(node: AnyStateNode): StateDefinition {
  const transitions = [...[...node.transitions.values()].flat(), ...(node.always ?? [])] as AnyTransitionDefinition[];
  const initial = node.type === 'compound' ? node.initial.target?.[0] : undefined;
  return {
    key: node.key,
    path: pathOf(node),
    type: node.type,
    initial: initial ? pathOf(initial) : null,
    invokes: node.invoke.map((invoke) => (typeof invoke.src === 'string' ? readable(invoke.src) : 'inline')),
    transitions: transitions.map(describeTransition),
    states: Object.values(node.states).sort((a, b) => a.order - b.order).map(describeState),
  };
}

function describeTransition(transition: AnyTransitionDefinition): TransitionDefinition {
  return {
    event: transition.eventType,
    guard: transition.guard === undefined ? null : nameOf(transition.guard),
    targets: (transition.target ?? []).map((target) => pathOf(target as AnyStateNode)),
  };
}

function nameOf(guard: unknown): string {
  if (typeof guard === 'string') return guard;
  if (typeof guard === 'object' && guard !== null && 'type' in guard && typeof guard.type === 'string') return guard.type;
  // XState's own and(), or() and not() are functions that carry what they join.
  if (typeof guard === 'function' && 'guards' in guard && Array.isArray(guard.guards)) {
    const names = guard.guards.map(nameOf);
    const check = (guard as { check?: { name?: string } }).check?.name ?? '';
    return check === 'checkNot' ? `not ${names[0]}` : names.join(check === 'checkOr' ? ' or ' : ' and ');
  }
  return 'inline';
}

/** XState names an inline actor by its place (`0.(machine).state`). */
function readable(source: string): string {
  return /^xstate\.invoke\.|^\d+\./.test(source) ? 'inline' : source;
}

function pathOf(node: AnyStateNode): string {
  return node.path.join('.');
}
