/**
 * The evaluator's one door: text in, plain records out. It runs in whatever process calls it; src/processes/judges.ts puts it into
 * processes that can be killed, which is what untrusted text needs.
 */
export { evaluateTexts, type EvaluateOptions } from './evaluate.ts';
export { findDocuments, type FoundDocument } from './documents.ts';
export { CopyIndex, normalise, SHORTEST_COPY } from './copies.ts';
export { CPythonDied, loadCPython, type CompileError, type CPython } from './cpython.ts';
export { readability, readabilityTerms, type ReadabilityTerms } from './readability.ts';
export { checkRules, RULE_WEIGHTS, type Fault, type RuleKind, type RulesReport } from './rules/index.ts';
export { KIND_IDS, MAX_BYTES, parseTree } from './parser.ts';
