/** The bridge: what a watched XState system becomes as notes. */
import { and, createActor, fromPromise, not, setup } from 'xstate';
import { describe, expect, it } from 'vitest';
import { createInspector, describeMachine, stateText, type InspectorNote } from '../../dashboard/bridge/index.ts';
import type { EventSink } from '../../src/contracts/events.ts';

const child = setup({}).createMachine({
  id: 'child',
  initial: 'working',
  states: { working: { on: { go: 'done' } }, done: { type: 'final' } },
});

const machine = setup({
  types: { context: {} as { count: number; name: string; big: object; long: string } },
  actors: { child, load: fromPromise(async () => 1) },
  guards: { ready: () => true, broken: () => false },
}).createMachine({
  id: 'parent',
  context: { count: 3, name: 'x', big: { a: 1 }, long: 'y'.repeat(500) },
  initial: 'idle',
  on: { stop: '.end' },
  states: {
    idle: { on: { start: [{ guard: and(['ready', not('broken')]), target: 'busy' }, { target: 'end' }], poke: {} } },
    busy: {
      initial: 'child',
      states: {
        child: { invoke: { src: 'child', onDone: 'both' } },
        both: {
          type: 'parallel',
          states: { left: { initial: 'on', states: { on: {} } }, right: { initial: 'on', states: { on: {} } } },
          always: { guard: 'broken', target: '#parent.end' },
        },
      },
    },
    end: { type: 'final' },
  },
});

function watch(): { notes: InspectorNote[]; actor: ReturnType<typeof createActor<typeof machine>> } {
  const notes: InspectorNote[] = [];
  const actor = createActor(machine, { inspect: createInspector({ note: (event) => void notes.push(event) }) });
  return { notes, actor };
}

describe('createInspector', () => {
  it('notes each machine once and each change of its state value, children included', () => {
    const { notes, actor } = watch();
    actor.start();
    actor.send({ type: 'poke' });
    actor.send({ type: 'start' });
    const inner = Object.values(actor.getSnapshot().children)[0]!;
    inner.send({ type: 'go' });
    actor.send({ type: 'stop' });
    expect(notes.filter((note) => note.type === 'machine.defined').map((note) => note.data.machine)).toEqual(['parent', 'child']);
    const moves = notes.flatMap((note) => (note.type === 'machine.transition' ? [note.data] : []));
    expect(moves.map(({ machine, from, to }) => [machine, from, to])).toEqual([
      ['parent', null, 'idle'],
      ['child', null, 'working'],
      ['parent', 'idle', 'busy.child'],
      ['child', 'working', 'done'],
      ['parent', 'busy.child', 'busy.both.left.on,busy.both.right.on'],
      ['parent', 'busy.both.left.on,busy.both.right.on', 'end'],
    ]);
    expect(moves.at(-1)!.event).toBe('stop');
  });

  it('notes the end of an actor before the start of its successor, and each end once', () => {
    const again = setup({ actors: { child } }).createMachine({
      id: 'parent', initial: 'first',
      states: { first: { invoke: { src: 'child', id: 'child', onDone: 'second' } }, second: { invoke: { src: 'child', id: 'child', onDone: 'end' } }, end: { type: 'final' } },
    });
    const notes: InspectorNote[] = [];
    const actor = createActor(again, { inspect: createInspector({ note: (event) => void notes.push(event) }) }).start();
    for (let i = 0; i < 2; i++) actor.getSnapshot().children.child!.send({ type: 'go' });
    const moves = notes.flatMap((note) => (note.type === 'machine.transition' ? [`${note.data.machine}: ${note.data.to} (${note.data.event})`] : []));
    expect(moves.filter((move) => move.startsWith('child'))).toEqual(['child: working (xstate.init)', 'child: done (go)', 'child: working (xstate.init)', 'child: done (go)']);
    expect(moves.at(-1)).toBe('parent: end (xstate.done.actor.child)');
    expect(actor.getSnapshot().status).toBe('done');
  });

  it('carries only small scalars of the context, and everything it notes is JSON', () => {
    const { notes, actor } = watch();
    actor.start();
    const first = notes.find((note) => note.type === 'machine.transition')!;
    expect(first.data).toMatchObject({ context: { count: 3, name: 'x' } });
    expect(JSON.parse(JSON.stringify(notes))).toEqual(notes);
    actor.stop();
  });

  it('starts with null again after a restore, and does not define a machine twice in one system', () => {
    const { actor } = watch();
    actor.start();
    const saved = actor.getPersistedSnapshot();
    actor.stop();
    const notes: InspectorNote[] = [];
    const again = createActor(machine, { snapshot: saved, inspect: createInspector({ note: (event) => void notes.push(event) }) });
    again.start();
    expect(notes.map((note) => note.type)).toEqual(['machine.defined', 'machine.transition']);
    expect(notes[1]!.data).toMatchObject({ from: null, to: 'idle' });
    again.stop();
  });

  it("takes the event log's sink as it is", () => {
    const noted: string[] = [];
    const sink: EventSink = { record: () => {}, note: (event) => void noted.push(event.type) };
    const actor = createActor(machine, { inspect: createInspector(sink) });
    actor.start().stop();
    expect(noted).toContain('machine.defined');
  });
});

describe('describeMachine', () => {
  const root = describeMachine(machine).root;
  const find = (path: string, state = root): typeof root => (state.path === path ? state : state.states.map((s) => find(path, s)).find((s) => s?.path === path)!);

  it('keeps nesting, kinds, first states and what is invoked', () => {
    expect(root).toMatchObject({ path: '', type: 'compound', initial: 'idle' });
    expect(root.states.map((state) => state.key)).toEqual(['idle', 'busy', 'end']);
    expect(find('end').type).toBe('final');
    expect(find('busy.both').type).toBe('parallel');
    expect(find('busy.child').invokes).toEqual(['child']);
  });

  it('keeps transitions with their guards and targets by path, eventless and inherited ones included', () => {
    expect(root.transitions).toEqual([{ event: 'stop', guard: null, targets: ['end'] }]);
    expect(find('idle').transitions).toEqual([
      { event: 'start', guard: 'ready and not broken', targets: ['busy'] },
      { event: 'start', guard: null, targets: ['end'] },
      { event: 'poke', guard: null, targets: [] },
    ]);
    expect(find('busy.both').transitions).toEqual([{ event: '', guard: 'broken', targets: ['end'] }]);
  });
});

describe('stateText', () => {
  it('writes leaves in order', () => {
    expect(stateText('a')).toBe('a');
    expect(stateText({ a: { b: 'c' } })).toBe('a.b.c');
    expect(stateText({ a: 'x', b: { c: 'y' }, d: {} })).toBe('a.x,b.c.y,d');
  });
});
