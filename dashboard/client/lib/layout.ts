/** Lays a machine out in a worker of its own; each machine and way of drawing once. */
import ELK from 'elkjs/lib/elk-api.js';
import workerUrl from 'elkjs/lib/elk-worker.min.js?url';
import type { MachineDefinition } from '../../protocol.ts';
import { toDrawing, toGraph, type Drawing } from './statechart.ts';

let elk: InstanceType<typeof ELK> | undefined;
const known = new WeakMap<MachineDefinition, Map<string, Promise<Drawing>>>();

export function layout(machine: MachineDefinition, direction: 'RIGHT' | 'DOWN', terse: boolean): Promise<Drawing> {
  const key = `${direction} ${terse}`;
  let drawings = known.get(machine);
  if (!drawings) known.set(machine, (drawings = new Map()));
  let drawing = drawings.get(key);
  if (!drawing) {
    elk ??= new ELK({ workerUrl });
    drawing = elk.layout(toGraph(machine, direction, terse)).then((laidOut) => toDrawing(machine, laidOut));
    drawings.set(key, drawing);
  }
  return drawing;
}
