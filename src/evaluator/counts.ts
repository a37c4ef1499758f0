/**
 * Counts and structure of one text: what the guards, the discriminator and the metrics are computed from. Pure functions over the
 * strict tokens and statements and over tree-sitter's tree. Not here: any judgement.
 */
import type Parser from 'tree-sitter';
import type { Counts } from '../contracts/records.ts';
import { similarLines } from './novelty/skeleton.ts';
import { KIND_IDS } from './parser.ts';
import type { RulesReport, Statement } from './rules/index.ts';
import { T } from './rules/tokens.ts';

/** Node kinds that are no syntax of their own: comments, and the parts that tree-sitter divides a string literal into. */
const NOT_SYNTAX: ReadonlySet<string> = new Set(['comment', 'line_continuation', 'string_start', 'string_content', 'string_end', 'escape_sequence', 'escape_interpolation']);

const NOT_SYNTAX_IDS: ReadonlySet<number> = new Set([...NOT_SYNTAX].flatMap((kind) => KIND_IDS.get(kind) ?? []));

export interface Structure {
  /** Named syntax nodes below the root; comments, string parts and errors left out. */
  readonly nodes: number;
  /** Hash of the nodes' kinds and depths in preorder. */
  readonly shape: string;
  readonly bigrams: readonly number[];
}

const STATEMENT_PARENTS: ReadonlySet<number> = new Set([KIND_IDS.get('module')!, KIND_IDS.get('block')!]);
const NEIGHBOURS = 2 ** 20;

/**
 * Shape, node count and bigrams of a tree in one pass over its S-expression: one native call, where a walk would make several for
 * each node. Only for trees of bounded depth (texts that the rules accept): the native printer recurses.
 * Bigrams: `parent * 1024 + child` for every node and its parent, `2^20 + previous * 1024 + next` for neighbouring statements.
 */
export function structureOf(tree: Parser.Tree): Structure {
  const text = tree.rootNode.toString();
  const kinds: number[] = [];
  const lasts: number[] = [];
  const bigrams: number[] = [];
  let low = 0x811c9dc5, high = 0x9747b28c;
  let nodes = 0, skipped = 0;
  for (let at = 0; at < text.length; ) {
    const code = text.charCodeAt(at++);
    if (code === OPEN) {
      let name = 0, end = at;
      for (let unit = text.charCodeAt(end); unit !== SPACE && unit !== CLOSE; unit = text.charCodeAt(++end)) name = (Math.imul(name, 31) + unit) | 0;
      at = end;
      const id = IDS_BY_HASH.get(name) ?? 0;
      if (skipped > 0 || NOT_SYNTAX_IDS.has(id)) {
        skipped++;
        continue;
      }
      if (id !== KIND_IDS.get('ERROR')) nodes++;
      // FNV-1a over kind and depth, twice with different seeds: 64 bits tell the shapes of any run apart.
      const depth = kinds.length;
      low = Math.imul(low ^ (id + depth * 1024), 0x01000193);
      high = Math.imul(high ^ (id * 31 + depth * 40503), 0x85ebca6b);
      high ^= high >>> 13;
      if (depth > 0) {
        const parent = kinds[depth - 1]!;
        bigrams.push(parent * 1024 + id);
        if (STATEMENT_PARENTS.has(parent)) {
          if (lasts[depth - 1]! > 0) bigrams.push(NEIGHBOURS + lasts[depth - 1]! * 1024 + id);
          lasts[depth - 1] = id;
        }
      }
      kinds.push(id);
      lasts.push(0);
    } else if (code === CLOSE) {
      if (skipped > 0) skipped--;
      else {
        kinds.pop();
        lasts.pop();
      }
    }
  }
  const hex = (word: number): string => (word >>> 0).toString(16).padStart(8, '0');
  return { nodes: nodes - 1, shape: hex(low) + hex(high), bigrams };
}

const OPEN = 40, CLOSE = 41, SPACE = 32;

/** Ids by a hash of the kind's name, so that no piece of the S-expression need be cut out. */
const IDS_BY_HASH: ReadonlyMap<number, number> = new Map(
  [...KIND_IDS].map(([name, id]) => [[...name].reduce((hash, char) => (Math.imul(hash, 31) + char.charCodeAt(0)) | 0, 0), id]),
);

const ERROR_ID = 65535;

/**
 * UTF-16 offset at which the second node of each of `structureOf`'s bigrams begins, in the same order. Only for trees without errors: the
 * S-expression names what is missing, a walk does not.
 */
export function bigramPlaces(tree: Parser.Tree): number[] {
  const cursor = tree.walk();
  const places: number[] = [];
  /** Of the named ancestors: whether statements stand in it, and whether one has been met. */
  const open: { statements: boolean; met: boolean }[] = [{ statements: true, met: false }];
  if (!cursor.gotoFirstChild()) return places;
  /** Whether each node from the root's child down to the cursor has been opened. */
  const opened: boolean[] = [];
  for (;;) {
    // By name: an aliased kind, such as a block, has several ids, and some kinds that are only aliases have none.
    const named = cursor.nodeIsNamed;
    const id = named ? (KIND_IDS.get(cursor.nodeType) ?? 0) : 0;
    const counts = named && !NOT_SYNTAX_IDS.has(id);
    if (counts) {
      const parent = open.at(-1)!;
      places.push(cursor.startIndex);
      if (parent.statements && parent.met) places.push(cursor.startIndex);
      parent.met = id > 0;
    }
    // What lies inside a node that is no syntax is none either.
    if ((counts || !named) && cursor.gotoFirstChild()) {
      opened.push(counts);
      if (counts) open.push({ statements: STATEMENT_PARENTS.has(id), met: false });
      continue;
    }
    while (!cursor.gotoNextSibling()) {
      if (opened.length === 0) return places;
      if (opened.pop()) open.pop();
      cursor.gotoParent();
    }
  }
}

/** Named syntax nodes below the root that begin at or after the UTF-16 offset `from`; comments, string parts and errors left out. */
export function nodesFrom(tree: Parser.Tree, from: number): number {
  const cursor = tree.walk();
  if (!cursor.gotoFirstChild()) return 0;
  let count = 0, depth = 1;
  for (;;) {
    const inside = cursor.endIndex > from;
    if (inside && cursor.nodeIsNamed && cursor.startIndex >= from) {
      const id = cursor.nodeTypeId;
      if (id !== ERROR_ID && !NOT_SYNTAX_IDS.has(id)) count++;
    }
    if (inside && cursor.gotoFirstChild()) {
      depth++;
      continue;
    }
    while (!cursor.gotoNextSibling()) {
      if (--depth === 0) return count;
      cursor.gotoParent();
    }
  }
}

/**
 * `bytes` UTF-8; `lines` those with anything on them; `codeTokens` Python's lexical tokens without strings, comments, line ends and
 * indents (an f-string's expressions count, its text does not); `repeatedLines` the share of those lines that repeat an earlier
 * one, indentation aside; `similarLines` the share of logical lines that do so but for names and literals; `maxNesting` the deepest nesting of compound statements; `longestLine` in UTF-16 units.
 */
export function countsOf(text: string, { tokens, statements }: RulesReport, ownNodes: number): Counts {
  let codeTokens = 0;
  for (const { type } of tokens.tokens) if (type <= T.Op && type !== T.String) codeTokens++;
  const seen = new Set<string>();
  let lines = 0, repeated = 0, longestLine = 0;
  for (const line of text.split(/\r\n|\r|\n/)) {
    if (line.length > longestLine) longestLine = line.length;
    const bare = line.trim();
    if (bare === '') continue;
    lines++;
    if (seen.has(bare)) repeated++;
    else seen.add(bare);
  }
  return {
    bytes: Buffer.byteLength(text),
    lines,
    codeTokens,
    ownNodes,
    repeatedLines: lines > 0 ? repeated / lines : 0,
    similarLines: similarLines(tokens),
    docstring: hasDocstring(statements),
    maxNesting: nesting(statements),
    longestLine,
  };
}

/** Does the module, or the first function or class in it, begin with a string of its own? */
function hasDocstring(statements: readonly Statement[]): boolean {
  const first = statements[0];
  if (!first) return false;
  if (isText(first)) return true;
  const head = first.kind === 'def' || first.kind === 'class' ? first.body[0] : undefined;
  return head !== undefined && isText(head);
}

function isText(statement: Statement): boolean {
  return statement.kind === 'expression' && statement.value.kind === 'string';
}

/** The bodies of a statement, empty for simple ones. */
export function bodiesOf(statement: Statement): readonly (readonly Statement[])[] {
  switch (statement.kind) {
    case 'if': return statement.bodies;
    case 'while': case 'for': return [statement.body, statement.otherwise];
    case 'try': return [statement.body, ...statement.handlers.map(({ body }) => body), statement.otherwise, statement.last];
    case 'match': return bodiesOfCases(statement.cases);
    case 'with': case 'def': case 'class': case 'broken': return [statement.body];
    default: return [];
  }
}

const CASES = new WeakMap<object, readonly (readonly Statement[])[]>();

/** Made once: a match may have 80,000 cases, and each finding in it asks for them. */
function bodiesOfCases(cases: readonly { readonly body: readonly Statement[] }[]): readonly (readonly Statement[])[] {
  const known = CASES.get(cases) ?? cases.map(({ body }) => body);
  CASES.set(cases, known);
  return known;
}

function nesting(statements: readonly Statement[]): number {
  let deepest = 0;
  for (const statement of statements) {
    for (const body of bodiesOf(statement)) if (body.length > 0) deepest = Math.max(deepest, 1 + nesting(body));
  }
  return deepest;
}

/**
 * Is there nothing but docstrings, comments, `pass` and `...`? A function or class whose body is only those is nothing either,
 * whatever its head says: a head is cheap to copy and asks for nothing to be written.
 */
export function isHollow(statements: readonly Statement[]): boolean {
  return statements.every((statement) => {
    switch (statement.kind) {
      case 'pass': return true;
      case 'expression': return statement.value.kind === 'string' || (statement.value.kind === 'constant' && statement.value.text === '...');
      case 'def': case 'class': return isHollow(statement.body);
      default: return false;
    }
  });
}
