/**
 * The evaluator's one door: text in, plain records out. `evaluate` and `evaluateMany` (library.ts) are all that most programs need; the
 * rest is for those that build judges of their own. It runs in whatever process calls it; src/processes/judges.ts puts it into
 * processes that can be killed, which is what untrusted text needs.
 */
export { evaluate, evaluateMany, indexCorpus, type CorpusIndex, type EvaluationOptions, type EvaluationReport, type TextInput } from './library.ts';
export { evaluateTexts, unread, verdictsOf, type EvaluateOptions } from './evaluate.ts';
export { WHOLE_CHARACTERS } from './limits.ts';
export { findDocuments, type FoundDocument } from './documents.ts';
export { findExcerpts } from './excerpts.ts';
export { NoveltyIndex, SHARED_RUN, textOf, type NamedText, type SavedNoveltyIndex } from './novelty/index.ts';
export { SAFETY_RULES, SafetyFilter, type SafetyReport } from './safety/index.ts';
export { CopyIndex, normalise, SHORTEST_COPY } from './novelty/copies.ts';
export { CPythonDied, loadCPython, type CompileError, type CPython } from './cpython.ts';
export { assessQuality } from './lint/quality.ts';
export { qualityTerms, readability, readabilityOf, readabilityTerms, type QualityTerms, type ReadabilityTerms } from './lint/readability.ts';
export { LINT_RULES } from './lint/ruff.ts';
export { checkRules, RULE_KINDS, type Fault, type RuleKind, type RulesReport } from './rules/index.ts';
export { KIND_IDS, MAX_BYTES, parseTree } from './parser.ts';
export { Reparser } from './reparser.ts';
