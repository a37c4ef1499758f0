/**
 * tree-sitter-python behind one reused parser: a tree for any string whatever it holds. Not here: whether the text is Python
 * (the rules and CPython say that). tree-sitter is lenient by design; what it adds is a tree for texts that are broken.
 *
 * The binding counts UTF-16 units. It copies input through a buffer whose default holds 32 KB and fails on longer strings, so
 * the text is handed over by a callback in pieces.
 */
import { createRequire } from 'node:module';
import type Parser from 'tree-sitter';

const require = createRequire(import.meta.url);
const ParserClass = require('tree-sitter') as typeof Parser;
const language = require('tree-sitter-python') as Parser.Language & { readonly nodeTypeInfo?: unknown };

/** Texts longer than this many UTF-8 bytes are not parsed: finding `too-large`. */
export const MAX_BYTES = 1_000_000;

const PIECE = 16_000;
let parser: Parser | undefined;

/** Parses a text of at most MAX_BYTES. Never throws because of what the text holds. `old`: the tree of an earlier text, edited to fit. */
export function parseTree(text: string, old?: Parser.Tree): Parser.Tree {
  if (!parser) {
    parser = new ParserClass();
    parser.setLanguage(language);
  }
  return parser.parse(text.length <= PIECE ? text : (offset: number) => text.slice(offset, offset + PIECE), old);
}

/** Ids of the grammar's named node kinds by name (symbol numbers of the compiled grammar, below 300). */
export const KIND_IDS: ReadonlyMap<string, number> = kindIds();

function kindIds(): Map<string, number> {
  // The binding keeps one class a symbol id, built when the language is set, and named after the kind in camel case; it offers
  // no table of names. Aliases share a name: the smallest id stands for all of them.
  parseTree('');
  const table = language as unknown as { nodeSubclasses: { name: string }[]; nodeTypeInfo: { type: string; named: boolean }[] };
  const byClass = new Map<string, number>();
  table.nodeSubclasses.forEach(({ name }, id) => byClass.has(name) || byClass.set(name, id));
  const ids = new Map<string, number>([['ERROR', 1022], ['MISSING', 1023]]);
  for (const { type, named } of table.nodeTypeInfo) {
    const camel = type.replace(/_(\w)/g, (_, letter: string) => letter.toUpperCase());
    const id = named ? byClass.get(`${camel[0]!.toUpperCase()}${camel.slice(1)}Node`) : undefined;
    if (id !== undefined) ids.set(type, id);
  }
  return ids;
}
