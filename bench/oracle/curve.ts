/**
 * The two sides of a text GAN and the curve that temperature draws between them: NLL-oracle, how likely the oracle finds the generator's
 * samples (quality), and NLL-test, how likely the generator finds the oracle's (diversity), both nats a token, lower is better. Either
 * alone can be had at the other's cost, so a generator is compared with a whole curve.
 *
 * Source: Caccia et al., "Language GANs falling short" (2020).
 */

export interface Point {
  readonly temperature: number;
  readonly oracle: number;
  /** Of the distribution at this temperature. */
  readonly test: number;
}

/** 1 is among them. The best sum of a model trained on 10,000 sequences lies near 0.5: the steps are smaller there. */
export const TEMPERATURES: readonly number[] = [0.3, 0.4, 0.45, 0.5, 0.55, 0.6, 0.7, 0.8, 0.9, 1, 1.1, 1.2, 1.3];

/** The point with the lowest sum of the two sides. */
export function bestSum(curve: readonly Point[]): Point {
  return curve.reduce((best, point) => (point.oracle + point.test < best.oracle + best.test ? point : best));
}

/** The point of a curve at temperature 1. */
export function untempered(curve: readonly Point[]): Point {
  const point = curve.find(({ temperature }) => temperature === 1);
  if (!point) throw new RangeError('The curve has no point at temperature 1.');
  return point;
}

/**
 * The lowest NLL-oracle that a curve reaches at an NLL-test of at most `test`, between points by straight lines; of the point with its lowest
 * NLL-test where all of it lies above.
 */
export function oracleAt(curve: readonly Point[], test: number): number {
  const bound = Math.max(test, Math.min(...curve.map((point) => point.test)));
  const crossings = curve.slice(1).flatMap((to, i) => {
    const from = curve[i]!;
    const share = (bound - from.test) / (to.test - from.test);
    return share > 0 && share < 1 ? [from.oracle + share * (to.oracle - from.oracle)] : [];
  });
  return Math.min(...curve.filter((point) => point.test <= bound).map(({ oracle }) => oracle), ...crossings);
}

/** How far a point lies beyond a curve: what it gains in NLL-oracle, nats, at no higher NLL-test; negative where it lies behind. */
export function gain(point: Point, reference: readonly Point[]): number {
  return oracleAt(reference, point.test) - point.oracle;
}
