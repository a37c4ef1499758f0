/**
 * The inspection bridge on somebody else's machine: every state change as a plain note, ready for a log or a socket.
 *
 *     npm run build && node examples/inspect-any-machine.mjs
 */
import { createInspector } from 'ouroboros';
import { createActor, createMachine } from 'xstate';

const door = createMachine({
  id: 'door',
  initial: 'closed',
  states: { closed: { on: { OPEN: 'open', LOCK: 'locked' } }, open: { on: { CLOSE: 'closed' } }, locked: { on: { UNLOCK: 'closed' } } },
});

const notes = [];
const actor = createActor(door, { inspect: createInspector({ note: (event) => notes.push(event) }) }).start();
for (const type of ['OPEN', 'CLOSE', 'LOCK', 'OPEN', 'UNLOCK']) actor.send({ type });

for (const { type, data } of notes) {
  console.log(type === 'machine.defined' ? `${data.machine} has the states ${data.definition.root.states.map(({ key }) => key).join(', ')}` : `${data.from ?? '·'} → ${data.to}  (${data.event})`);
}
