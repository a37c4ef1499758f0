/** What might have been written and would have broken the text. */
import { describe, expect, it } from 'vitest';
import { breakingAlternatives, finishedShares, type Probe } from '../../src/agents/learner/alternatives.ts';
import type { Beginning, Ending } from '../../src/contracts/evaluator.ts';
import type { Alternatives, AlternativesRequest } from '../../src/contracts/model.ts';
import type { Sample } from '../../src/contracts/records.ts';

const END = 0;
/** One token a byte; 200 and up are halves of characters and have no text. */
const vocabulary = { endOfText: END, lengths: Array.from({ length: 256 }, (_, id) => (id === END ? 0 : 1)), texts: Array.from({ length: 256 }, (_, id) => (id === END || id > 127 ? '' : String.fromCharCode(id))) };

function probe(prompt: string, completion: string, count?: number): Probe {
  const tokens = [...Buffer.from(completion), END];
  const sample: Sample = { id: completion, taskId: 't', kind: 'unconditional', round: 1, attempt: 0, prompt, completion, finish: 'stop', tokens, logProbs: tokens.map(() => -1) };
  return { sample, context: [...Buffer.from(prompt)], count: count ?? tokens.length };
}

/** A model that might have written the given tokens at every position, the first with a share of 0.5, the others with 0.25. */
function drawing(letters: string, ends = false): { model: { alternatives(request: AlternativesRequest): Promise<Alternatives[]> }; asked: AlternativesRequest[] } {
  const asked: AlternativesRequest[] = [];
  const ids = [...Buffer.from(letters), ...(ends ? [END] : [])];
  return {
    asked,
    model: {
      async alternatives(request) {
        asked.push(request);
        return request.sequences.map(({ tokens, from }) => {
          const places = tokens.flatMap((own, at) => (at < from ? [] : ids.flatMap((id, i) => (id === own ? [] : [{ at, id, i }]))));
          return { at: places.map(({ at }) => at), tokens: places.map(({ id }) => id), shares: places.map(({ i }) => (i === 0 ? 0.5 : 0.25)), logProbs: places.map(({ i }) => -1 - i) };
        });
      },
    },
  };
}

/** No program has a `)` in it, and only `ab` may end. */
function parser(): { texts: string[]; ended: Ending[]; beginnings(texts: readonly string[]): Promise<Beginning[]>; canEnd(texts: readonly Ending[]): Promise<boolean[]> } {
  const texts: string[] = [], ended: Ending[] = [];
  return {
    texts, ended,
    beginnings: async (all) => (texts.push(...all), all.map((text) => (text.includes(')') ? 'broken' : 'sound'))),
    canEnd: async (all) => (ended.push(...all), all.map(({ text }) => text.endsWith('ab'))),
  };
}

describe('alternatives', () => {
  it('are asked of the parser with all that stood before them, and those that break are reported by position', async () => {
    const { model } = drawing(')x');
    const asked = parser();
    const report = await breakingAlternatives({ model, parser: asked, vocabulary }, [probe('', 'ab')], { key: 'k', draws: 4 });
    expect(asked.texts.sort()).toEqual([')', 'a)', 'ab)', 'abx', 'ax', 'x'].sort());
    expect(report.breaking).toEqual([[0, 1, 2].map((at) => ({ at, token: 41, logProb: -1, share: 0.5 }))]);
    expect(report).toMatchObject({ positions: 3, asked: 6 });
  });

  it('count positions from the context, of which nothing is asked', async () => {
    const { model, asked } = drawing(')');
    const { breaking } = await breakingAlternatives({ model, parser: parser(), vocabulary }, [probe('de', 'f')], { key: 'k', draws: 2 });
    expect(asked[0]!.sequences).toEqual([{ tokens: [100, 101, 102, END], from: 2 }]);
    expect(breaking[0]!.map(({ at }) => at)).toEqual([2, 3]);
  });

  it('are looked at only up to the token that broke the sample', async () => {
    const { model } = drawing(')');
    const { breaking, positions } = await breakingAlternatives({ model, parser: parser(), vocabulary }, [probe('', 'abcdef', 2)], { key: 'k', draws: 2 });
    expect(positions).toBe(2);
    expect(breaking[0]!.map(({ at }) => at)).toEqual([0, 1]);
  });

  it('that end the text are asked for a verdict instead', async () => {
    const { model } = drawing('', true);
    const asked = parser();
    const { breaking } = await breakingAlternatives({ model, parser: asked, vocabulary }, [probe('d', 'abc')], { key: 'k', draws: 1 });
    expect(asked.ended).toEqual(['', 'a', 'ab'].map((text) => ({ text: `d${text}`, promptLength: 1 })));
    expect(breaking[0]!.map(({ at }) => at)).toEqual([1, 2]);
  });

  it('of one position are each reported', async () => {
    const asked = { beginnings: async (all: readonly string[]) => all.map((text): Beginning => (text === 'y' ? 'sound' : 'broken')), canEnd: async () => [] };
    const { breaking } = await breakingAlternatives({ model: drawing('xyz').model, parser: asked, vocabulary }, [probe('', '')], { key: 'k', draws: 5 });
    expect(breaking).toEqual([[{ at: 0, token: 120, logProb: -1, share: 0.5 }, { at: 0, token: 122, logProb: -3, share: 0.25 }]]);
  });

  it('that break only where their word is finished count by how often words with those letters are', async () => {
    const asked = { beginnings: async (all: readonly string[]) => all.map((text): Beginning => (text.endsWith('x') ? 'unfinished' : 'sound')), canEnd: async () => [] };
    // Of four words `abx` three are finished; of `x` by itself nothing is known.
    const probes = ['abx abx abxy abx ', ''].map((text) => probe('', text, text.length));
    const { breaking } = await breakingAlternatives({ model: drawing('x').model, parser: asked, vocabulary }, [...probes, probe('ab', '-', 1)], { key: 'k', draws: 1 });
    expect(breaking[2]).toEqual([{ at: 2, token: 120, logProb: -1, share: 0.5 * ((3 + 0.5) / 5) }]);
    expect(breaking[0]![0]).toEqual({ at: 0, token: 120, logProb: -1, share: 0.5 * 0.5 });
  });

  it('that are no text by themselves, or follow half a character, are left out', async () => {
    const asked = parser();
    const { model } = drawing('é)');
    await breakingAlternatives({ model, parser: asked, vocabulary }, [probe('', 'é')], { key: 'k', draws: 3 });
    expect(asked.texts).toEqual([')', 'é)']);
  });

  it('of many samples come in their order, drawn in parts with keys of their own', async () => {
    const { model, asked } = drawing(')');
    const probes = Array.from({ length: 150 }, (_, i) => probe('', 'a'.repeat(i % 7)));
    const { breaking } = await breakingAlternatives({ model, parser: parser(), vocabulary }, probes, { key: 'k', draws: 1 });
    expect(breaking.map((found) => found.length)).toEqual(probes.map(({ count }) => count));
    expect(new Set(asked.map(({ key }) => key)).size).toBe(asked.length);
  });
});

describe('the share of words that are finished', () => {
  it('goes by the letters that stand there, over tokens, and is half where they were never met', () => {
    const share = finishedShares([probe('', 'in in index (in)')], vocabulary);
    expect(share('x = not in')).toBeCloseTo((3 + 0.5) / 5);
    expect(share('inde')).toBeCloseTo(0.5 / 2);
    expect(share('index')).toBeCloseTo(1.5 / 2);
    expect(share('never')).toBe(0.5);
  });

  it('is all of what is no word', () => {
    expect(finishedShares([], vocabulary)('x =')).toBe(1);
  });

  it('looks at what counts of a sample and no further', () => {
    expect(finishedShares([probe('', 'abc', 2)], vocabulary)('ab')).toBe(0.5);
    expect(finishedShares([probe('', 'abc', 3)], vocabulary)('ab')).toBeCloseTo(0.5 / 2);
  });
});
