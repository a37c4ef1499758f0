/**
 * Parses one revision after another: the last tree is edited where the texts differ (their common beginning and end are found by
 * comparing them) and tree-sitter reads again only what the edit touches. Not here: the strict rules, which read a text from the
 * start, and judging, which keeps no trees (docs/judge.md has the figures).
 *
 * tree-sitter's recovery from errors depends on what was parsed before, so only trees without errors are kept and given back; a
 * text that shows one is parsed from the start.
 */
import type Parser from 'tree-sitter';
import { commonEnds } from './ends.ts';
import { parseTree } from './parser.ts';

interface Point {
  readonly row: number;
  readonly column: number;
}

export class Reparser {
  #text = '';
  #tree: Parser.Tree | null = null;

  /** The tree of a text of at most MAX_BYTES: the same as `parseTree` gives. Cheapest when the text differs little from the last one. */
  parse(text: string): Parser.Tree {
    const tree = this.#tree && text !== this.#text ? this.#again(this.#tree, text) : (this.#tree ?? parseTree(text));
    this.#text = text;
    this.#tree = tree.rootNode.hasError ? null : tree;
    return tree;
  }

  #again(old: Parser.Tree, text: string): Parser.Tree {
    const before = this.#text;
    const { start: differs, tail } = commonEnds(before, text);
    // Whole lines: the grammar's scanner decides about indentation line by line.
    const start = before.lastIndexOf('\n', differs - 1) + 1;
    const oldEnd = before.length - tail, newEnd = text.length - tail;
    const from = pointOf(before, 0, { row: 0, column: 0 }, start);
    old.edit({
      startIndex: start, oldEndIndex: oldEnd, newEndIndex: newEnd,
      startPosition: from, oldEndPosition: pointOf(before, start, from, oldEnd), newEndPosition: pointOf(text, start, from, newEnd),
    });
    const tree = parseTree(text, old);
    return tree.rootNode.hasError ? parseTree(text) : tree;
  }
}

/** Row and column (UTF-16 units) of an offset, counted on from a known place. */
function pointOf(text: string, from: number, { row, column }: Point, offset: number): Point {
  let lineStart = from - column;
  for (let at = text.indexOf('\n', from); at >= 0 && at < offset; at = text.indexOf('\n', at + 1)) {
    row++;
    lineStart = at + 1;
  }
  return { row, column: offset - lineStart };
}
