/**
 * A machine's definition as a graph for the layout engine, what the engine answered as things to draw, and which of them are active.
 * No DOM: sizes of texts are estimated from their length, since one font is used throughout.
 */
import type { ElkExtendedEdge, ElkNode } from 'elkjs/lib/elk-api.js';
import type { MachineDefinition, StateDefinition, TransitionDefinition } from '../../protocol.ts';

export interface DrawnState {
  readonly path: string;
  readonly name: string;
  readonly type: StateDefinition['type'] | 'initial';
  readonly invokes: readonly string[];
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
}

export interface DrawnEdge {
  readonly id: string;
  readonly source: string;
  readonly target: string;
  /** SVG path data. */
  readonly path: string;
  readonly labels: readonly { readonly text: string; readonly x: number; readonly y: number; readonly width: number }[];
  readonly events: readonly string[];
}

export interface Drawing {
  readonly width: number;
  readonly height: number;
  /** Outer states before inner ones. */
  readonly states: readonly DrawnState[];
  readonly edges: readonly DrawnEdge[];
}

const CHAR = 7.2;
const LABEL_CHAR = 6.1;
const LABEL_HEIGHT = 15;
const HEAD = 34;

/** `xstate.done.actor.0.round.judging` -> `done`; eventless -> `always`. */
export function eventLabel({ event, guard }: Pick<TransitionDefinition, 'event' | 'guard'>): string {
  const [, kind, what] = /^xstate\.(done|error|after|stop|init)\.?([^.]*)/.exec(event) ?? [];
  const name = event === '' ? 'always' : kind === 'after' ? `after ${/^\d+$/.test(what ?? '') ? `${Number(what) / 1000} s` : what}` : kind ?? event;
  return guard === null ? name : `${name} [${guard === 'inline' ? '…' : guard}]`;
}

/** The graph to lay out. `direction`: where time flows. `terse`: a way taken when the work of a state is done carries no label. */
export function toGraph(machine: MachineDefinition, direction: 'RIGHT' | 'DOWN', terse = false): ElkNode {
  const merged = new Map<string, { source: string; target: string; labels: string[]; events: string[] }>();
  const addEdges = (state: StateDefinition): void => {
    for (const transition of state.transitions) {
      for (const target of transition.targets) {
        const id = `${nodeId(state.path)}>${nodeId(target)}`;
        const edge = merged.get(id) ?? { source: nodeId(state.path), target: nodeId(target), labels: [], events: [] };
        const label = eventLabel(transition);
        if (!edge.labels.includes(label)) edge.labels.push(label);
        edge.events.push(transition.event);
        merged.set(id, edge);
      }
    }
    if (state.initial !== null) merged.set(`${initialId(state.path)}>`, { source: initialId(state.path), target: nodeId(state.initial), labels: [], events: [] });
    state.states.forEach(addEdges);
  };
  addEdges(machine.root);
  const edges: ElkExtendedEdge[] = [...merged].map(([id, { source, target, labels }]) => ({
    id,
    sources: [source],
    targets: [target],
    labels: shown(terse ? labels.filter((label) => label !== 'done') : labels).map((text) => ({ text, width: text.length * LABEL_CHAR + 8, height: LABEL_HEIGHT })),
  }));
  // The machine's own box is drawn only where transitions start at it.
  const outer = toNode(machine.root);
  return {
    id: '(canvas)',
    layoutOptions: {
      'elk.algorithm': 'layered',
      'elk.direction': direction,
      'elk.hierarchyHandling': 'INCLUDE_CHILDREN',
      'elk.json.shapeCoords': 'ROOT',
      'elk.json.edgeCoords': 'ROOT',
      'elk.edgeRouting': 'ORTHOGONAL',
      'elk.spacing.nodeNode': '26',
      'elk.spacing.edgeNode': '18',
      'elk.spacing.edgeLabel': '4',
      'elk.layered.spacing.nodeNodeBetweenLayers': '30',
      'elk.layered.spacing.edgeNodeBetweenLayers': '16',
      'elk.layered.considerModelOrder.strategy': 'NODES_AND_EDGES',
      'elk.edgeLabels.inline': 'false',
      'elk.padding': '[top=6,left=6,bottom=6,right=6]',
    },
    children: machine.root.transitions.some((transition) => transition.targets.length > 0) ? [outer] : (outer.children ?? []),
    edges,
  };
}

function shown(labels: readonly string[]): readonly string[] {
  return labels.length <= 3 ? labels : [...labels.slice(0, 2), `and ${labels.length - 2} more`];
}

function toNode(state: StateDefinition): ElkNode {
  const width = Math.max(state.key.length * CHAR, ...state.invokes.map((name) => (name.length + 2) * LABEL_CHAR)) + 26;
  if (state.states.length === 0) return { id: nodeId(state.path), width: Math.max(64, width), height: 32 + state.invokes.length * 14 };
  const dot: ElkNode[] = state.initial === null ? [] : [{ id: initialId(state.path), width: 10, height: 10 }];
  return {
    id: nodeId(state.path),
    layoutOptions: {
      'elk.padding': `[top=${HEAD + state.invokes.length * 14},left=16,bottom=16,right=16]`,
      'elk.nodeSize.constraints': 'MINIMUM_SIZE',
      'elk.nodeSize.minimum': `(${width + 20},60)`,
    },
    children: [...dot, ...state.states.map(toNode)],
  };
}

/** What was laid out, as things to draw. */
export function toDrawing(machine: MachineDefinition, laidOut: ElkNode): Drawing {
  const definitions = new Map<string, StateDefinition>();
  const index = (state: StateDefinition): void => {
    definitions.set(nodeId(state.path), state);
    state.states.forEach(index);
  };
  index(machine.root);
  const states: DrawnState[] = [];
  const collect = (node: ElkNode): void => {
    const { x = 0, y = 0, width = 0, height = 0 } = node;
    const state = definitions.get(node.id);
    const name = state?.path === '' ? machine.id : (state?.key ?? '');
    states.push({ path: state?.path ?? node.id, name, type: state?.type ?? 'initial', invokes: state?.invokes ?? [], x, y, width, height });
    node.children?.forEach(collect);
  };
  laidOut.children?.forEach(collect);
  const events = new Map<string, string[]>();
  const collectEvents = (state: StateDefinition): void => {
    for (const { event, targets } of state.transitions) {
      for (const target of targets) {
        const id = `${nodeId(state.path)}>${nodeId(target)}`;
        events.set(id, [...(events.get(id) ?? []), event]);
      }
    }
    state.states.forEach(collectEvents);
  };
  collectEvents(machine.root);
  const edges = (laidOut.edges ?? []).map((edge): DrawnEdge => ({
    id: edge.id,
    source: pathOf(edge.sources[0]!),
    target: pathOf(edge.targets[0]!),
    path: (edge.sections ?? []).map((section) => rounded([section.startPoint, ...(section.bendPoints ?? []), section.endPoint])).join(' '),
    labels: (edge.labels ?? []).map(({ text = '', x = 0, y = 0, width = 0 }) => ({ text, x, y, width })),
    events: events.get(edge.id) ?? [],
  }));
  return { width: laidOut.width ?? 0, height: laidOut.height ?? 0, states, edges };
}

/** Whether the state at `path` is active when the machine's state is `current` (leaf paths joined by commas). */
export function isActive(path: string, current: string | null): boolean {
  if (current === null) return false;
  return path === '' || current.split(',').some((leaf) => leaf === path || leaf.startsWith(`${path}.`));
}

/** The drawn edge that a transition took; null when the machine started there or the edge is not drawn. */
export function takenEdge(edges: readonly DrawnEdge[], { from, to, event }: { readonly from: string | null; readonly to: string; readonly event: string }): DrawnEdge | null {
  if (from === null) return null;
  const fits = edges.filter((edge) => edge.events.length > 0 && isActive(edge.source, from) && isActive(edge.target, to) && !(isActive(edge.target, from) && edge.target !== edge.source));
  const exact = fits.filter((edge) => edge.events.includes(event));
  // The innermost source wins, as in the machine itself.
  return (exact.length > 0 ? exact : fits).sort((a, b) => b.source.length - a.source.length)[0] ?? null;
}

function nodeId(path: string): string {
  return `s:${path}`;
}

function initialId(path: string): string {
  return `i:${path}`;
}

function pathOf(id: string): string {
  return id.startsWith('s:') ? id.slice(2) : id;
}

/** A polyline with round corners. */
function rounded(points: readonly { readonly x: number; readonly y: number }[], radius = 7): string {
  const [first] = points;
  if (!first) return '';
  let path = `M${first.x} ${first.y}`;
  for (let i = 1; i < points.length; i++) {
    const point = points[i]!;
    const next = points[i + 1];
    if (!next) {
      path += ` L${point.x} ${point.y}`;
      continue;
    }
    const before = points[i - 1]!;
    const r = Math.min(radius, distance(before, point) / 2, distance(point, next) / 2);
    const enter = towards(point, before, r);
    const leave = towards(point, next, r);
    path += ` L${enter.x} ${enter.y} Q${point.x} ${point.y} ${leave.x} ${leave.y}`;
  }
  return path;
}

function distance(a: { x: number; y: number }, b: { x: number; y: number }): number {
  return Math.hypot(a.x - b.x, a.y - b.y);
}

function towards(from: { readonly x: number; readonly y: number }, to: { readonly x: number; readonly y: number }, by: number): { x: number; y: number } {
  const length = distance(from, to) || 1;
  return { x: from.x + ((to.x - from.x) / length) * by, y: from.y + ((to.y - from.y) / length) * by };
}

/**
 * The machine with only its outer states: what happens inside one is drawn as the one, and ways into a final state that can be
 * reached from nearly everywhere (giving up) are left out, unless the machine is in it: `current`. A machine that is small already
 * comes back as it is.
 */
export function overview(machine: MachineDefinition, current: string | null = null): MachineDefinition {
  const outer = machine.root.states;
  if (outer.every((state) => state.states.length === 0)) return machine;
  const lift = (path: string): string => path.split('.')[0]!;
  const all = (state: StateDefinition): TransitionDefinition[] => [...state.transitions, ...state.states.flatMap(all)];
  const sources = (target: string): number => outer.filter((state) => all(state).some((transition) => transition.targets.map(lift).includes(target))).length;
  const common = new Set(outer.filter((state) => state.type === 'final' && state.path !== current && sources(state.path) > 3).map((state) => state.path));
  return {
    id: machine.id,
    root: {
      ...machine.root,
      states: outer
        .filter((state) => !common.has(state.path))
        .map((state) => ({
          ...state,
          type: state.type === 'final' ? 'final' : 'atomic',
          initial: null,
          invokes: [...new Set(invoked(state))],
          states: [],
          transitions: all(state)
            .map((transition) => ({ ...transition, targets: transition.targets.map(lift).filter((target) => target !== state.path && !common.has(target)) }))
            .filter((transition) => transition.targets.length > 0),
        })),
    },
  };
}

function invoked(state: StateDefinition): string[] {
  return [...state.invokes, ...state.states.flatMap(invoked)];
}

/** What is active inside the outer state at `path`, below it; empty when nothing is. */
export function innerState(path: string, current: string | null): string {
  if (current === null) return '';
  return current.split(',').filter((leaf) => leaf.startsWith(`${path}.`)).map((leaf) => leaf.slice(path.length + 1)).join(', ');
}
