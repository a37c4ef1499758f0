/** Options and option parsers that several commands share. The parsers refuse with commander's error, so that the exit code is the one for usage. */
import { InvalidArgumentError, Option } from 'commander';
import { presetNames } from '../config/presets.ts';

/** A parser of whole numbers in [low, high]. */
export function integer(low: number, high: number = Number.MAX_SAFE_INTEGER): (text: string) => number {
  return (text) => {
    const value = Number(text);
    if (!/^[+-]?\d+$/.test(text) || value < low || value > high) throw new InvalidArgumentError(`It must be a whole number ${rangeText(low, high, Number.MAX_SAFE_INTEGER)}.`);
    return value;
  };
}

/** A parser of numbers in [low, high]; with `above`, `low` itself is not allowed. */
export function number(low: number, high: number = Infinity, above = false): (text: string) => number {
  return (text) => {
    const value = Number(text);
    if (text.trim() === '' || !Number.isFinite(value) || value < low || value > high || (above && value === low)) {
      throw new InvalidArgumentError(`It must be a number ${above ? `above ${low}${high < Infinity ? `, at most ${high}` : ''}` : rangeText(low, high, Infinity)}.`);
    }
    return value;
  };
}

/** Gathers an option that may be given more than once. */
export function repeated(text: string, before: readonly string[] = []): string[] {
  return [...before, text];
}

export const port = integer(0, 65_535);

export const presetOption = (): Option => new Option('--preset <name>', 'where the settings start (default: "laptop")').choices(presetNames);

export const configOption = (): Option => new Option('--config <file>', 'settings file (default: ouroboros.config.json, where there is one)');

/** Where runs lie when no `--out` is given. */
export const defaultRunsFolder = 'runs';

/** `of at least LOW`, or `from LOW to HIGH` where there is a limit. */
export function rangeText(low: number, high: number, unlimited: number): string {
  return high === unlimited ? `of at least ${low}` : `from ${low} to ${high}`;
}
