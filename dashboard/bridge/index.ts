/** The bridge's door: watch any XState 5 system as plain data. */
export { createInspector, stateText } from './inspector.ts';
export type { InspectorNote, InspectorSink, MachineTransition } from './inspector.ts';
export { describeMachine } from './describe.ts';
