/** What a bench says to whoever used it wrongly: one sentence that says what to do, and an exit code of its own (index.ts). */
import { ConfigError } from '../src/config/load.ts';

/** What the user has to know: its message says what to do. */
export class UsageError extends Error {}

/** Ctrl-C: asked for, so no error. */
export class Interrupted extends Error {}

/** Whether an error is the caller's, those of parseArgs and of a run's settings among them. */
export function isMisuse(error: unknown): boolean {
  return error instanceof UsageError || error instanceof ConfigError || String((error as { code?: unknown } | null)?.code).startsWith('ERR_PARSE_ARGS');
}

/** `value` if it is among `known`. Throws UsageError. */
export function oneOf<T extends string>(what: string, value: string, known: readonly T[]): T {
  const found = known.find((name) => name === value);
  if (found === undefined) throw new UsageError(`There is no ${what} '${value}'; there are ${known.join(', ')}.`);
  return found;
}

/** An option's whole number, `atLeast` or more. Throws UsageError. */
export function wholeNumber(option: string, text: string, atLeast = 1): number {
  const value = Number(text);
  if (text.trim() === '' || !Number.isInteger(value) || value < atLeast) throw new UsageError(`${option} has to be a whole number of at least ${atLeast}, not '${text}'.`);
  return value;
}

/** An option's whole numbers with a comma between them: as many as there are, one at least. Throws UsageError. */
export function wholeNumbers(option: string, text: string): number[] {
  const parts = text.split(',').filter((part) => part.trim() !== '');
  if (parts.length === 0) throw new UsageError(`${option} has to be whole numbers with a comma between them, not '${text}'.`);
  return parts.map((part) => wholeNumber(option, part));
}

/** Seeds, each once and in order: `3` is 1, 2, 3; `2,5` are those; `4,` is 4 alone. Throws UsageError. */
export function seedsOf(text: string): number[] {
  if (!text.includes(',')) return Array.from({ length: wholeNumber('--seeds', text) }, (_, i) => i + 1);
  return [...new Set(wholeNumbers('--seeds', text))].sort((a, b) => a - b);
}
