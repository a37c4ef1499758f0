import { describe, expect, it } from 'vitest';
import { coverage, frontier, validityByRound } from '../../bench/improve/charts.ts';
import type { AuditFigures, CellFigures } from '../../bench/improve/figures.ts';
import { markdownOf } from '../../bench/improve/markdown.ts';
import { reportOf } from '../../bench/improve/report.ts';
import { ARM_NAMES, CONTROLS, type Arm } from '../../bench/improve/settings.ts';
import { fallsAlone, steadyRounds } from '../../bench/improve/targets.ts';
import { verdictOf, type VerdictInput } from '../../bench/improve/verdict.ts';
import { passAtK } from '../../src/evaluator/execution/index.ts';
import { mean, proportionOf, wilson } from '../../src/metrics/index.ts';
import { RandomStream } from '../../src/random/philox.ts';
import { cell, GUARDS } from './improve-fixtures.ts';

const interval = (low: number, high: number) => ({ difference: (low + high) / 2, low, high });
const beaten = Object.fromEntries(CONTROLS.map((arm) => [arm, interval(0.02, 0.2)]));
const input = (over: Partial<VerdictInput> = {}): VerdictInput => ({ seeds: 3, rounds: 6, gain: interval(0.05, 0.15), controls: beaten, broken: {}, ...over });

describe('the verdict', () => {
  it('says so where round 0 and every control are beaten beyond the interval', () => {
    const { proven, sentence } = verdictOf(input());
    expect(proven).toBe(true);
    expect(sentence).toContain('improved');
    expect(sentence).toContain('+10.0 points (95 % interval +5.0 to +15.0)');
  });

  it.each(CONTROLS)('names %s where it alone was not beaten', (arm) => {
    const { proven, sentence } = verdictOf(input({ controls: { ...beaten, [arm]: interval(-0.01, 0.3) } }));
    expect(proven).toBe(false);
    expect(sentence).toContain(`did not beat ${arm} (+14.5 points`);
    expect(CONTROLS.filter((other) => sentence.includes(other))).toEqual([arm]);
  });

  it('does not count validity that a guard forbids: of the loop never, of the controls only that of the one that collapses', () => {
    const better = { ...beaten, 'replace-all-data': interval(-0.4, -0.2) };
    expect(verdictOf(input({ controls: better })).sentence).toContain('did not beat replace-all-data');
    const { proven, sentence } = verdictOf(input({ controls: better, broken: { 'replace-all-data': ['shapes.collapse', 'bits.worse'] } }));
    expect(proven).toBe(true);
    expect(sentence).toContain('but replace-all-data, which has collapsed (the loop against it: −30.0 points (95 % interval −40.0 to −20.0); broken: shapes.collapse, bits.worse)');
    expect(verdictOf(input({ controls: better, broken: { 'replace-all-data': ['bits.worse'], loop: ['bits.worse'] } })).proven).toBe(false);
    const others = { ...beaten, 'no-feedback': interval(-0.4, -0.2) };
    expect(verdictOf(input({ controls: others, broken: { 'no-feedback': ['bits.worse'] } })).sentence).toContain('did not beat no-feedback');
  });

  it.each([
    ['no difference to round 0', { gain: interval(-0.02, 0.05) }, 'A null result.'],
    ['an interval that begins at 0', { gain: interval(0, 0.05) }, 'A null result.'],
    ['a loss', { gain: interval(-0.2, -0.1) }, 'less often valid'],
    ['a control that was not run', { controls: { 'no-feedback': interval(0.1, 0.2) } }, 'random-reward, inverted-reward and replace-all-data were not run'],
    ['too few seeds', { seeds: 2 }, '2 seeds are too few'],
    ['simpler programs', { broken: { loop: ['divergence.high'] } }, 'its guards do not hold (divergence.high)'],
    ['no loop', { gain: null }, 'the loop itself was not run'],
  ])('%s is no proof, and the word is not said', (_, over: Partial<VerdictInput>, said) => {
    const { proven, sentence } = verdictOf(input(over));
    expect(proven).toBe(false);
    expect(sentence).toContain(said);
    expect(sentence).not.toMatch(/improved/i);
  });
});

const cells = (to: Partial<Record<Arm, number>>, seeds = [1, 2, 3]) => seeds.flatMap((seed) => ARM_NAMES.map((arm) => cell(arm, seed, { to: to[arm] ?? 0.3 })));
const options = { setting: 'small', rounds: 4, prompts: new Map<number, readonly string[]>() };

describe('the report', () => {
  it('compares in pairs and finds what is there', () => {
    const report = reportOf(cells({ loop: 0.6, 'inverted-reward': 0.1 }), options);
    expect(report.verdict.proven).toBe(true);
    const validity = report.measures.find(({ name }) => name === 'validity')!;
    expect(validity.last.loop!.difference).toBeCloseTo(0.6, 1);
    expect(validity.gain!.low).toBeGreaterThan(0.15);
    expect(validity.differences['inverted-reward']!.difference).toBeGreaterThan(validity.differences['no-feedback']!.difference);
    expect(report.unequalStarts).toEqual([]);
    expect(report.targets.find(({ what }) => what.startsWith('control arms'))!.reached).toBe('goal');
  });

  it('takes the last round, not the best', () => {
    const own = cell('loop', 1, { to: 0.2 });
    const peaked = { ...own, rounds: own.rounds.map((row) => (row.round === 2 ? { ...row, validity: wilson(450, 500) } : row)) };
    const report = reportOf([peaked], options);
    expect(report.measures[0]!.last.loop!.difference).toBe(mean(own.last.valid));
    expect(report.verdict.proven).toBe(false);
  });

  it('equal arms give a null result, in the report and on paper', () => {
    const report = reportOf(cells({}), options);
    expect(report.verdict.sentence).toContain('A null result.');
    expect(markdownOf(report, 'npm run bench -- improve')).not.toMatch(/improved/i);
  });

  it('a control that learned as much is not beaten', () => {
    expect(reportOf(cells({ loop: 0.6, 'no-feedback': 0.6 }), options).verdict.sentence).toContain('did not beat no-feedback');
  });

  it('takes guards as means over the seeds, against those of round 0', () => {
    const collapsed = [1, 2, 3].map((seed) => cell('replace-all-data', seed, { to: 0.9, divergence: 0.2 }));
    const others = cells({ loop: 0.6 }).filter(({ arm }) => arm !== 'replace-all-data');
    expect(reportOf([...others, ...collapsed], options).verdict.sentence).toContain('broken: divergence.high');
    const loop = cells({}).map((one) => (one.arm === 'loop' ? cell('loop', one.seed, { to: 0.6, divergence: 0.2 }) : one));
    expect(reportOf(loop, options).verdict.sentence).toContain('its guards do not hold (divergence.high)');
  });

  it('pass@k of each arm is the mean over seeds and prompts, and prompts gained and lost are counted by prompt', () => {
    const own = [cell('loop', 1, { to: 0.5 }), cell('loop', 2, { to: 0.5 })];
    const { arms, start } = reportOf(own, options);
    const expected = mean(own.map(({ last }) => mean(last.coverage.solved.map((c) => passAtK(8, c, 4)))));
    expect(arms.loop!.coverage.map(({ k }) => k)).toEqual([1, 2, 4, 8]);
    expect(arms.loop!.coverage[2]!.value.difference).toBeCloseTo(expected, 12);
    const solved = (which: 'first' | 'last'): number => own.flatMap((one) => one[which].coverage.solved).filter((c) => c > 0).length;
    const { gained, lost, prompts } = arms.loop!.turnover;
    expect(prompts).toBe(24);
    expect(gained.length - lost.length).toBe(solved('last') - solved('first'));
    expect(start.turnover.gained).toEqual(start.turnover.lost);
  });

  it('names prompts that are gained, lost and answered more and less often, beyond what chance does to one prompt', () => {
    const own = cell('loop', 1);
    const of = (...solved: number[]) => ({ n: 64, solved });
    const report = reportOf([{ ...own, first: { ...own.first, coverage: of(32, 32, 0, 64, 60, 1) }, last: { ...own.last, coverage: of(60, 36, 8, 10, 57, 0) } }], { ...options, prompts: new Map([[1, ['a', 'b', 'c|d']]]) });
    const { gained, lost, raised, lowered, prompts } = report.arms.loop!.turnover;
    const half = { seed: 1, prompt: 0, text: 'a', before: 32, now: 60 };
    const none = { seed: 1, prompt: 2, text: 'c|d', before: 0, now: 8 };
    const worse = { seed: 1, prompt: 3, text: null, before: 64, now: 10 };
    const gone = { seed: 1, prompt: 5, text: null, before: 1, now: 0 };
    expect({ gained, lost, raised, lowered, prompts }).toEqual({ gained: [none], lost: [gone], raised: [half, none], lowered: [worse], prompts: 6 });
    const rows = markdownOf(report, '').split('\n').filter((line) => /^\| (gained|lost|less|more) /.test(line));
    expect(rows).toEqual([
      '| gained | 1 | `` "c\\|d" `` | 0 | 8 |', '| lost | 1 | number 6 | 1 | 0 |',
      '| less often | 1 | number 4 | 64 | 10 |', '| more often, the most | 1 | `` "a" `` | 32 | 60 |',
    ]);
  });

  it('tells of arms that did not begin alike', () => {
    const odd = { ...cell('no-feedback', 2), start: 'others' };
    const report = reportOf([cell('loop', 1), cell('no-feedback', 1), cell('loop', 2), odd], options);
    expect(report.unequalStarts).toEqual([2]);
    expect(reportOf([cell('loop', 1), { ...cell('latent-gan', 1), start: 'with a generator' }], options).unequalStarts).toEqual([]);
    expect(markdownOf(report, '')).toContain('did **not** begin from the same weights');
  });

  it('a steady round ends where validity falls beyond the interval', () => {
    const rounds = (...values: number[]) => ({ rounds: values.map((value, round) => ({ ...cell('loop', 1).rounds[0]!, round, validity: wilson(value, 500) })) });
    expect(steadyRounds(rounds(150, 160, 155, 170))).toBe(3);
    expect(steadyRounds(rounds(150, 250, 150, 300))).toBe(1);
    expect(steadyRounds(rounds(150))).toBe(0);
  });

  it('a fall beyond the interval of its own comparison is told, where the run as a whole is steady', () => {
    const validity = [460, 470, 477, 459, 465, 460, 466, 470, 468, 471, 470];
    const run = { rounds: validity.map((value, round) => ({ ...cell('loop', 1).rounds[0]!, round, validity: wilson(value, 512) })) };
    expect([steadyRounds(run), fallsAlone(run)]).toEqual([10, { before: 2, falls: 1 }]);
  });

  it('holds bits against the best round of the corpus alone, in the seeds that have both', () => {
    // The first and the last measurement are taken on other documents than a round's: here they find twice the bits.
    const measured = (audit: AuditFigures, bits: number): AuditFigures => ({ ...audit, measurement: { ...audit.measurement, guards: { ...GUARDS, bitsPerByte: 2 * bits } } });
    const withBits = (one: CellFigures, ...bits: number[]): CellFigures => ({
      ...one, rounds: bits.map((bitsPerByte, round) => ({ ...one.rounds[0]!, round, guards: { ...GUARDS, bitsPerByte } })),
      first: measured(one.first, bits[0]!), last: measured(one.last, bits.at(-1)!),
    });
    const loop = [withBits(cell('loop', 1), 1.55, 1.5), withBits(cell('loop', 2), 1.55, 1)];
    const row = (...corpusOnly: number[]) => reportOf([...loop, withBits(cell('no-feedback', 1), ...corpusOnly)], options).targets.find(({ what }) => what === 'held-out bits a byte')!;
    expect(row(1.55, 1.6, 1.52)).toMatchObject({ reached: 'goal', measured: expect.stringContaining("−1.3 % of the corpus-only arm's last round and −1.3 % of its best") });
    expect(row(1.55, 1.49, 1.61)).toMatchObject({ reached: 'required', measured: expect.stringContaining("−6.8 % of the corpus-only arm's last round and +0.7 % of its best") });
    expect(row(1.55, 1.4, 1.6).reached).toBe('no');
  });

  it('has the verdict of as many seeds as every control has', () => {
    const report = reportOf([1, 2, 3].flatMap((seed) => ARM_NAMES.map((arm) => cell(arm, seed, { to: arm === 'loop' ? 0.9 : 0.3 }))).filter(({ arm, seed }) => arm !== 'random-reward' || seed === 1), options);
    expect(report.verdict).toMatchObject({ proven: false, sentence: expect.stringContaining('one seed is too few') });
    expect([report.arms['random-reward']!.seeds, report.arms.loop!.seeds]).toEqual([1, 3]);
  });

  it('nearly all runs in which nothing falls are steady to the end, and few in which something does', () => {
    const valid = (key: string, share: (round: number) => number) => {
      const random = new RandomStream(1, 'steady', key);
      return { rounds: Array.from({ length: 11 }, (_, round) => ({ ...cell('loop', 1).rounds[0]!, round, validity: proportionOf(Array.from({ length: 512 }, (_, i) => random.uniform(512 * round + i) < share(round))) })) };
    };
    const steady = (share: (round: number) => number): number => mean(Array.from({ length: 200 }, (_, run) => (steadyRounds(valid(String(run), share)) === 10 ? 1 : 0)));
    expect(steady(() => 0.85)).toBeGreaterThan(0.93);
    expect(steady((round) => (round < 6 ? 0.85 : 0.75))).toBeLessThan(0.2);
  });
});

/** Names of the elements of an XML text that is well-formed: tags nest, attributes are quoted, entities are known. Throws otherwise. */
function elementsOf(xml: string): string[] {
  const open: string[] = [];
  const names: string[] = [];
  let at = 0;
  for (const { 0: tag, index } of xml.matchAll(/<[^>]*>/g)) {
    const text = xml.slice(at, index);
    if (/[<>]|&(?!(?:amp|lt|gt|quot);)/.test(text)) throw new Error(`Raw text: ${text}`);
    at = index + tag.length;
    const parsed = /^<(\/?)([a-zA-Z]+)((?: [a-zA-Z][a-zA-Z0-9:-]*="[^"<&]*")*)(\/?)>$/.exec(tag);
    if (!parsed) throw new Error(`No tag: ${tag}`);
    const [, closes, name, , empty] = parsed;
    if (closes) {
      if (open.pop() !== name) throw new Error(`${tag} closes nothing.`);
    } else {
      names.push(name!);
      if (!empty) open.push(name!);
    }
  }
  if (open.length > 0 || xml.slice(at).trim() !== '') throw new Error(`Not closed: ${open.join()}`);
  return names;
}

describe('the figures', () => {
  const report = reportOf(cells({ loop: 0.6 }), options);

  it.each([['frontier', frontier], ['validity', validityByRound], ['coverage', coverage]])('%s is well-formed, has axes, a legend and every arm, and no broken number', (_, chart) => {
    const svg = chart(report);
    expect(elementsOf(svg)[0]).toBe('svg');
    expect(svg).not.toMatch(/NaN|Infinity|undefined/);
    for (const arm of ARM_NAMES) expect(svg).toContain(`>${arm}</text>`);
    expect(svg).toContain('text-anchor="middle"');
  });

  it('a point a round: circles count arms times rounds', () => {
    expect(elementsOf(frontier(report)).filter((name) => name === 'circle')).toHaveLength(ARM_NAMES.length * 5);
  });

  it('stands with one arm, one seed and nothing to tell apart', () => {
    const bare = reportOf([cell('loop', 1, { from: 0, to: 0 })], options);
    for (const chart of [frontier, validityByRound, coverage]) {
      expect(elementsOf(chart(bare)).length).toBeGreaterThan(10);
      expect(chart(bare)).not.toMatch(/NaN|Infinity/);
    }
  });
});
