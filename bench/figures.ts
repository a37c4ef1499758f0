/**
 * What every bench that names ratios reports: figures with each repetition, ratios with their spread, the machine and its load. The
 * speed of a shared machine drifts by a half within minutes, so the two sides of a ratio take turns, repetition by repetition, and a
 * ratio is the median over pairs that ran side by side. Not here: what is measured.
 */
import { availableParallelism, cpus, loadavg } from 'node:os';

export interface Figure {
  readonly name: string;
  readonly unit: string;
  readonly repetitions: readonly number[];
  readonly median: number;
  readonly low: number;
  readonly high: number;
}

export interface BenchReport {
  /** Processor, cores, Node. */
  readonly machine: string;
  /** Mean number of runnable processes over the last minute when the bench began: above 0.5 the figures are noisy. */
  readonly load: number;
  /** Versions of the peers that ran. */
  readonly peers: Readonly<Record<string, string>>;
  readonly figures: readonly Figure[];
  readonly ratios: Readonly<Record<string, number>>;
  /** Lowest and highest of the pairs that a ratio is the median of. */
  readonly spreads: Readonly<Record<string, readonly [number, number]>>;
  /** What could not be measured here, and why. */
  readonly missing: readonly string[];
}

/** Prints one line, or nothing where only JSON is wanted. */
export type Say = (text: string) => void;

/** The upper of the two middle values where their number is even; NaN of no values. */
export function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN;
}

export function machineName(): string {
  return `${cpus()[0]?.model.trim() ?? 'unknown processor'}, ${availableParallelism()} cores, Node ${process.versions.node}`;
}

/** Numbers as they are printed: three digits at least, thousands parted. */
export function readable(value: number): string {
  if (!Number.isFinite(value)) return String(value);
  const digits = Math.abs(value) >= 100 ? 0 : Math.abs(value) >= 10 ? 1 : 2;
  return value.toLocaleString('en', { minimumFractionDigits: digits, maximumFractionDigits: digits });
}

/**
 * Calls the sides in turn, `warmUps` times for nothing and then `repetitions` times, and returns what each call answered. A side may
 * read what the one before it did in the same repetition: the order is the order of the names.
 */
export async function alternate<K extends string>(sides: Readonly<Record<K, () => Promise<number>>>, repetitions: number, warmUps = 1): Promise<Record<K, number[]>> {
  const names = Object.keys(sides) as K[];
  const answers = Object.fromEntries(names.map((name) => [name, [] as number[]])) as Record<K, number[]>;
  for (let r = -warmUps; r < repetitions; r++) {
    for (const name of names) {
      const answer = await sides[name]();
      if (r >= 0) answers[name].push(answer);
    }
  }
  return answers;
}

/** Median and spread over pairs of numbers that were measured side by side. */
export function pairedRatio(numerators: readonly number[], denominators: readonly number[]): { readonly ratio: number; readonly spread: readonly [number, number] } {
  if (numerators.length !== denominators.length || numerators.length === 0) throw new RangeError('A ratio needs as many numbers below as above, and at least one.');
  const ratios = numerators.map((value, i) => value / denominators[i]!);
  return { ratio: median(ratios), spread: [Math.min(...ratios), Math.max(...ratios)] };
}

/** Gathers a report and says each line as it comes. */
export class Recorder {
  readonly #say: Say;
  readonly #load = loadavg()[0]!;
  readonly #peers: Record<string, string> = {};
  readonly #figures: Figure[] = [];
  readonly #ratios: Record<string, number> = {};
  readonly #spreads: Record<string, readonly [number, number]> = {};
  readonly #missing: string[] = [];

  constructor(say: Say) {
    this.#say = say;
    say(`${machineName()}; load ${this.#load.toFixed(2)} at the start`);
  }

  figure(name: string, unit: string, repetitions: readonly number[]): void {
    if (repetitions.length === 0) return this.missing(name);
    const figure = { name, unit, repetitions, median: median(repetitions), low: Math.min(...repetitions), high: Math.max(...repetitions) };
    this.#figures.push(figure);
    this.#say(`${name.padEnd(30)}${readable(figure.median).padStart(10)} ${unit.padEnd(9)} ${readable(figure.low)} to ${readable(figure.high)}, n=${repetitions.length}`);
  }

  /** The ratio `name` is above / below, pair by pair. */
  ratio(name: string, above: readonly number[], below: readonly number[]): void {
    const { ratio, spread } = pairedRatio(above, below);
    this.#ratios[name] = ratio;
    this.#spreads[name] = spread;
    this.#say(`${name.padEnd(30)}${ratio.toFixed(2).padStart(10)} x         ${spread[0].toFixed(2)} to ${spread[1].toFixed(2)}`);
  }

  peer(name: string, version: string): void {
    this.#peers[name] = version;
  }

  missing(what: string): void {
    if (this.#missing.includes(what)) return;
    this.#missing.push(what);
    this.#say(`not measured: ${what}`);
  }

  report(): BenchReport {
    return {
      machine: machineName(), load: this.#load, peers: this.#peers, figures: this.#figures, ratios: this.#ratios, spreads: this.#spreads, missing: this.#missing,
    };
  }
}
