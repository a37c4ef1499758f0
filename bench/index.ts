/** `npm run bench -- NAME`: which benches there are. Each is one file with a `main`. */
import { main as judge } from './judge.ts';
import { main as sandbox } from './sandbox.ts';
import { main as train } from './train.ts';

const BENCHES: Record<string, { readonly about: string; readonly main: (args: string[]) => Promise<void> }> = {
  train: { about: 'training and sampling against eager tfjs and PyTorch, one architecture, one run', main: train },
  judge: { about: 'the strict rules against CPython on mutants of held-out code', main: judge },
  sandbox: { about: 'a thousand hostile programs: what gets out, what is left, how fast', main: sandbox },
};

const [name, ...args] = process.argv.slice(2);
const bench = name === undefined ? undefined : BENCHES[name];
if (bench) await bench.main(args);
else {
  const list = Object.entries(BENCHES).map(([known, { about }]) => `  ${known.padEnd(8)}${about}`).join('\n');
  process.stdout.write(`${name === undefined || name === '--help' ? '' : `There is no bench '${name}'.\n\n`}npm run bench -- NAME [--json]\n\n${list}\n`);
  process.exitCode = name === undefined || name === '--help' ? 0 : 2;
}
