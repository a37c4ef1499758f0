/** `npm run bench -- NAME`: which benches there are. Each is one file with a `main`, or with a `measure` that makes a report of ratios. */
import { main as breaks } from './breaks.ts';
import { main as check } from './check.ts';
import { main as coco } from './coco.ts';
import type { BenchReport, Say } from './figures.ts';
import { main as improve } from './improve.ts';
import { main as judge } from './judge.ts';
import { main as oracle } from './oracle.ts';
import { measure as round } from './round.ts';
import { measure as run } from './run.ts';
import { main as sandbox } from './sandbox.ts';
import { measure as scale } from './scale.ts';
import { measure as train } from './train.ts';
import { Interrupted, isMisuse } from './usage.ts';

type Measure = (args: readonly string[], say: Say) => Promise<BenchReport>;

/** Benches with ratios, which `--check` compares with what is committed. */
const RATIOS: Readonly<Record<string, Measure>> = { train, round, run };

/** The command of a bench that makes a report: lines as they come, or one JSON object. */
const reporting = (measure: Measure) => async (args: string[]): Promise<void> => {
  const json = args.includes('--json');
  const report = await measure(args.filter((arg) => arg !== '--json'), (line) => void (json || process.stdout.write(`${line}\n`)));
  if (json) process.stdout.write(`${JSON.stringify(report)}\n`);
};

/** `options` of those whose `main` does not print them itself at --help. */
const BENCHES: Readonly<Record<string, { readonly about: string; readonly options?: string; readonly main: (args: string[]) => Promise<void> }>> = {
  train: { about: 'training, sampling and memory against eager tfjs and PyTorch, one architecture, one run', options: '[--sizes S,M] [--batches 1,16,64] [--repetitions 5] [--backend onnx:cpu] [--no-compile]', main: reporting(train) },
  round: { about: 'a whole round against hand-written PyTorch and TRL', options: '[--repetitions 7] [--judges 2]', main: reporting(round) },
  run: { about: 'where the time of a run goes: cores, activities, orchestration, growth over rounds', options: '[--preset smoke] [--rounds 20] [--set KEY=VALUE ...] [--no-dashboard] [--built] [--keep FOLDER] [--run FOLDER]', main: reporting(run) },
  scale: { about: 'how the cost grows with layers, width, context, batch and vocabulary', options: '[--repetitions 5]', main: reporting(scale) },
  improve: { about: 'does the loop learn from its feedback? against four control arms, over seeds', main: improve },
  oracle: { about: 'likelihood and SeqGAN on the synthetic oracle, quality and diversity over temperature', main: oracle },
  coco: { about: 'likelihood, SeqGAN and filtered samples on image captions, BLEU and Self-BLEU over temperature', main: coco },
  breaks: { about: "how a run's samples fail, by kind, and what of that blame could have seen", main: breaks },
  judge: { about: 'the strict rules against CPython on mutants of held-out code', options: '[--rules] [--speed] [--grade] [--wording] [--limits] [--mutants 20000] [--seed 2026] [--half held-out|development]', main: judge },
  sandbox: { about: 'a thousand hostile programs: what gets out, what is left, how fast', options: '[--runs 1000] [--interpreter pyodide|python3] [--sandbox bwrap|unshare] [--limit 2] [--workers 2]', main: sandbox },
};

const [name, ...args] = process.argv.slice(2);
const bench = name === undefined ? undefined : BENCHES[name];
try {
  if (name === '--check') await check(args, RATIOS);
  else if (bench?.options !== undefined && args.includes('--help')) process.stdout.write(`npm run bench -- ${name} ${bench.options} [--json]\n\n${bench.about}\n`);
  else if (bench) await bench.main(args);
  else {
    const list = Object.entries(BENCHES).map(([known, { about }]) => `  ${known.padEnd(8)}${about}`).join('\n');
    process.stdout.write(`${name === undefined || name === '--help' ? '' : `There is no bench '${name}'.\n\n`}npm run bench -- NAME [--help] [--json]\nnpm run bench -- --check [--update] [COMMAND ...]\n\n${list}\n`);
    process.exitCode = name === undefined || name === '--help' ? 0 : 2;
  }
} catch (error) {
  // As the command line does it: one sentence, and the place only where it is asked for.
  const message = error instanceof Error ? ((process.env['OUROBOROS_DEBUG'] && error.stack) || error.message) : String(error);
  process.stderr.write(error instanceof Interrupted ? `${error.message}\n` : `error: ${message}\n`);
  process.exitCode = error instanceof Interrupted ? 130 : isMisuse(error) ? 2 : 1;
}
