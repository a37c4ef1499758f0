/** Lays a machine out in a worker of its own; each machine and direction once. */
import ELK from 'elkjs/lib/elk-api.js';
import workerUrl from 'elkjs/lib/elk-worker.min.js?url';
import type { MachineDefinition } from '../../protocol.ts';
import { toDrawing, toGraph, type Drawing } from './statechart.ts';

let elk: InstanceType<typeof ELK> | undefined;
const known = new WeakMap<MachineDefinition, Map<string, Promise<Drawing>>>();

export function layout(machine: MachineDefinition, direction: 'RIGHT' | 'DOWN'): Promise<Drawing> {
  let drawings = known.get(machine);
  if (!drawings) known.set(machine, (drawings = new Map()));
  let drawing = drawings.get(direction);
  if (!drawing) {
    elk ??= new ELK({ workerUrl });
    drawing = elk.layout(toGraph(machine, direction)).then((laidOut) => toDrawing(machine, laidOut));
    drawings.set(direction, drawing);
  }
  return drawing;
}
