/** The table of a run: a row a round, all of it measured on the test split. Not here: how anything is measured. */
import type { Proportion, RoundRow, Timing } from '../contracts/records.ts';
import { columns } from './text.ts';

export interface TimedRow {
  readonly row: RoundRow;
  /** Absent for a round whose time was not logged. */
  readonly timing?: Timing | undefined;
}

interface Column {
  readonly name: string;
  readonly cell: (row: RoundRow, timing: Timing | undefined) => string;
}

const none = '–';
const percent = (value: number): string => (100 * value).toFixed(1);
/** Value and half the width of the 95 % interval, both in percent. */
const proportion = (p: Proportion | null): string => (p ? `${percent(p.value)} ±${percent((p.high - p.low) / 2)}` : none);
const number = (value: number | null | undefined, digits: number): string => (value === null || value === undefined ? none : value.toFixed(digits));

const allColumns: readonly Column[] = [
  { name: 'valid %', cell: (r) => proportion(r.test.unconditional) },
  { name: 'prompted %', cell: (r) => proportion(r.test.prompted) },
  { name: 'refined %', cell: (r) => proportion(r.validityAfterRefinement) },
  { name: 'bits/byte', cell: (r) => number(r.test.guards.bitsPerByte, 3) },
  { name: 'tokens/code', cell: (r) => `${number(r.test.guards.tokens, 0)}/${number(r.test.guards.codeTokens, 0)}` },
  { name: 'shapes', cell: (r) => number(r.test.guards.distinctShapes, 0) },
  { name: 'diverg.', cell: (r) => number(r.test.guards.divergence, 3) },
  { name: 'repeat %', cell: (r) => percent(r.test.guards.repeatedLines) },
  { name: 'copies', cell: (r) => number(r.test.guards.copies, 0) },
  { name: 'reward', cell: (r) => number(r.meanReward, 3) },
  { name: 'AUC', cell: (r) => number(r.discriminatorAuc, 2) },
  { name: 's', cell: (_, t) => number(t?.seconds, 0) },
  { name: 'tokens/s', cell: (_, t) => number(t?.sampledTokensPerSecond || null, 0) },
  { name: 'outcome', cell: (r) => r.outcome },
];

const notes = [
  "valid %, prompted %: CPython's verdict at temperature 1, unconstrained and unrefined, with half the 95 % interval · refined %: validity of the",
  "round's samples after repair · tokens/code: medians · shapes: distinct syntax trees in 200 valid samples · diverg.: structure divergence from",
  'held-out documents, bits · tokens/s: sampled. Measured on the test split, which nothing else reads.',
].join('\n');

/** The whole table. Where `width` is too small for one block, it is cut into blocks that each begin with the round. */
export function roundTable(rows: readonly TimedRow[], width: number): string {
  if (rows.length === 0) return 'No round was finished.';
  const rounds = rows.map(({ row }) => String(row.round));
  const cells = allColumns.map((column) => rows.map(({ row, timing }) => column.cell(row, timing)));
  const widths = allColumns.map((column, i) => Math.max(column.name.length, ...cells[i]!.map((cell) => cell.length)));
  const blocks: number[][] = [[]];
  let used = 5;
  for (const [i, columnWidth] of widths.entries()) {
    if (used + 2 + columnWidth > width && blocks.at(-1)!.length > 0) {
      blocks.push([]);
      used = 5;
    }
    blocks.at(-1)!.push(i);
    used += 2 + columnWidth;
  }
  const text = blocks.map((block) =>
    columns(['round', ...block.map((i) => allColumns[i]!.name)], rounds.map((round, r) => [round, ...block.map((i) => cells[i]![r]!)])),
  );
  return `${text.join('\n\n')}\n\n${notes}`;
}

/** One round in one line, for the moment it ends. */
export function roundLine(row: RoundRow): string {
  const { unconditional, prompted, guards } = row.test;
  const parts = [
    `valid ${proportion(unconditional)} %`,
    `prompted ${proportion(prompted)} %`,
    `bits/byte ${number(guards.bitsPerByte, 3)}`,
    `code tokens ${number(guards.codeTokens, 0)}`,
    `divergence ${number(guards.divergence, 3)}`,
    row.outcome,
  ];
  return `round ${row.round}: ${parts.join(' · ')}`;
}
