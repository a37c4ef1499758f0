/**
 * `npm run bench -- --check`: are the ratios still what bench/ratios.json says? It runs the commands that stand there, as far as they
 * can run here, and fails where a ratio is worse by more than 15 %. `--update` writes what was measured instead.
 *
 *     npm run bench -- --check [--update] [--json] [COMMAND ...]      such as: --check "train --sizes S" round
 *
 * Not here: any measurement (the benches) and absolute speed, which says more about the machine than about the code.
 */
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import type { BenchReport, Say } from './figures.ts';
import { UsageError } from './usage.ts';

/** A ratio as it is committed, with what it takes to judge and to repeat it. */
export interface CommittedRatio {
  readonly ratio: number;
  /** Lowest and highest of the pairs behind it. */
  readonly spread: readonly [number, number];
  readonly machine: string;
  /** Load average when it was measured. */
  readonly load: number;
  /** YYYY-MM-DD. */
  readonly date: string;
  /** What stands after `npm run bench --`. */
  readonly command: string;
  /** Versions of the peers. */
  readonly peers: Readonly<Record<string, string>>;
}

export type CommittedRatios = Readonly<Record<string, CommittedRatio>>;

export interface CheckRow {
  readonly name: string;
  readonly committed: number | null;
  readonly measured: number | null;
  readonly verdict: 'held' | 'better' | 'worse' | 'new' | 'not measured';
}

type Measured = Pick<BenchReport, 'ratios' | 'spreads' | 'machine' | 'load' | 'peers' | 'missing'>;

/** How much worse a ratio may be, as a share of what is committed. */
export const TOLERANCE = 0.15;
const FILE = fileURLToPath(new URL('ratios.json', import.meta.url));
/** What is run when nothing is committed or named. */
const DEFAULT_COMMANDS = ['train', 'round'];

/** Memory, and what grows from round to round, is the better the lower; all other ratios are how many times faster or fuller we are. */
export function lowerIsBetter(name: string): boolean {
  return /^memory\.|^run\.(?:memory|seconds)\./.test(name);
}

export function verdictOf(name: string, committed: number, measured: number): 'held' | 'better' | 'worse' {
  const gain = lowerIsBetter(name) ? committed / measured : measured / committed;
  // A ratio that is not a number has not held.
  if (!(gain >= (lowerIsBetter(name) ? 1 / (1 + TOLERANCE) : 1 - TOLERANCE))) return 'worse';
  return gain > 1 + TOLERANCE ? 'better' : 'held';
}

/** One row for every ratio that is committed by one of `commands` or was measured, by name. */
export function compareRatios(committed: CommittedRatios, measured: Readonly<Record<string, number>>, commands: readonly string[]): CheckRow[] {
  const expected = Object.entries(committed).flatMap(([name, { command }]) => (commands.includes(command) ? [name] : []));
  return [...new Set([...expected, ...Object.keys(measured)])].sort().map((name): CheckRow => {
    const before = committed[name]?.ratio ?? null, now = measured[name] ?? null;
    const verdict = now === null ? 'not measured' : before === null ? 'new' : verdictOf(name, before, now);
    return { name, committed: before, measured: now, verdict };
  });
}

/** What the file holds after a report: measured ratios replace their namesakes, all others stay. */
export function updatedRatios(committed: CommittedRatios, report: Measured, command: string, date: string): CommittedRatios {
  const { machine, load, peers } = report;
  const made = Object.entries(report.ratios).map(([name, ratio]): [string, CommittedRatio] => [
    name, { ratio: rounded(ratio), spread: [rounded(report.spreads[name]?.[0] ?? ratio), rounded(report.spreads[name]?.[1] ?? ratio)], machine, load: rounded(load), date, command, peers },
  ]);
  return Object.fromEntries(Object.entries({ ...committed, ...Object.fromEntries(made) }).sort(([a], [b]) => (a < b ? -1 : 1)));
}

const rounded = (value: number): number => Math.round(value * 1000) / 1000;

/** The commands to run: those named, as they stand; without a name all that are committed. */
export function commandsOf(named: readonly string[], committed: CommittedRatios): string[] {
  const known = [...new Set(Object.values(committed).map(({ command }) => command))];
  return [...new Set(named.length > 0 ? named : known.length > 0 ? known : DEFAULT_COMMANDS)];
}

/** A table for people. */
export function formatCheck(rows: readonly CheckRow[]): string {
  const number = (value: number | null): string => (value === null ? '-' : value.toFixed(2)).padStart(10);
  return [`${'ratio'.padEnd(30)}${'committed'.padStart(10)}${'now'.padStart(10)}`, ...rows.map(({ name, committed, measured, verdict }) => `${name.padEnd(30)}${number(committed)}${number(measured)}   ${verdict}`)].join('\n');
}

export async function main(args: string[], benches: Readonly<Record<string, (args: readonly string[], say: Say) => Promise<BenchReport>>>): Promise<void> {
  const { values, positionals } = parseArgs({ args, allowPositionals: true, options: { update: { type: 'boolean', default: false }, json: { type: 'boolean', default: false } } });
  let committed: CommittedRatios = existsSync(FILE) ? (JSON.parse(readFileSync(FILE, 'utf8')) as CommittedRatios) : {};
  const before = committed;
  const commands = commandsOf(positionals, committed);
  const say: Say = (line) => void (values.json || process.stdout.write(`${line}\n`));
  const unknown = commands.find((command) => !Object.hasOwn(benches, command.split(' ')[0]!));
  if (unknown !== undefined) throw new UsageError(`There is no bench with ratios in '${unknown}'; there are ${Object.keys(benches).join(', ')}.`);

  const measured: Record<string, number> = {};
  const missing: string[] = [];
  const machines = new Set(Object.values(before).map(({ machine }) => machine));
  for (const command of commands) {
    say(`\nnpm run bench -- ${command}`);
    const [name, ...own] = command.split(' ').filter(Boolean) as [string, ...string[]];
    const report = await benches[name]!(own, say);
    Object.assign(measured, report.ratios);
    missing.push(...report.missing);
    machines.delete(report.machine);
    committed = updatedRatios(committed, report, command, new Date().toISOString().slice(0, 10));
  }
  const rows = compareRatios(before, measured, commands);
  const worse = rows.filter(({ verdict }) => verdict === 'worse').map(({ name }) => name);
  if (values.json) process.stdout.write(`${JSON.stringify({ rows, missing: [...new Set(missing)], worse, updated: values.update })}\n`);
  say(`\n${formatCheck(rows)}`);
  if (machines.size > 0) say(`Committed ratios that come from another machine: ${[...machines].join('; ')}.`);
  if (values.update) {
    writeFileSync(FILE, `${JSON.stringify(committed, null, 2)}\n`);
    say(`Written to bench/ratios.json.`);
  } else if (worse.length > 0) {
    say(`Worse by more than ${TOLERANCE * 100} %: ${worse.join(', ')}.`);
    process.exitCode = 1;
  }
}
