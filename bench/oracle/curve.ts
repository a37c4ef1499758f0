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
export function untempered<P extends { readonly temperature: number }>(curve: readonly P[]): P {
  const point = curve.find(({ temperature }) => temperature === 1);
  if (!point) throw new RangeError('The curve has no point at temperature 1.');
  return point;
}

/**
 * The lowest y that a curve of points (x, y) reaches at an x of at most `bound`, between points by straight lines; of the point with its
 * lowest x where all of it lies above.
 */
export function lowestAt(curve: readonly (readonly [x: number, y: number])[], bound: number): number {
  const most = Math.max(bound, Math.min(...curve.map(([x]) => x)));
  const crossings = curve.slice(1).flatMap(([x, y], i) => {
    const [fromX, fromY] = curve[i]!;
    const share = (most - fromX) / (x - fromX);
    return share > 0 && share < 1 ? [fromY + share * (y - fromY)] : [];
  });
  return Math.min(...curve.filter(([x]) => x <= most).map(([, y]) => y), ...crossings);
}

/** The lowest NLL-oracle that a curve reaches at an NLL-test of at most `test`. */
export function oracleAt(curve: readonly Point[], test: number): number {
  return lowestAt(curve.map((point) => [point.test, point.oracle]), test);
}

/** How far a point lies beyond a curve: what it gains in NLL-oracle, nats, at no higher NLL-test; negative where it lies behind. */
export function gain(point: Point, reference: readonly Point[]): number {
  return oracleAt(reference, point.test) - point.oracle;
}
