/** What the project asks of the loop, round 0 to the last round, beside what was measured: a pure rule over the loop's figures. */
import { differenceInterval, mean, wilson } from '../../src/metrics/index.ts';
import type { Guards } from '../../src/contracts/records.ts';
import type { CellFigures } from './figures.ts';
import { CONTROLS } from './settings.ts';
import { beatenBy, type VerdictInput } from './verdict.ts';

export interface Target {
  readonly what: string;
  readonly required: string;
  readonly goal: string;
  readonly measured: string;
  readonly reached: 'goal' | 'required' | 'no' | 'not measured';
}

const percent = (share: number, digits = 1): string => `${(100 * share).toFixed(digits)} %`;
const signed = (share: number): string => `${share < 0 ? '−' : '+'}${percent(Math.abs(share))}`;
const grade = (required: boolean, goal: boolean): Target['reached'] => (goal && required ? 'goal' : required ? 'required' : 'no');

/** Rounds whose validity lies below that of the round before them, beyond the interval of the difference, by their numbers. `comparisons`: so many intervals hold together in 95 of 100 cases. */
const fallsOf = ({ rounds }: Pick<CellFigures, 'rounds'>, comparisons: number): number[] => {
  const validity = rounds.map(({ validity: { successes, n } }) => wilson(successes, n, comparisons));
  return rounds.flatMap(({ round }, i) => (i > 0 && differenceInterval(validity[i]!, validity[i - 1]!).high < 0 ? [round] : []));
};

/**
 * Rounds up to the first fall. The intervals of a run hold together in 95 of 100 runs: held to 95 % one by one, a fifth of the runs of ten rounds in which nothing falls
 * would show a fall.
 */
export function steadyRounds(cell: Pick<CellFigures, 'rounds'>): number {
  return (fallsOf(cell, Math.max(1, cell.rounds.length - 1))[0] ?? cell.rounds.length) - 1;
}

/** Falls beyond the interval of that one comparison alone: where nothing falls, one in forty does. Rounds up to the first of them, and how many there are. */
export function fallsAlone(cell: Pick<CellFigures, 'rounds'>): { readonly before: number; readonly falls: number } {
  const falls = fallsOf(cell, 1);
  return { before: (falls[0] ?? cell.rounds.length) - 1, falls: falls.length };
}

/**
 * How many more bits a byte the loop's last policy needs than the corpus-only arm of the same seeds, relative: than that arm's last round, and than the best of all its rounds, which a
 * loop cannot beat by the other's learning its documents by heart. Rounds are measured on the run's own documents, so both sides of that comparison are. Null where no seed has both.
 */
function bitsAgainst(loop: readonly CellFigures[], corpusOnly: readonly CellFigures[]): { readonly last: number; readonly best: number } | null {
  const pairs = loop.flatMap((cell) => corpusOnly.filter(({ seed }) => seed === cell.seed).map((other) => [cell, other] as const));
  if (pairs.length === 0) return null;
  const relative = (own: (cell: CellFigures) => number, bitsOf: (other: CellFigures) => number): number => mean(pairs.map(([cell]) => own(cell))) / mean(pairs.map(([, other]) => bitsOf(other))) - 1;
  const audited = ({ last }: CellFigures): number => last.measurement.guards.bitsPerByte;
  return { last: relative(audited, audited), best: relative(({ rounds }) => rounds.at(-1)!.guards.bitsPerByte, ({ rounds }) => Math.min(...rounds.map(({ guards }) => guards.bitsPerByte))) };
}

/** Empty when the loop was not run. Every figure is a mean over the seeds of the last measurement; steady rounds are the worst seed's. */
export function targetsOf(loop: readonly CellFigures[], corpusOnly: readonly CellFigures[], verdict: Pick<VerdictInput, 'controls' | 'broken'>): Target[] {
  if (loop.length === 0) return [];
  const guard = (name: keyof Guards, which: 'first' | 'last'): number => mean(loop.map((cell) => cell[which].measurement.guards[name]));
  const heldOut = (name: 'codeTokens' | 'distinctShapes' | 'repeatedLines'): number => mean(loop.map(({ first }) => first.heldOut[name]));
  const errors = (which: 'first' | 'last'): number => 1 - mean(loop.map((cell) => mean(cell[which].valid)));
  const solved = (which: 'first' | 'last'): number => loop.reduce((sum, cell) => sum + cell[which].coverage.solved.filter((c) => c > 0).length, 0);
  const fall = errors('last') / errors('first') - 1;
  const divergence = guard('divergence', 'last') / guard('divergence', 'first');
  const bits = guard('bitsPerByte', 'last') / guard('bitsPerByte', 'first') - 1;
  const against = bitsAgainst(loop, corpusOnly);
  const shapes = guard('distinctShapes', 'last') / guard('distinctShapes', 'first');
  const code = guard('codeTokens', 'last') / heldOut('codeTokens');
  const codeBefore = guard('codeTokens', 'first') / heldOut('codeTokens');
  const lines = Math.abs(guard('repeatedLines', 'last') - heldOut('repeatedLines'));
  const copies = guard('copies', 'last');
  const steady = Math.min(...loop.map(steadyRounds));
  const alone = loop.map(fallsAlone);
  const falls = alone.reduce((sum, cell) => sum + cell.falls, 0);
  const compared = loop.reduce((sum, { rounds }) => sum + rounds.length - 1, 0);
  const perPrompt = loop[0]!.first.coverage.n;
  const beaten = CONTROLS.flatMap((arm) => {
    const by = beatenBy(arm, verdict);
    return by ? [{ arm, by }] : [];
  });
  return [
    { what: "errors, relative, at a divergence no worse than round 0's", required: '−50 %', goal: '−90 %', measured: `${signed(fall)} at ${divergence.toFixed(2)} times round 0's`, reached: grade(fall <= -0.5 && divergence <= 1, fall <= -0.9) },
    { what: "errors, relative, at a divergence of at most 1.5 times round 0's", required: '−80 %', goal: '−95 %', measured: `${signed(fall)} at ${divergence.toFixed(2)} times round 0's`, reached: grade(fall <= -0.8 && divergence <= 1.5, fall <= -0.95) },
    {
      what: 'held-out bits a byte', required: 'no worse than round 0, at most +1 % of the corpus-only arm', goal: 'no worse than the corpus-only arm',
      measured: `${signed(bits)} of round 0${against === null ? ', no corpus-only arm' : `, ${signed(against.last)} of the corpus-only arm's last round and ${signed(against.best)} of its best`}`,
      reached: against === null ? 'not measured' : grade(bits <= 0 && against.best <= 0.01, against.best <= 0),
    },
    { what: 'distinct shapes in 200 valid samples', required: '95 % of round 0', goal: "held-out documents' own", measured: `${percent(shapes)} of round 0, ${percent(guard('distinctShapes', 'last') / heldOut('distinctShapes'))} of held-out documents'`, reached: grade(shapes >= 0.95, guard('distinctShapes', 'last') >= heldOut('distinctShapes')) },
    { what: 'code tokens, median', required: "0.85 to 1.2 of held-out documents', or nearer than round 0", goal: '0.95 to 1.05', measured: `${code.toFixed(2)} (round 0: ${codeBefore.toFixed(2)})`, reached: grade((code >= 0.85 && code <= 1.2) || Math.abs(code - 1) < Math.abs(codeBefore - 1), code >= 0.95 && code <= 1.05) },
    { what: 'repeated lines', required: "within 2 points of held-out documents'", goal: 'within 1 point', measured: `${percent(guard('repeatedLines', 'last'))} (held-out documents: ${percent(heldOut('repeatedLines'))})`, reached: grade(lines <= 0.02, lines <= 0.01) },
    { what: 'copies', required: 'at most 1 %', goal: 'at most 0.2 %', measured: percent(copies, 2), reached: grade(copies <= 0.01, copies <= 0.002) },
    { what: `prompts with a valid, non-trivial completion in ${perPrompt}`, required: 'no fewer than round 0', goal: 'more', measured: `${solved('last')} of ${loop.reduce((sum, cell) => sum + cell.last.coverage.solved.length, 0)}, ${solved('first')} at round 0`, reached: grade(solved('last') >= solved('first'), solved('last') > solved('first')) },
    { what: 'rounds without a significant regression', required: '10', goal: '30', measured: `${steady} (the worst seed's); each held to its own interval alone, ${falls} of ${compared} fall, ${(compared / 40).toFixed(1)} by chance, and the worst seed's first are ${Math.min(...alone.map(({ before }) => before))}`, reached: grade(steady >= 10, steady >= 30) },
    { what: 'control arms beaten beyond the interval', required: 'all', goal: 'all', measured: beaten.length === 0 ? 'none' : beaten.map(({ arm, by }) => (by === 'guards' ? `${arm} (by its guards alone)` : arm)).join(', '), reached: CONTROLS.some((arm) => verdict.controls[arm] === undefined) ? 'not measured' : grade(beaten.length === CONTROLS.length, beaten.every(({ by }) => by === 'validity')) },
  ];
}
