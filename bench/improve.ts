/**
 * `npm run bench -- improve`: does the loop learn from its feedback? The loop and four control arms, each learning from as many tokens
 * as its own samples hold, over paired seeds, measured on the test split, with intervals, and a verdict that may be a null result. docs/improve.md tells how to read it.
 */
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { parseConfig } from '../src/config/load.ts';
import { writeFileAtomic, writeJsonAtomic } from '../src/store/atomic.ts';
import { cellsOf, claimSettings, readManifest, runCells } from './improve/cells.ts';
import { coverage, frontier, validityByRound } from './improve/charts.ts';
import { promptsOf } from './improve/figures.ts';
import { markdownOf } from './improve/markdown.ts';
import { reportOf, type ImproveReport } from './improve/report.ts';
import { libraryRunner } from './improve/run-cell.ts';
import { Interrupted, oneOf, seedsOf, wholeNumber } from './usage.ts';
import { ARM_NAMES, ARMS, configOf, DEFAULT_ARMS, SETTING_NAMES, SETTINGS, type Arm, type SettingName } from './improve/settings.ts';

const HELP = `npm run bench -- improve [--setting NAME] [--arms A,B] [--seeds N | --seeds A,B] [--rounds N] [--set KEY=VALUE ...] [--out FOLDER] [--json]

  --setting  ${SETTING_NAMES.map((name) => `${name}: ${SETTINGS[name].about}`).join('\n             ')}
  --arms     default ${DEFAULT_ARMS.join(',')}:
             ${ARM_NAMES.map((arm) => `${arm}: ${ARMS[arm]}`).join('\n             ')}
  --seeds    how many, or which ones with a comma between them (a comma at the end for a single one)
  --rounds   instead of the setting's
  --set      any setting of a run, of all arms, over those of --setting; may be given again
  --out      default runs/improve-SETTING; the same command again goes on where it was cut off
  --json     the report on standard output, progress on standard error
`;

export function writeReport(out: string, report: ImproveReport, command: string): void {
  writeJsonAtomic(join(out, 'improve.json'), report);
  writeFileAtomic(join(out, 'improve.md'), markdownOf(report, command));
  writeFileAtomic(join(out, 'frontier.svg'), frontier(report));
  writeFileAtomic(join(out, 'validity.svg'), validityByRound(report));
  writeFileAtomic(join(out, 'coverage.svg'), coverage(report));
}

export async function main(args: string[]): Promise<void> {
  const { values } = parseArgs({
    args,
    options: {
      setting: { type: 'string', default: 'small' }, arms: { type: 'string' }, seeds: { type: 'string' }, rounds: { type: 'string' },
      set: { type: 'string', multiple: true, default: [] }, out: { type: 'string' }, json: { type: 'boolean', default: false }, help: { type: 'boolean', default: false },
    },
  });
  if (values.help) return void process.stdout.write(HELP);
  const name: SettingName = oneOf('setting', values.setting, SETTING_NAMES);
  const setting = { ...SETTINGS[name], set: values.set };
  const chosen = values.arms?.split(',').map((arm) => oneOf('arm', arm.trim(), ARM_NAMES)) ?? DEFAULT_ARMS;
  const arms: Arm[] = ARM_NAMES.filter((arm) => chosen.includes(arm));
  const seeds = seedsOf(values.seeds ?? String(setting.seeds));
  const rounds = values.rounds === undefined ? setting.rounds : wholeNumber('--rounds', values.rounds);
  const out = resolve(values.out ?? join('runs', `improve-${name}`));
  const say = (line: string): void => void (values.json ? process.stderr : process.stdout).write(`${line}\n`);

  // With every default filled in: where one changes, what lies in the folder can no longer be compared.
  const settings = claimSettings(out, { setting: name, config: { ...parseConfig(configOf(setting, 0, rounds)), seed: 'one each' }, audit: setting.audit });
  const cells = cellsOf(out, arms, seeds);
  say(`${arms.length} arm${arms.length === 1 ? '' : 's'}, ${seeds.length} seed${seeds.length === 1 ? '' : 's'}, ${rounds} round${rounds === 1 ? '' : 's'}, into ${out}`);
  const stop = new AbortController();
  const interrupted = (): void => stop.abort(new Interrupted('Stopped. The same command goes on from here.'));
  process.once('SIGINT', interrupted);
  process.once('SIGTERM', interrupted);
  try {
    await runCells(cells, { settings, rounds, runner: libraryRunner(setting, rounds), say, now: () => performance.now(), signal: stop.signal });
  } finally {
    process.removeListener('SIGINT', interrupted);
    process.removeListener('SIGTERM', interrupted);
  }
  const report = reportOf(cells.map((cell) => readManifest(cell)!.figures), { setting: name, rounds, prompts: promptsOf(cells) });
  writeReport(out, report, ['npm run bench -- improve', ...args.filter((arg) => arg !== '--json')].join(' '));
  say(`\n${report.verdict.sentence}\n\n${join(out, 'improve.md')}`);
  if (values.json) process.stdout.write(`${JSON.stringify(report)}\n`);
}
