import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { loadTokenizer, saveTokenizer, SPECIAL_IDS, SPECIAL_TOKENS, Tokenizer, TokenizerError, tokenizerFromJson, tokenizerToJson, trainTokenizer } from '../../src/models/tokenizer/index.ts';
import { byteStretches, pieces } from '../../src/models/tokenizer/pieces.ts';
import { readCorpus } from '../../src/tasks/corpus.ts';
import { promptEnds } from '../../src/tasks/prompts.ts';

const PYTHON = `def fill(self, value, *, width=80):
    """Fill a paragraph.

    Returns the text wrapped to \`width\` columns.
    """
    lines = []
    for line in self.lines:
        if len(line) > width and line[0] != '#':
            lines.append(line[:width])

    return '\\n'.join(lines)  # joined


class Empty(Exception):
    pass
`;
const tokenizer = trainTokenizer([PYTHON.repeat(3), 'aaaa aaa aa a\n', 'naïve café 123456 ≠ 🐍🐍'], 400);

/** Texts that look a bit like Python and hold everything else as well. */
const text = fc.oneof(
  fc.string({ unit: 'binary', maxLength: 60 }),
  fc.array(fc.constantFrom('def ', 'self', '(', ')', ':', '\n', '\r\n', '\r', '    ', '\t', ' ', '"""', '1234', 'é', '🐍', '<|endoftext|>', '\u2028', '\u00a0', '\ufeff', '\0', '_x', '.'), { maxLength: 40 }).map((parts) => parts.join('')),
);
const bytes = fc.oneof(fc.uint8Array({ maxLength: 60 }), text.map((t) => Uint8Array.from(Buffer.from(t))), fc.tuple(text, fc.uint8Array({ maxLength: 3 }), text).map(([a, b, c]) => Uint8Array.from(Buffer.concat([Buffer.from(a), b, Buffer.from(c)]))));

describe('pieces', () => {
  it('lose nothing and never hold white space after something else', () => {
    fc.assert(
      fc.property(text, (t) => {
        const cut = pieces(t);
        expect(cut.join('')).toBe(t);
        for (const piece of cut) expect(piece).not.toMatch(/[^\t\n\v\f\r ][\t\n\v\f\r ]/);
      }),
    );
  });

  it('are what Python is made of', () => {
    expect(pieces('    def __init__(self, x1=1234):\n        return x\n\n    y')).toEqual(
      ['    ', 'def', ' __init__', '(', 'self', ',', ' x', '1', '=', '123', '4', ')', ':', '\n        ', 'return', ' x', '\n\n    ', 'y'],
    );
    expect(pieces('a\r\n\r\n\tb')).toEqual(['a', '\r\n\r\n\t', 'b']);
  });
});

describe('encode and decode', () => {
  it('are lossless on any well-formed string', () => {
    fc.assert(fc.property(text, (t) => { expect(tokenizer.decode(tokenizer.encode(t))).toBe(t); }));
  });

  it('are lossless on any bytes, and agree on UTF-8', () => {
    fc.assert(
      fc.property(bytes, (b) => {
        expect(tokenizer.decodeBytes(tokenizer.encodeBytes(b))).toEqual(b);
      }),
    );
    fc.assert(fc.property(text, (t) => { expect(tokenizer.encodeBytes(Buffer.from(t))).toEqual(tokenizer.encode(t)); }));
  });

  it('see UTF-8 exactly as the platform does', () => {
    const strict = new TextDecoder('utf-8', { fatal: true });
    const isUtf8 = (b: Uint8Array): boolean => {
      try {
        strict.decode(b);
        return true;
      } catch {
        return false;
      }
    };
    // Bytes near every edge of table 3-7 of the Unicode standard.
    const edge = fc.constantFrom(0x00, 0x7f, 0x80, 0x8f, 0x90, 0x9f, 0xa0, 0xbf, 0xc0, 0xc1, 0xc2, 0xdf, 0xe0, 0xe1, 0xec, 0xed, 0xee, 0xef, 0xf0, 0xf1, 0xf3, 0xf4, 0xf5, 0xff);
    fc.assert(
      fc.property(fc.array(edge, { maxLength: 6 }).map((b) => Uint8Array.from(b)), (b) => {
        expect(byteStretches(b).every((stretch) => 'text' in stretch)).toBe(isUtf8(b));
      }),
      { numRuns: 2000 },
    );
  });

  it('may be joined at the edges of pieces', () => {
    fc.assert(
      fc.property(text, fc.nat(), (t, at) => {
        const cut = pieces(t);
        const edge = cut.length === 0 ? 0 : at % (cut.length + 1);
        const ids = cut.map((piece) => tokenizer.encode(piece));
        expect(ids.flat()).toEqual(tokenizer.encode(t));
        expect(tokenizer.count(t)).toBe(ids.flat().length);
        expect([...ids.slice(0, edge).flat(), ...ids.slice(edge).flat()]).toEqual(tokenizer.encode(t));
      }),
    );
  });

  it('read no special token out of a text', () => {
    for (const special of SPECIAL_TOKENS) {
      const ids = tokenizer.encode(`x${special}\n${special}`);
      expect(ids.some((id) => id < SPECIAL_TOKENS.length)).toBe(false);
      expect(tokenizer.decode(ids)).toBe(`x${special}\n${special}`);
    }
    expect(Object.values(SPECIAL_IDS)).toEqual([0, 1, 2, 3, 4]);
  });

  it('decode special tokens to nothing, broken characters to U+FFFD, unknown ids not at all', () => {
    const [first, ...rest] = tokenizer.encodeBytes(Uint8Array.of(0xf0, 0x9f));
    expect(tokenizer.decode([SPECIAL_IDS.endOfText, first!, ...rest, SPECIAL_IDS.mask])).toBe('\ufffd');
    expect(() => tokenizer.decode([tokenizer.vocabulary])).toThrow(TokenizerError);
  });

  it('merge in time that does not explode with a piece', () => {
    const long = 'ab'.repeat(100_000);
    expect(tokenizer.decode(tokenizer.encode(long))).toBe(long);
  });
});

describe('training', () => {
  /** The textbook algorithm: count all pairs again after every merge. */
  const naive = (texts: string[], merges: number): [number, number][] => {
    const words = texts.flatMap(pieces).map((piece) => [...Buffer.from(piece)].map((byte) => byte + 5));
    const learned: [number, number][] = [];
    const spelling = new Map<number, string>(Array.from({ length: 256 }, (_, byte) => [byte + 5, String.fromCharCode(byte)]));
    while (learned.length < merges) {
      const counts = new Map<string, number>();
      for (const word of words) for (let i = 0; i + 1 < word.length; i++) counts.set(`${word[i]} ${word[i + 1]}`, (counts.get(`${word[i]} ${word[i + 1]}`) ?? 0) + 1);
      const known = new Set(spelling.values());
      const best = [...counts]
        .map(([key, count]) => ({ pair: key.split(' ').map(Number) as [number, number], count }))
        .filter(({ pair, count }) => count >= 2 && !known.has(spelling.get(pair[0])! + spelling.get(pair[1])!))
        .sort((a, b) => b.count - a.count || a.pair[0] - b.pair[0] || a.pair[1] - b.pair[1])[0];
      if (!best) break;
      const id = 261 + learned.length;
      learned.push(best.pair);
      spelling.set(id, spelling.get(best.pair[0])! + spelling.get(best.pair[1])!);
      for (const word of words) {
        for (let i = 0; i + 1 < word.length; i++) if (word[i] === best.pair[0] && word[i + 1] === best.pair[1]) word.splice(i, 2, id);
      }
    }
    return learned;
  };

  it('learns what the textbook algorithm learns', () => {
    expect(trainTokenizer([PYTHON], 330).merges).toEqual(naive([PYTHON], 69));
    // No run of three alike: there the textbook counts overlapping pairs that merging cannot both use.
    const word = fc.array(fc.constantFrom('ab', 'ba', 'abc', 'cab', 'bc'), { minLength: 1, maxLength: 6 }).map((parts) => parts.join('').replace(/(.)\1+/g, '$1'));
    fc.assert(fc.property(fc.array(word, { maxLength: 12 }), (words) => { expect(trainTokenizer([words.join(' ')], 290).merges).toEqual(naive([words.join(' ')], 29)); }));
  });

  it('does not depend on the order of texts', () => {
    const parts = PYTHON.split(/(?<=\n)/);
    expect(trainTokenizer([...parts].reverse(), 350).merges).toEqual(trainTokenizer(parts, 350).merges);
  });

  it('keeps every token distinct and gives lengths in bytes', () => {
    const lengths = Array.from({ length: tokenizer.vocabulary }, (_, id) => tokenizer.decodeBytes([id]).length);
    const spellings = lengths.map((_, id) => Buffer.from(tokenizer.decodeBytes([id])).toString('latin1'));
    expect(new Set(spellings.slice(5)).size).toBe(tokenizer.vocabulary - 5);
    expect(lengths).toEqual(spellings.map((spelling) => spelling.length));
    expect(lengths.slice(0, 5)).toEqual([0, 0, 0, 0, 0]);
  });

  it('stops where nothing occurs twice, and refuses a vocabulary without room for bytes', () => {
    expect(trainTokenizer(['abcdef'], 1000).vocabulary).toBe(261);
    expect(() => trainTokenizer(['a'], 260)).toThrow(TokenizerError);
    expect(() => trainTokenizer(['a'], 65537)).toThrow(TokenizerError);
  });
});

describe('tokenizer.json', () => {
  let folder: string;
  beforeAll(() => (folder = mkdtempSync(join(tmpdir(), 'ouroboros-tokenizer-'))));
  afterAll(() => rmSync(folder, { recursive: true }));

  it('comes back equal and leaves no other file', () => {
    const path = join(folder, 'deep', 'tokenizer.json');
    saveTokenizer(tokenizer, path);
    const loaded = loadTokenizer(path);
    expect(loaded.merges).toEqual(tokenizer.merges);
    expect(loaded.encode(PYTHON)).toEqual(tokenizer.encode(PYTHON));
    expect(readdirSync(join(folder, 'deep'))).toEqual(['tokenizer.json']);
  });

  it('has the form that Hugging Face reads', () => {
    const json = tokenizerToJson(tokenizer) as {
      added_tokens: { id: number; content: string; special: boolean }[];
      model: { type: string; vocab: Record<string, number>; merges: string[] };
      pre_tokenizer: { pretokenizers: { type: string; pattern?: { Regex: string } }[] };
    };
    expect(json.added_tokens.map(({ id, content, special }) => [id, content, special])).toEqual(SPECIAL_TOKENS.map((content, id) => [id, content, true]));
    expect(json.model.vocab['Ġ']).toBe(5 + 0x20);
    expect(json.model.vocab['Ċ']).toBe(5 + 0x0a);
    expect(Object.values(json.model.vocab).sort((a, b) => a - b)).toEqual(Array.from({ length: tokenizer.vocabulary }, (_, id) => id));
    for (const merge of json.model.merges) expect(merge.split(' ').map((part) => typeof json.model.vocab[part])).toEqual(['number', 'number']);
    expect(json.pre_tokenizer.pretokenizers.map(({ type }) => type)).toEqual(['Split', 'ByteLevel']);
    expect(PYTHON.match(new RegExp(json.pre_tokenizer.pretokenizers[0]!.pattern!.Regex, 'gu'))).toEqual(pieces(PYTHON));
  });

  it('is refused with a reason when damaged, foreign or absent', () => {
    const good = (): ReturnType<typeof JSON.parse> => JSON.parse(JSON.stringify(tokenizerToJson(tokenizer)));
    const swapped = good();
    [swapped.model.merges[0], swapped.model.merges[50]] = [swapped.model.merges[50], swapped.model.merges[0]];
    const short = good();
    short.model.merges.pop();
    const foreign = good();
    foreign.pre_tokenizer.pretokenizers[0].pattern.Regex = '\\s+';
    for (const json of [swapped, short, foreign, null, {}, { model: { type: 'Unigram' } }]) expect(() => tokenizerFromJson(json)).toThrow(TokenizerError);
    expect(() => loadTokenizer(join(folder, 'absent.json'))).toThrow(TokenizerError);
    writeFileSync(join(folder, 'text.json'), 'no json');
    expect(() => loadTokenizer(join(folder, 'text.json'))).toThrow(TokenizerError);
    expect(() => new Tokenizer([[0, 5]])).toThrow(TokenizerError);
  });
});

describe('on real Python', () => {
  it('begins a document with the ids of its prompt, wherever a prompt may end', async () => {
    const { files } = await readCorpus();
    const sources = files.filter((_, i) => i % 12 === 0).map((file) => file.text);
    const trained = trainTokenizer(sources, 1024);
    let prompts = 0;
    for (const source of sources) {
      // Top-level functions and classes: from a line that starts one to the next line that is not indented.
      for (const [document] of source.matchAll(/^(?:@.*\n)*(?:async def|def|class) .*\n(?:[ \t].*\n|\n)*/gm)) {
        const ids = trained.encode(document);
        for (const end of Object.values(promptEnds(document)).flat()) {
          const prompt = trained.encode(document.slice(0, end));
          expect(prompt.every((id, i) => id === ids[i])).toBe(true);
          prompts++;
        }
      }
    }
    expect(prompts).toBeGreaterThan(500);
  });
});
