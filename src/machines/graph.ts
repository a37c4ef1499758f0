/**
 * A machine as a Mermaid `stateDiagram-v2`, drawn from its definition, so the picture cannot disagree with what runs.
 * Mermaid draws no arrow out of a composite state's inside: such a transition starts at the composite state, and its
 * label says which inner state it leaves. Not here: rendering.
 */
import type { AnyStateMachine, AnyStateNode, AnyTransitionDefinition } from 'xstate';

const ANYWHERE = 'anywhere';

function idOf(node: AnyStateNode): string {
  return node.path.length === 0 ? ANYWHERE : node.path.join('_').replace(/[^A-Za-z0-9_]/g, '_');
}

/** Transitions of one state in definition order: eventless, on events, done, errors and delays. */
export function transitionsOf(node: AnyStateNode): AnyTransitionDefinition[] {
  return [...(node.always ?? []), ...[...node.transitions.values()].flat()];
}

/** Every state of the machine, parents before children. */
export function statesOf(machine: AnyStateMachine): AnyStateNode[] {
  const walk = (node: AnyStateNode): AnyStateNode[] => [node, ...Object.values(node.states).flatMap(walk)];
  return walk(machine.root);
}

/** What sets a transition off, without the ids that XState puts into its own event names. */
export function triggerOf({ eventType }: AnyTransitionDefinition): string {
  if (eventType.startsWith('xstate.done.')) return 'done';
  if (eventType.startsWith('xstate.error.')) return 'error';
  const after = /^xstate\.after\.([^.]+)\./.exec(eventType);
  return after ? `after ${after[1]}` : eventType;
}

function guardName(guard: AnyTransitionDefinition['guard']): string {
  if (guard === undefined) return '';
  if (typeof guard === 'string') return guard;
  return 'type' in guard ? String(guard.type) : guard.name;
}

function label(transition: AnyTransitionDefinition, from: AnyStateNode): string {
  const inner = from === transition.source ? '' : `${transition.source.key} `;
  const guard = guardName(transition.guard);
  return `${inner}${triggerOf(transition)}${guard && ` [${guard}]`}`.trim();
}

function edge(transition: AnyTransitionDefinition, indent: string): { readonly at: AnyStateNode; readonly line: string } {
  const target = transition.target?.[0] ?? transition.source;
  let from = transition.source;
  while (from.parent && from.parent.path.length > 0 && from.parent !== target.parent && !isInside(target, from.parent)) from = from.parent;
  const text = label(transition, from);
  return { at: from.parent ?? from, line: `${indent}${idOf(from)} --> ${idOf(target)}${text && ` : ${text}`}` };
}

function isInside(node: AnyStateNode, container: AnyStateNode): boolean {
  for (let at: AnyStateNode | undefined = node; at; at = at.parent) if (at === container) return true;
  return false;
}

/** The machine's states and transitions; what may happen in every state starts at `anywhere`. */
export function toMermaid(machine: AnyStateMachine): string {
  const edges = statesOf(machine).flatMap((node) => transitionsOf(node).map((transition) => (indent: string) => edge(transition, indent)));
  const draw = (node: AnyStateNode, depth: number): string[] => {
    const indent = '    '.repeat(depth);
    const lines: string[] = [];
    const first = node.initial?.target?.[0];
    if (first) lines.push(`${indent}[*] --> ${idOf(first)}`);
    for (const child of Object.values(node.states)) {
      const invoked = child.invoke.map((invoke) => (typeof invoke.src === 'string' ? invoke.src : invoke.id)).join(', ');
      const title = invoked ? `${child.key} / ${invoked}` : child.key;
      if (Object.keys(child.states).length > 0) lines.push(`${indent}state "${title}" as ${idOf(child)} {`, ...draw(child, depth + 1), `${indent}}`);
      else lines.push(`${indent}state "${title}" as ${idOf(child)}`);
      if (child.type === 'final') lines.push(`${indent}${idOf(child)} --> [*]`);
    }
    for (const make of edges) {
      const { at, line } = make(indent);
      if (at === node) lines.push(line);
    }
    return lines;
  };
  const anywhere = transitionsOf(machine.root).length > 0 ? [`    state "in every state" as ${ANYWHERE}`] : [];
  return ['stateDiagram-v2', `    %% ${machine.id}`, ...anywhere, ...draw(machine.root, 1), ''].join('\n');
}
