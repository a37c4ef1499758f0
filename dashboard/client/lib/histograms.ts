/** Histograms side by side, one a round: how far their bins go, how strong each cell is, and what a cell says. Pure. */
import type { HistogramData } from './views.ts';

export interface Column {
  readonly label: string;
  readonly histogram: HistogramData;
  /** Marked in the column, in the unit of the bins. */
  readonly median: number | null;
  /** Said beside the column. */
  readonly note: string;
}

export interface Cell {
  readonly column: number;
  readonly bin: number;
  /** In (0, 1]: the share of the column that lies in the bin, against the largest share of any cell. */
  readonly weight: number;
}

export const total = ({ counts }: HistogramData): number => counts.reduce((sum, count) => sum + count, 0);

/** Bins up to the highest that any column has something in; at least one. */
export function usedBins(columns: readonly Column[]): number {
  return columns.reduce((most, { histogram }) => Math.max(most, histogram.counts.findLastIndex((count) => count > 0) + 1), 1);
}

/** The cells that have something in them. */
export function cellsOf(columns: readonly Column[]): Cell[] {
  const shares = columns.map(({ histogram }) => histogram.counts.map((count) => count / Math.max(1, total(histogram))));
  const largest = Math.max(0, ...shares.flat());
  return shares.flatMap((column, i) => column.flatMap((share, bin) => (share > 0 ? [{ column: i, bin, weight: share / largest }] : [])));
}

/** The bin's ends; of the last bin of all only the lower one, since it holds what lies above as well. */
export function binEnds({ from, width, counts }: HistogramData, bin: number): { readonly low: number; readonly high: number | null } {
  return { low: from + bin * width, high: bin === counts.length - 1 ? null : from + (bin + 1) * width };
}
