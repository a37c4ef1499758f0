/** The report as Markdown: the verdict in a sentence, then the tables it rests on. Not here: any number that is not in the report. */
import type { Interval } from '../../src/metrics/index.ts';
import type { ImproveReport, MeasureRow, PromptChange, Turnover } from './report.ts';
import { ARM_NAMES, ARMS, isControl } from './settings.ts';

const none = '–';
const minus = (text: string): string => text.replaceAll('-', '−');

function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]): string => `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`;
  return [line(head), line(head.map(() => '---')), ...rows.map(line)].join('\n');
}

const scaled = ({ unit }: Pick<MeasureRow, 'unit'>, value: number): number => (unit === 'share' ? 100 * value : value);

function valueOf(row: MeasureRow, interval: Interval | null | undefined): string {
  if (!interval) return none;
  const text = (value: number): string => scaled(row, value).toFixed(row.digits);
  // No width: one value of one seed, or the same under all seeds.
  return minus(interval.low === interval.high ? text(interval.difference) : `${text(interval.difference)} [${text(interval.low)}, ${text(interval.high)}]`);
}

function changeOf(row: MeasureRow, interval: Interval | null | undefined): string {
  if (!interval) return none;
  const text = (value: number): string => `${value < 0 ? '' : '+'}${scaled(row, value).toFixed(row.digits)}`;
  if (interval.low === interval.high) return minus(text(interval.difference));
  const beyond = interval.low > 0 || interval.high < 0;
  const body = minus(`${text(interval.difference)} [${text(interval.low)}, ${text(interval.high)}]`);
  return beyond ? `**${body}**` : body;
}

const nameOf = ({ name, unit }: MeasureRow): string => (unit === 'share' ? `${name}, %` : name);
const turnover = ({ gained, lost, raised, lowered, prompts }: Turnover): string[] => [...[gained, lost, raised, lowered].map(({ length }) => length), prompts].map(String);

/** Of prompts that are answered more often there are hundreds; `improve.json` has all of them. */
const MOST_RAISED = 10;

/** The prompts behind the loop's counts, one a row. */
function turnedOver({ gained, lost, raised, lowered }: Turnover, perPrompt: number): string[] {
  const most = raised.filter(({ before }) => before > 0).toSorted((a, b) => b.now - b.before - (a.now - a.before)).slice(0, MOST_RAISED);
  const rows = Object.entries({ gained, lost, 'less often': lowered.filter(({ now }) => now > 0), 'more often, the most': most }).flatMap(([kind, changes]) =>
    changes.map(({ seed, prompt, text, before, now }: PromptChange) => [kind, String(seed), text === null ? `number ${prompt + 1}` : `\`\` ${JSON.stringify(text)} \`\``, String(before), String(now)]));
  return rows.length === 0 ? [] : [table(["the loop's prompts", 'seed', 'prompt', `valid of ${perPrompt} at round 0`, 'after the last'], rows)];
}

export function markdownOf(report: ImproveReport, command: string): string {
  const arms = ARM_NAMES.filter((arm) => report.arms[arm] !== undefined);
  const others = arms.filter((arm) => arm !== 'loop');
  const { seeds, rounds, samples, perPrompt } = report;
  const ks = report.start.coverage.map(({ k }) => k);
  const points = (coverage: ImproveReport['start']['coverage']): string[] =>
    coverage.map(({ value: { difference, low, high } }) => `${(100 * difference).toFixed(1)} [${(100 * low).toFixed(1)}, ${(100 * high).toFixed(1)}]`);
  const alarms = (raised: Readonly<Record<string, number>>): string => Object.entries(raised).map(([name, count]) => `${name} ×${count}`).join(', ') || none;
  return `${[
    '# Does the loop learn from its feedback?',
    `\`${command}\``,
    `**${report.verdict.sentence}**`,
    `Setting \`${report.setting}\`: seeds ${seeds.join(', ')}; ${rounds} round${rounds === 1 ? '' : 's'}; the last round counts, never the best. All figures are of the test split: N = ${samples} unconditional samples and ${perPrompt} of each fixed prompt at round 0 and after the last round, temperature 1, unconstrained, unrefined. In brackets 95 % intervals: seeds resampled, and samples within seeds for validity, prompts within seeds for what is taken on prompts (docs/improve.md).${seeds.length === 1 ? ' With one seed they say nothing about other seeds.' : ''}`,
    ...(report.unequalStarts.length > 0 ? [`The arms of seed ${report.unequalStarts.join(', ')} did **not** begin from the same weights; their differences hold that, too.`] : []),
    '![Errors against structure divergence](frontier.svg)',
    '## After the last round',
    table(['', 'round 0', ...arms], report.measures.map((row) => [nameOf(row), valueOf(row, row.start), ...arms.map((arm) => valueOf(row, row.last[arm]))])),
    'Validity after refinement and the discriminator\'s AUC are taken on a round\'s training samples (AUC on those of the two rounds before as well), so they describe the policy before that round\'s update; under "round 0" stands round 1.',
    '## The loop minus the others',
    table(['', 'round 0', ...others], report.measures.map((row) => [nameOf(row), changeOf(row, row.gain), ...others.map((arm) => changeOf(row, row.differences[arm]))])),
    'Bold: the interval does not hold 0. The verdict rests on the first row alone.',
    '![Valid programs by round](validity.svg)',
    '## Coverage',
    table(['pass@k, %', ...ks.map(String)], [
      ['round 0', ...points(report.start.coverage)],
      ...arms.map((arm) => [arm, ...points(report.arms[arm]!.coverage)]),
    ]),
    '![Coverage](coverage.svg)',
    table([`prompts with a valid completion among ${perPrompt}`, 'gained', 'lost', 'valid more often', 'less often', 'of'], [
      ['round 0, drawn again (chance)', ...turnover(report.start.turnover)],
      ...arms.map((arm) => [arm, ...turnover(report.arms[arm]!.turnover)]),
    ]),
    ...(report.arms.loop ? turnedOver(report.arms.loop.turnover, perPrompt) : []),
    '## What was asked for',
    report.targets.length === 0 ? 'The loop was not run.' : table(['round 0 to the last', 'required', 'goal', 'measured', 'reached'], report.targets.map(({ what, required, goal, measured, reached }) => [what, required, goal, measured, reached])),
    '## The arms',
    table(['', 'what it learns from', 'steps', 'tokens', 'refused by the gate', 'alarms'], arms.map((arm) => {
      const { seeds: run, steps, tokens, refused, alarms: raised } = report.arms[arm]!;
      return [arm, ARMS[arm], steps.toFixed(0), tokens.toFixed(0), `${refused} of ${rounds * run}${isControl(arm) ? ' (promoted all the same)' : ''}`, alarms(raised)];
    })),
    'Steps and tokens: means over seeds of all updates of the policy.',
  ].join('\n\n')}\n`;
}
