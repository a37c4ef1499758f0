/** What might have been written and would have broken the text. */
import { describe, expect, it } from 'vitest';
import { breakingAlternatives, type Probe } from '../../src/agents/learner/alternatives.ts';
import type { Ending } from '../../src/contracts/evaluator.ts';
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
function parser(): { texts: string[]; ended: Ending[]; canBegin(texts: readonly string[]): Promise<boolean[]>; canEnd(texts: readonly Ending[]): Promise<boolean[]> } {
  const texts: string[] = [], ended: Ending[] = [];
  return {
    texts, ended,
    canBegin: async (all) => (texts.push(...all), all.map((text) => !text.includes(')'))),
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
    const asked = { canBegin: async (all: readonly string[]) => all.map((text) => text === 'y'), canEnd: async () => [] };
    const { breaking } = await breakingAlternatives({ model: drawing('xyz').model, parser: asked, vocabulary }, [probe('', '')], { key: 'k', draws: 5 });
    expect(breaking).toEqual([[{ at: 0, token: 120, logProb: -1, share: 0.5 }, { at: 0, token: 122, logProb: -3, share: 0.25 }]]);
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
