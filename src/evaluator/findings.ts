/**
 * Findings out of what the rules, tree-sitter and CPython object to: one record form, with byte spans, lines and columns. The
 * learner trains on the place that CPython's finding names, so it is kept exactly. Not here: the verdict.
 */
import type Parser from 'tree-sitter';
import type { Finding } from '../contracts/records.ts';
import type { CompileError } from './cpython.ts';
import { enclosing } from './enclosing.ts';
import type { Fault, Statement } from './rules/index.ts';
import type { SourceText } from './text.ts';

/** Most findings of tree-sitter that are kept of one text. */
const MAX_PARSE_FINDINGS = 10;

const CPYTHON_KINDS: Readonly<Record<string, string>> = {
  SyntaxError: 'cpython.syntax',
  IndentationError: 'cpython.indentation',
  TabError: 'cpython.tabs',
  UnicodeEncodeError: 'cpython.encoding',
  ValueError: 'cpython.value',
  RecursionError: 'cpython.depth',
  MemoryError: 'cpython.depth',
  OverflowError: 'cpython.overflow',
};

export function findingAt(place: SourceText, source: Finding['source'], kind: string, message: string, start: number, end: number): Finding {
  const from = Math.max(0, Math.min(start, place.text.length));
  return { source, kind, message, span: place.span(from, end), ...place.position(from) };
}

export function ruleFinding(place: SourceText, { kind, message, start, end }: Fault): Finding {
  return findingAt(place, 'rule', kind, message, start, end);
}

/**
 * CPython's finding where CPython points. Where it names no place (NUL bytes, lone surrogates, depth) the first fault of the rules
 * gives it, else the text's beginning. A range without an end is one character long.
 */
export function cpythonFinding(place: SourceText, error: CompileError, faults: readonly Fault[]): Finding {
  const kind = CPYTHON_KINDS[error.type] ?? 'cpython.other';
  if (error.line === null) {
    const fault = faults.find((other) => other.kind === 'character.null' || other.kind === 'character.surrogate') ?? faults[0];
    return findingAt(place, 'cpython', kind, error.message, fault?.start ?? 0, fault?.end ?? 0);
  }
  const start = place.offsetOf(error.line, error.column ?? 0);
  const end = error.endLine !== null && error.endColumn !== null ? place.offsetOf(error.endLine, error.endColumn) : start;
  return findingAt(place, 'cpython', kind, error.message, start, end > start ? end : start + 1);
}

/** The finding with the smallest statement around it. */
export function withStatement(finding: Finding, place: SourceText, statements: readonly Statement[]): Finding {
  const statement = enclosing(statements, place.offsetAt(finding.line, finding.column));
  return statement ? { ...finding, statement: place.span(statement.start, statement.end) } : finding;
}

/** Errors and missing tokens of tree-sitter's tree, in order. Only subtrees with an error in them are entered. */
export function parseFindings(place: SourceText, tree: Parser.Tree): Finding[] {
  const found: Finding[] = [];
  const open: Parser.SyntaxNode[] = [tree.rootNode];
  for (let node = open.pop(); node && found.length < MAX_PARSE_FINDINGS; node = open.pop()) {
    if (node.isMissing) found.push(findingAt(place, 'parse', 'parse.missing', `'${node.type}' is missing`, node.startIndex, node.endIndex));
    else if (node.isError) found.push(findingAt(place, 'parse', 'parse.error', 'this cannot be parsed', node.startIndex, node.endIndex));
    else if (node.hasError) for (const child of node.children.reverse()) open.push(child);
  }
  return found;
}

const RANK: Readonly<Record<Finding['source'], number>> = { cpython: 0, rule: 1, parse: 2, lint: 3, safety: 4 };

/** By place; at one place CPython's first. */
export function sortFindings(findings: Finding[]): Finding[] {
  return findings.sort((a, b) => a.span.start - b.span.start || RANK[a.source] - RANK[b.source] || a.span.end - b.span.end);
}
