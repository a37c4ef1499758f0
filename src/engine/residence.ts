/**
 * Where the values of a variable are. Runs update a variable's array in place where the host's memory is what computes; on a device its
 * values stay there from run to run, and the array is behind until someone asks. Who reads such an array calls `current` first, who
 * writes it calls `overwritten` after; where nothing is kept on a device both do nothing.
 */
import type { HostArray } from './onnx/session.ts';

/** Values that a device keeps for an array. */
export interface Resident {
  /** Copies them to the array where that is behind. */
  fetch(): void;
  /** Gives them up: the array has newer ones. */
  drop(): void;
}

const residents = new WeakMap<HostArray, Resident>();

/** The array, with the values of the last run that updated it. Not while a run is under way. */
export function current<T extends HostArray>(array: T): T {
  residents.get(array)?.fetch();
  return array;
}

/** The host wrote to these arrays: the next run uses what they hold. */
export function overwritten(...arrays: readonly HostArray[]): void {
  for (const array of arrays) {
    residents.get(array)?.drop();
    residents.delete(array);
  }
}

/** What a device keeps for an array; for sessions. */
export function residentOf(array: HostArray): Resident | undefined {
  return residents.get(array);
}

export function setResident(array: HostArray, resident: Resident): void {
  residents.set(array, resident);
}
