/** The report's three figures: the frontier, validity by round, coverage. Not here: how a plot is drawn (plot.ts). */
import { svgOf, type Series } from './plot.ts';
import type { ImproveReport } from './report.ts';
import { ARM_NAMES, type Arm } from './settings.ts';

const percent = (share: number): string => `${Number((100 * share).toFixed(1))} %`;
const bits = (value: number): string => String(Number(value.toFixed(3)));

/** The arms that were run, each with its colour. */
function armsOf(report: ImproveReport): { readonly arm: Arm; readonly colour: number }[] {
  return ARM_NAMES.map((arm, colour) => ({ arm, colour })).filter(({ arm }) => report.arms[arm] !== undefined);
}

/** "3 seeds, 6 rounds": under every title. */
const scope = ({ seeds, rounds, setting }: ImproveReport): string => `${setting}: ${seeds.length} seed${seeds.length === 1 ? '' : 's'}, ${rounds} round${rounds === 1 ? '' : 's'}, test split`;

/** Divergences farther off than so many times round 0's are left out: an arm that writes hardly anything valid would squeeze all others into a corner. */
const FARTHEST = 4;

export function frontier(report: ImproveReport): string {
  const edge = FARTHEST * Math.max(...armsOf(report).map(({ arm }) => report.arms[arm]!.curve[0]?.divergence.difference ?? 0));
  const within = (arm: Arm) => report.arms[arm]!.curve.filter(({ divergence }) => divergence.difference <= edge);
  const leaving = armsOf(report).map(({ arm }) => arm).filter((arm) => within(arm).length < report.arms[arm]!.curve.length);
  const series = armsOf(report).map(({ arm, colour }): Series => {
    const { length } = report.arms[arm]!.curve;
    const curve = within(arm);
    return {
      name: arm, colour, goesOn: curve.length < length,
      points: curve.map(({ round, error, divergence }, i) => ({
        x: divergence.difference, y: error.difference,
        ...(i === length - 1 ? { xLow: divergence.low, xHigh: divergence.high, yLow: error.low, yHigh: error.high } : {}),
        // All arms begin in one point; the last one is the filled one.
        ...(arm === 'loop' && (i === 0 || i === curve.length - 1) ? { label: `round ${round}` } : {}),
      })),
    };
  });
  return svgOf({
    title: 'Errors against structure divergence, a point a round',
    notes: [`${scope(report)}. Filled: the last round, 95 % intervals over seeds.${leaving.length > 0 ? ` Off the edge: ${leaving.join(', ')}.` : ''}`, 'Down at the same divergence is better; down and to the right, validity is bought with simpler programs.'],
    x: { label: 'structure divergence from held-out documents, bits', format: bits },
    y: { label: 'invalid programs', format: percent },
    series,
  });
}

export function validityByRound(report: ImproveReport): string {
  const series = armsOf(report).map(({ arm, colour }): Series => ({
    name: arm, colour, band: arm === 'loop',
    points: report.arms[arm]!.curve.map(({ round, error }, i, curve) => ({
      x: round, y: 1 - error.difference, ...(arm === 'loop' || i === curve.length - 1 ? { yLow: 1 - error.high, yHigh: 1 - error.low } : {}),
    })),
  }));
  return svgOf({
    title: 'Valid programs by round',
    notes: [`${scope(report)}. Means over seeds.`, 'Band (the loop) and whiskers (the others, last round): 95 % intervals over seeds.'],
    x: { label: 'round', format: String, whole: true },
    y: { label: 'valid, T=1, unconstrained, unrefined', format: percent },
    series,
  });
}

export function coverage(report: ImproveReport): string {
  const curve = (points: ImproveReport['start']['coverage'], everywhere: boolean): Series['points'] =>
    points.map(({ k, value }, i) => ({ x: k, y: value.difference, ...(everywhere || i === points.length - 1 ? { yLow: value.low, yHigh: value.high } : {}) }));
  return svgOf({
    title: 'Coverage: prompts with a valid completion among k',
    notes: [`${scope(report)}. The last round's policies against the frozen one of round 0.`, 'Band (the loop) and whiskers (the others, largest k): 95 % intervals over seeds and prompts.'],
    x: { label: 'k samples a prompt', format: String, logarithmic: true },
    y: { label: 'pass@k', format: percent },
    series: [
      ...armsOf(report).map(({ arm, colour }): Series => ({ name: arm, colour, band: arm === 'loop', points: curve(report.arms[arm]!.coverage, arm === 'loop') })),
      { name: 'round 0', colour: ARM_NAMES.length, points: curve(report.start.coverage, false) },
    ],
  });
}
