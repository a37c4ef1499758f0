/** What the commands of benches that train generators over seeds share: their options, seeds that need not be trained again, and how an interval is written. */
import { existsSync, mkdirSync, readFileSync } from 'node:fs';
import { loadavg } from 'node:os';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import type { EngineOptions } from '../src/engine/compile.ts';
import type { Interval } from '../src/metrics/index.ts';
import { writeJsonAtomic } from '../src/store/atomic.ts';
import { machineName, type Say } from './figures.ts';
import { oneOf, seedsOf, UsageError, wholeNumber } from './usage.ts';

export interface SeedsCommand<Name extends string, Setting> {
  readonly name: Name;
  readonly setting: Setting;
  readonly data: string;
  readonly seeds: readonly number[];
  readonly out: string;
  readonly engine: EngineOptions;
  readonly json: boolean;
  readonly machine: string;
  /** Mean number of runnable processes over the last minute when the bench began. */
  readonly load: number;
  readonly say: Say;
}

/** The lines of --help that these options have in common. */
export function optionLines(bench: string, data: string, settings: Readonly<Record<string, { readonly about: string }>>): string {
  return `npm run bench -- ${bench} --data PATH [--setting NAME] [--seeds N | --seeds A,B] [--out FOLDER] [--threads N] [--json]

  --data     ${data}
  --setting  ${Object.entries(settings).map(([name, { about }]) => `${name}: ${about}`).join('\n             ')}
  --seeds    how many, or which ones with a comma between them, instead of the setting's
  --out      default runs/${bench}-SETTING; seeds that are done there are not trained again
  --threads  default 1: products this small gain little from a second
  --json     the report on standard output, progress on standard error
`;
}

/** The command of `args`; null where help was asked for. */
export function parseCommand<Name extends string, Setting extends { readonly seeds: number }>(bench: string, args: string[], settings: Readonly<Record<Name, Setting>>, help: string): SeedsCommand<Name, Setting> | null {
  const { values } = parseArgs({
    args,
    options: {
      data: { type: 'string' }, setting: { type: 'string', default: 'small' }, seeds: { type: 'string' }, out: { type: 'string' },
      threads: { type: 'string', default: '1' }, json: { type: 'boolean', default: false }, help: { type: 'boolean', default: false },
    },
  });
  if (values.help) return null;
  if (values.data === undefined) throw new UsageError(`--data is missing.\n\n${help}`);
  const name = oneOf('setting', values.setting, Object.keys(settings) as Name[]);
  const setting = settings[name];
  return {
    name, setting, data: values.data, seeds: seedsOf(values.seeds ?? String(setting.seeds)), out: resolve(values.out ?? join('runs', `${bench}-${name}`)),
    engine: { backend: 'onnx:cpu', threads: wholeNumber('--threads', values.threads) }, json: values.json, machine: machineName(), load: loadavg()[0]!,
    say: (line) => void (values.json ? process.stderr : process.stdout).write(`${line}\n`),
  };
}

/** What lies in a seed's file: its report, and under which setting it came about. */
interface Kept<Setting, Report> {
  readonly setting: Setting;
  readonly report: Report;
}

/** The report of every seed: of those that were done before under the same setting, the file's. `done` hears of each. */
export async function reportsOf<Setting, Report>({ setting, seeds, out }: Pick<SeedsCommand<string, Setting>, 'setting' | 'seeds' | 'out'>, run: (seed: number) => Promise<Report>, done: (report: Report) => void): Promise<Report[]> {
  mkdirSync(out, { recursive: true });
  const reports: Report[] = [];
  for (const seed of seeds) {
    const file = join(out, `seed-${seed}.json`);
    let report: Report;
    if (existsSync(file)) {
      const kept = JSON.parse(readFileSync(file, 'utf8')) as Kept<Setting, Report>;
      if (JSON.stringify(kept.setting) !== JSON.stringify(setting)) throw new UsageError(`${file} was made with other settings; name another folder with --out, or remove it.`);
      ({ report } = kept);
    } else {
      report = await run(seed);
      writeJsonAtomic(file, { setting, report } satisfies Kept<Setting, Report>);
    }
    done(report);
    reports.push(report);
  }
  return reports;
}

/** `mean (low to high)`, three digits. */
export const interval = ({ difference, low, high }: Interval): string => `${difference.toFixed(3)} (${low.toFixed(3)} to ${high.toFixed(3)})`;
