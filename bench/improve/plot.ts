/**
 * A small plotter: lines with points and intervals over two axes, as one SVG text that needs no style sheet or script. Not here: what is
 * drawn (charts.ts). Colours are Okabe and Ito's, told apart by readers who see fewer; the dashes tell them apart in grey.
 */

export interface PlotPoint {
  readonly x: number;
  readonly y: number;
  /** Ends of the 95 % intervals; drawn where they are given. */
  readonly xLow?: number;
  readonly xHigh?: number;
  readonly yLow?: number;
  readonly yHigh?: number;
  /** Written beside the point. */
  readonly label?: string;
}

export interface Series {
  readonly name: string;
  readonly points: readonly PlotPoint[];
  /** Index into the palette. */
  readonly colour: number;
  /** A band between yLow and yHigh of all points instead of a whisker at each. */
  readonly band?: boolean;
  /** Its last point is not where it ends: that lies off the plot. */
  readonly goesOn?: boolean;
}

export interface Axis {
  readonly label: string;
  readonly format: (value: number) => string;
  /** Ticks at 1, 2, 4, 8, …, evenly spaced. */
  readonly logarithmic?: boolean;
  /** Ticks at whole numbers only. */
  readonly whole?: boolean;
}

export interface Plot {
  readonly title: string;
  /** Lines below the title, two at most. */
  readonly notes: readonly string[];
  readonly x: Axis;
  readonly y: Axis;
  readonly series: readonly Series[];
}

const COLOURS = ['#0072b2', '#000000', '#e69f00', '#d55e00', '#cc79a7', '#009e73', '#56b4e9', '#8c510a', '#762a83', '#7f7f7f'];
const DASHES = ['', '', '7 3', '2 3', '9 3 2 3', '', '5 5', '9 3', '3 3', '1 3'];
const WIDTH = 860, HEIGHT = 520;
const AREA = { left: 78, right: 660, top: 82, bottom: 460 };
/** Pixels between the whiskers of two series that have points at the same places of the x axis. Where places have intervals of their own, whiskers cross at the point. */
const DODGE = 3;

const escape = (text: string): string => text.replace(/[&<>"]/g, (sign) => ({ '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;' })[sign]!);
const at = (value: number): string => (Number.isFinite(value) ? value : 0).toFixed(1);

/** Values from at most `low` to at least `high`, in steps of 1, 2 or 5 times a power of ten; some `count` of them. */
export function niceTicks(low: number, high: number, count = 6, whole = false): number[] {
  const span = high > low ? high - low : Math.abs(high) || 1;
  const raw = span / count;
  const power = 10 ** Math.floor(Math.log10(raw));
  let step = [1, 2, 5, 10].map((factor) => factor * power).find((candidate) => candidate >= raw)!;
  if (whole) step = Math.max(1, Math.round(step));
  const first = Math.floor(low / step + 1e-9);
  const last = Math.max(first + 1, Math.ceil(high / step - 1e-9));
  return Array.from({ length: last - first + 1 }, (_, i) => Number(((first + i) * step).toPrecision(12)));
}

interface Scale {
  readonly ticks: readonly number[];
  readonly place: (value: number) => number;
}

/** Fits the points; intervals may add half of the points' span on either side, and are cut off beyond: a wide one would flatten all else. */
function scaleOf(values: readonly number[], ends: readonly number[], axis: Axis, from: number, to: number): Scale {
  const [least, most] = values.length === 0 ? [0, 1] : [Math.min(...values), Math.max(...values)];
  const room = Math.max((most - least) / 2, Math.abs(most) * 0.05);
  const finite = ends.filter(Number.isFinite);
  const low = Math.max(least - room, Math.min(least, ...finite));
  const high = Math.min(most + room, Math.max(most, ...finite));
  const measure = axis.logarithmic ? Math.log2 : (value: number): number => value;
  const ticks = axis.logarithmic
    ? Array.from({ length: Math.max(2, Math.ceil(Math.log2(Math.max(high, 2))) + 1) }, (_, i) => 2 ** i)
    : niceTicks(low, high, 6, axis.whole);
  const [start, end] = [measure(ticks[0]!), measure(ticks.at(-1)!)];
  return { ticks, place: (value) => from + ((measure(value) - start) / (end - start)) * (to - from) };
}

/** The SVG of a plot, well-formed XML. Points that are not finite are left out. */
export function svgOf(plot: Plot): string {
  const series = plot.series.map((one) => ({ ...one, points: one.points.filter(({ x, y }) => Number.isFinite(x) && Number.isFinite(y)) }));
  const points = series.flatMap((one) => one.points);
  const x = scaleOf(points.map((p) => p.x), points.flatMap((p) => [p.xLow ?? p.x, p.xHigh ?? p.x]), plot.x, AREA.left, AREA.right);
  const y = scaleOf(points.map((p) => p.y), points.flatMap((p) => [p.yLow ?? p.y, p.yHigh ?? p.y]), plot.y, AREA.bottom, AREA.top);
  const parts = [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${HEIGHT}" width="${WIDTH}" height="${HEIGHT}" font-family="system-ui, sans-serif" font-size="13" fill="#222222" role="img" aria-label="${escape(plot.title)}">`,
    `<rect width="${WIDTH}" height="${HEIGHT}" fill="#ffffff"/>`,
    `<text x="${AREA.left}" y="26" font-size="17" font-weight="600">${escape(plot.title)}</text>`,
    ...plot.notes.map((note, i) => `<text x="${AREA.left}" y="${46 + 17 * i}" font-size="12" fill="#555555">${escape(note)}</text>`),
    `<clipPath id="area"><rect x="${AREA.left - 10}" y="${AREA.top}" width="${AREA.right - AREA.left + 20}" height="${AREA.bottom - AREA.top}"/></clipPath>`,
    ...x.ticks.map((tick) => `<line x1="${at(x.place(tick))}" y1="${AREA.top}" x2="${at(x.place(tick))}" y2="${AREA.bottom}" stroke="#eeeeee"/><text x="${at(x.place(tick))}" y="${AREA.bottom + 18}" text-anchor="middle">${escape(plot.x.format(tick))}</text>`),
    ...y.ticks.map((tick) => `<line x1="${AREA.left}" y1="${at(y.place(tick))}" x2="${AREA.right}" y2="${at(y.place(tick))}" stroke="#eeeeee"/><text x="${AREA.left - 8}" y="${at(y.place(tick) + 4.5)}" text-anchor="end">${escape(plot.y.format(tick))}</text>`),
    `<path d="M${AREA.left} ${AREA.top}V${AREA.bottom}H${AREA.right}" fill="none" stroke="#888888"/>`,
    `<text x="${(AREA.left + AREA.right) / 2}" y="${AREA.bottom + 42}" text-anchor="middle">${escape(plot.x.label)}</text>`,
    `<text transform="translate(22 ${(AREA.top + AREA.bottom) / 2}) rotate(-90)" text-anchor="middle">${escape(plot.y.label)}</text>`,
    // Bands lie below all lines, and the first series above all others.
    ...series.filter(({ band }) => band).map((one) => bandOf(one, x, y)),
    ...series.map((one, i) => seriesOf(one, x, y, DODGE * (i - (series.length - 1) / 2))).toReversed(),
    ...series.map((one, i) => legendOf(one, i)),
    '</svg>',
  ];
  return `${parts.join('\n')}\n`;
}

const colourOf = ({ colour }: Series): string => COLOURS[colour % COLOURS.length]!;

function bandOf(series: Series, x: Scale, y: Scale): string {
  const upper = series.points.map((p) => `${at(x.place(p.x))} ${at(y.place(p.yHigh ?? p.y))}`);
  const lower = series.points.toReversed().map((p) => `${at(x.place(p.x))} ${at(y.place(p.yLow ?? p.y))}`);
  return series.points.length < 2 ? '' : `<path d="M${[...upper, ...lower].join('L')}Z" fill="${colourOf(series)}" fill-opacity="0.12" clip-path="url(#area)"/>`;
}

function seriesOf(series: Series, x: Scale, y: Scale, dodge: number): string {
  const colour = colourOf(series);
  const dash = DASHES[series.colour % DASHES.length]!;
  const path = series.points.map((p) => `${at(x.place(p.x))} ${at(y.place(p.y))}`).join('L');
  const whiskers = series.points.flatMap((p) => [
    ...(p.xLow !== undefined && p.xHigh !== undefined ? [`M${at(x.place(p.xLow))} ${at(y.place(p.y))}H${at(x.place(p.xHigh))}`] : []),
    ...(!series.band && p.yLow !== undefined && p.yHigh !== undefined ? [`M${at(x.place(p.x) + (p.xLow === undefined ? dodge : 0))} ${at(y.place(p.yLow))}V${at(y.place(p.yHigh))}`] : []),
  ]);
  const last = series.goesOn === true ? -1 : series.points.length - 1;
  return [
    `<g stroke="${colour}" fill="none">`,
    ...(series.points.length > 1 ? [`<path d="M${path}" stroke-width="2"${dash ? ` stroke-dasharray="${dash}"` : ''}/>`] : []),
    ...(whiskers.length > 0 ? [`<path d="${whiskers.join('')}" stroke-width="1.5" stroke-opacity="0.6" clip-path="url(#area)"/>`] : []),
    ...series.points.map((p, i) => `<circle cx="${at(x.place(p.x))}" cy="${at(y.place(p.y))}" r="${i === last ? 4.5 : 2.5}" fill="${i === last ? colour : '#ffffff'}"/>`),
    '</g>',
    ...series.points.flatMap((p, i) => (p.label === undefined ? [] : [`<text x="${at(x.place(p.x) + 7)}" y="${at(i > 0 && i === last ? Math.min(y.place(p.y) + 19, AREA.bottom - 4) : y.place(p.y) - 7)}" font-size="11" fill="${colour}">${escape(p.label)}</text>`])),
  ].join('\n');
}

function legendOf(series: Series, index: number): string {
  const top = AREA.top + 14 + 24 * index;
  const left = AREA.right + 24;
  const dash = DASHES[series.colour % DASHES.length]!;
  return `<line x1="${left}" y1="${top}" x2="${left + 28}" y2="${top}" stroke="${colourOf(series)}" stroke-width="2"${dash ? ` stroke-dasharray="${dash}"` : ''}/><text x="${left + 36}" y="${top + 4.5}">${escape(series.name)}</text>`;
}
