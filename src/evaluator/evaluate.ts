/**
 * Text in, plain record out: the evaluation of prompt + completion (DESIGN, "Honest numbers"). CPython gives the verdict; the strict
 * rules and tree-sitter grade, locate and describe. Deterministic, no model is asked, nothing is executed. Not here: processes.
 */
import type { EvaluationRequest } from '../contracts/evaluator.ts';
import type { Counts, Evaluation, Finding, InvalidReason } from '../contracts/records.ts';
import type { CopyIndex } from './copies.ts';
import { countsOf, isHollow, nodesFrom, structureOf } from './counts.ts';
import type { CompileError, CPython } from './cpython.ts';
import { cpythonFinding, findingAt, parseFindings, ruleFinding, sortFindings } from './findings.ts';
import { MAX_BYTES, parseTree } from './parser.ts';
import { checkRules, RULE_WEIGHTS, type RulesReport } from './rules/index.ts';
import { SourceText } from './text.ts';

export interface EvaluateOptions {
  /** Absent: the rules' verdict stands for CPython's. */
  readonly cpython?: CPython;
  /** Absent: nothing is a copy. */
  readonly copies?: CopyIndex;
}

/** Texts up to this length have trees that the native printer can print whatever they hold (it recurses). */
const PRINTABLE = 5000;
/** Fewer syntax nodes than this after the prompt are no work. */
const LEAST_NODES = 3;

const NO_COUNTS: Counts = { bytes: 0, lines: 0, codeTokens: 0, ownNodes: 0, repeatedLines: 0, docstring: false, maxNesting: 0, longestLine: 0 };

/** One evaluation a request, in order. Throws CPythonDied when the interpreter was lost; never because of a text otherwise. */
export function evaluateTexts(requests: readonly EvaluationRequest[], { cpython, copies }: EvaluateOptions = {}): Evaluation[] {
  const prepared = requests.map(({ text }) => {
    const large = text.length > MAX_BYTES || (text.length > MAX_BYTES / 3 && Buffer.byteLength(text) > MAX_BYTES);
    if (large) return null;
    const place = new SourceText(text);
    return { place, report: checkRules(text, place) };
  });
  const verdicts: (CompileError | null)[] = prepared.map(() => null);
  if (cpython) {
    // What is nested too deeply would take the interpreter down with it.
    const asked = prepared.flatMap((item, index) => (item && !item.report.faults.some(({ kind }) => kind === 'syntax.deep') ? [index] : []));
    cpython
      .compileAll(asked.map((index) => requests[index]!.text), asked.map((index) => requests[index]!.locate ?? false))
      .forEach((verdict, i) => (verdicts[asked[i]!] = verdict));
  }
  return requests.map((request, index) => {
    const item = prepared[index];
    return item ? evaluateOne(request, item.place, item.report, cpython ? verdicts[index]! : undefined, copies) : tooLarge(request);
  });
}

function tooLarge({ id, text }: EvaluationRequest): Evaluation {
  const bytes = Buffer.byteLength(text);
  const message = `the text has ${bytes} bytes; at most ${MAX_BYTES} are read`;
  const finding: Finding = { source: 'rule', kind: 'too-large', message, span: { start: 0, end: 0 }, line: 1, column: 0 };
  return {
    id, valid: false, reason: 'too-large', rulesValid: false, score: 0, findings: [finding], counts: { ...NO_COUNTS, bytes }, shape: '', bigrams: [], copy: false,
  };
}

/** `error`: CPython's answer; undefined when it was not asked for. */
function evaluateOne(request: EvaluationRequest, place: SourceText, report: RulesReport, error: CompileError | null | undefined, copies: CopyIndex | undefined): Evaluation {
  const { id, text, promptLength, finish } = request;
  const tree = parseTree(text);
  const deep = report.faults.some(({ kind }) => kind === 'syntax.deep');
  const legal = report.faults.length === 0;
  const structure = legal || text.length <= PRINTABLE ? structureOf(tree) : null;
  const ownNodes = promptLength === 0 && structure ? structure.nodes : nodesFrom(tree, promptLength);
  const compiles = error === undefined || deep ? legal : error === null;
  const empty = isHollow(report.statements) || ownNodes < LEAST_NODES;
  const reason = (syntax: boolean): InvalidReason | undefined => (finish === 'length' ? 'truncated' : empty ? 'empty' : syntax ? undefined : 'syntax');
  const why = reason(compiles);
  const valid = why === undefined;

  const findings: Finding[] = report.faults.map((fault) => ruleFinding(place, fault));
  if (error) findings.push(cpythonFinding(place, error, report.faults));
  if (!legal && tree.rootNode.hasError) findings.push(...parseFindings(place, tree));
  if (why === 'truncated') findings.push(findingAt(place, 'rule', 'truncated', 'no end of text within the limit', text.length, text.length));
  if (why === 'empty') findings.push(findingAt(place, 'rule', 'empty', 'nothing but a docstring, comments, pass or ...', promptLength, text.length));

  return {
    id,
    valid,
    ...(why === undefined ? {} : { reason: why }),
    rulesValid: reason(legal) === undefined,
    ...(error?.broken == null ? {} : { brokenAt: bytesBefore(text, error.broken) }),
    score: valid ? 1 : grade(report, why, compiles),
    findings: sortFindings(findings),
    counts: countsOf(text, report, ownNodes),
    shape: compiles && structure ? structure.shape : '',
    bigrams: valid && structure ? structure.bigrams : [],
    copy: copies?.has(text) ?? false,
  };
}

/** UTF-8 length of a text's first `codePoints` code points. */
function bytesBefore(text: string, codePoints: number): number {
  return Buffer.byteLength(Array.from(text).slice(0, codePoints).join(''));
}

/**
 * The graded score of an invalid text, below 1: 0.9 / (1 + the weight of its faults), so that each fault repaired raises it; times 0.8 when
 * it was cut off; at most 0.05 when there is nothing in it.
 */
function grade({ faults }: RulesReport, reason: InvalidReason, compiles: boolean): number {
  let weight = 0;
  for (const { kind } of faults) weight += RULE_WEIGHTS[kind];
  if (!compiles && weight === 0) weight = 1;
  const score = 0.9 / (1 + weight);
  return reason === 'empty' ? Math.min(0.05, score) : reason === 'truncated' ? score * 0.8 : score;
}
