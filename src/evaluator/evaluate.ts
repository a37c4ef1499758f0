/**
 * Text in, plain record out: the evaluation of prompt + completion (docs/measures.md). CPython gives the verdict; the strict
 * rules and tree-sitter grade, locate and describe. Deterministic, no model is asked, nothing is executed. Not here: processes.
 */
import type { Ending, EvaluationRequest, SourceRequest } from '../contracts/evaluator.ts';
import type { Counts, Evaluation, Finding, InvalidReason } from '../contracts/records.ts';
import { aspectsOf, type AspectOptions } from './aspects.ts';
import { decodeSource, type EncodingFault } from './bytes.ts';
import { bigramPlaces, countsOf, isHollow, nodesFrom, structureOf } from './counts.ts';
import type { CompileError, CPython } from './cpython.ts';
import { cpythonFinding, findingAt, parseFindings, ruleFinding, sortFindings, withStatement } from './findings.ts';
import { grade } from './grade.ts';
import { extentOf, isTooLarge, PARTLY, type Extent } from './limits.ts';
import type { CopyIndex } from './novelty/copies.ts';
import { MAX_BYTES, parseTree } from './parser.ts';
import { checkRules, type RulesReport } from './rules/index.ts';
import { SourceText } from './text.ts';

export interface EvaluateOptions extends AspectOptions {
  /** Absent: the rules' verdict stands for CPython's. */
  readonly cpython?: CPython;
  /** Absent: nothing is a copy. */
  readonly copies?: CopyIndex;
}

/** Only texts up to this length have trees whatever they hold: tree-sitter takes more than linear time to recover from faults, and its printer recurses. */
const RECOVERABLE = 5000;
/** Fewer syntax nodes than this after the prompt are no work. */
const LEAST_NODES = 3;
/** With so many tokens there are more nodes than that. */
const FEW_TOKENS = 16;

const NO_COUNTS: Counts = { bytes: 0, lines: 0, codeTokens: 0, ownNodes: 0, repeatedLines: 0, similarLines: 0, docstring: false, maxNesting: 0, longestLine: 0 };

/** One evaluation a request, in order. Throws CPythonDied when the interpreter was lost; never because of a text otherwise. */
export function evaluateTexts(sources: readonly SourceRequest[], options: EvaluateOptions = {}): Evaluation[] {
  if (sources.every(isText)) return evaluateAll(sources, options);
  const answers: (Evaluation | null)[] = [];
  const texts: EvaluationRequest[] = [];
  for (const source of sources) {
    const { id, text } = source;
    const decoded = typeof text === 'string' ? text : text.length > MAX_BYTES ? null : decodeSource(text);
    if (typeof decoded === 'string') texts.push({ ...source, text: decoded });
    answers.push(typeof decoded === 'string' ? null : decoded === null ? tooLarge(id, text.length, sizeMessage(text.length)) : undecodable(id, text.length, decoded));
  }
  const evaluations = evaluateAll(texts, options);
  let next = 0;
  return answers.map((answer) => answer ?? evaluations[next++]!);
}

/** Whether each text is valid, as `evaluateTexts` has it, and nothing else: several times as fast. In order. Throws CPythonDied. */
export function verdictsOf(requests: readonly Ending[], cpython: CPython): boolean[] {
  const verdicts = requests.map(() => false);
  const asked: number[] = [];
  requests.forEach(({ text, promptLength }, index) => {
    if (isTooLarge(text)) return;
    const report = checkRules(text);
    const extent = extentOf(text, report);
    if (isHollow(report.statements)) return;
    if (promptLength > 0 || report.tokens.tokens.length < FEW_TOKENS) {
      const tree = extent === 'whole' && report.faults.length === 0 ? parseTree(text) : null;
      if (ownNodesOf(report, tree, tree && promptLength === 0 ? structureOf(tree) : null, promptLength) < LEAST_NODES) return;
    }
    if (mayAsk(report, extent)) asked.push(index);
    else verdicts[index] = report.faults.length === 0;
  });
  cpython.compileAll(asked.map((index) => requests[index]!.text)).forEach((error, i) => (verdicts[asked[i]!] = error === null));
  return verdicts;
}

/** Syntax nodes after the prompt, or tokens where there is no tree. */
function ownNodesOf(report: RulesReport, tree: ReturnType<typeof parseTree> | null, structure: ReturnType<typeof structureOf> | null, promptLength: number): number {
  return structure && promptLength === 0 ? structure.nodes : tree ? nodesFrom(tree, promptLength) : report.tokens.tokens.filter(({ start }) => start >= promptLength).length;
}

/** What is nested too deeply would take the interpreter down with it. */
function mayAsk({ faults }: RulesReport, extent: Extent): boolean {
  return extent === 'whole' && !faults.some(({ kind }) => kind === 'syntax.deep');
}

function isText(source: { readonly text: unknown }): source is EvaluationRequest {
  return typeof source.text === 'string';
}

function evaluateAll(requests: readonly EvaluationRequest[], options: EvaluateOptions): Evaluation[] {
  const { cpython } = options;
  const prepared = requests.map(({ text }) => {
    if (isTooLarge(text)) return null;
    const place = new SourceText(text);
    const report = checkRules(text, place);
    return { place, report, extent: extentOf(text, report) };
  });
  const verdicts: (CompileError | null)[] = prepared.map(() => null);
  if (cpython) {
    const asked = prepared.flatMap((item, index) => (item && mayAsk(item.report, item.extent) ? [index] : []));
    cpython
      .compileAll(asked.map((index) => requests[index]!.text), asked.map((index) => requests[index]!.locate ?? false))
      .forEach((verdict, i) => (verdicts[asked[i]!] = verdict));
  }
  return requests.map((request, index) => {
    const item = prepared[index];
    if (!item) return tooLarge(request.id, Buffer.byteLength(request.text), sizeMessage(Buffer.byteLength(request.text)));
    if (item.extent === 'unread') return tooLarge(request.id, Buffer.byteLength(request.text), item.report.faults.find(({ kind }) => kind === 'text.tokens')!.message);
    return evaluateOne(request, item.place, item.report, item.extent, cpython && item.extent === 'whole' ? verdicts[index]! : undefined, options);
  });
}

function sizeMessage(bytes: number): string {
  return `the text has ${bytes} bytes; at most ${MAX_BYTES} are read`;
}

function tooLarge(id: string, bytes: number, message: string): Evaluation {
  const finding: Finding = { source: 'rule', kind: 'too-large', message, span: { start: 0, end: 0 }, line: 1, column: 0 };
  return unread(id, bytes, 'too-large', finding);
}

function undecodable(id: string, bytes: number, { message, position, line, column }: EncodingFault): Evaluation {
  return unread(id, bytes, 'syntax', { source: 'cpython', kind: 'cpython.encoding', message, span: { start: position, end: position + 1 }, line, column });
}

/** The evaluation of a text that was not looked at, for the reason that its one finding gives. */
export function unread(id: string, bytes: number, reason: InvalidReason, finding: Finding): Evaluation {
  return { id, valid: false, reason, rulesValid: false, score: 0, findings: [finding], counts: { ...NO_COUNTS, bytes }, shape: '', bigrams: [], copy: false };
}

/** `error`: CPython's answer; undefined when it was not asked for. */
function evaluateOne(request: EvaluationRequest, place: SourceText, report: RulesReport, extent: Extent, error: CompileError | null | undefined, options: EvaluateOptions): Evaluation {
  const { id, text, promptLength, finish } = request;
  const deep = report.faults.some(({ kind }) => kind === 'syntax.deep');
  const legal = report.faults.length === 0;
  const tree = extent === 'whole' && (legal || text.length <= RECOVERABLE) ? parseTree(text) : null;
  const structure = tree ? structureOf(tree) : null;
  const ownNodes = ownNodesOf(report, tree, structure, promptLength);
  const compiles = error === undefined || deep ? legal : error === null;
  const empty = isHollow(report.statements) || ownNodes < LEAST_NODES;
  const reason = (syntax: boolean): InvalidReason | undefined => (finish === 'length' ? 'truncated' : empty ? 'empty' : syntax ? undefined : 'syntax');
  const why = reason(compiles);
  const valid = why === undefined;

  const findings: Finding[] = report.faults.map((fault) => ruleFinding(place, fault));
  if (error) findings.push(cpythonFinding(place, error, report.faults));
  if (!legal && tree?.rootNode.hasError) findings.push(...parseFindings(place, tree));
  if (extent === 'rules') findings.push(findingAt(place, 'rule', 'partial', PARTLY, text.length, text.length));
  if (why === 'truncated') findings.push(findingAt(place, 'rule', 'truncated', 'no end of text within the limit', text.length, text.length));
  if (why === 'empty') findings.push(findingAt(place, 'rule', 'empty', 'nothing but a docstring, comments, pass or ...', promptLength, text.length));

  const counts = countsOf(text, report, ownNodes);
  const copy = options.copies?.has(text) ?? false;
  const aspects = aspectsOf(request, place, report, counts, options);
  findings.push(...aspects.findings);
  return {
    id,
    valid,
    ...(why === undefined ? {} : { reason: why }),
    rulesValid: reason(legal) === undefined,
    ...(error?.broken == null ? {} : { brokenAt: place.bytes(place.codePoints(error.broken)) }),
    score: valid ? 1 : grade(report.faults.length, why, compiles),
    findings: sortFindings(findings.map((finding) => withStatement(finding, place, report.statements))),
    counts,
    shape: compiles && structure ? structure.shape : '',
    bigrams: valid && structure ? structure.bigrams : [],
    ...(request.places && valid && tree && !tree.rootNode.hasError ? { bigramsAt: bigramPlaces(tree).map((offset) => place.bytes(offset)) } : {}),
    copy,
    ...(!copy && valid && options.copies?.hasRenamed(report.tokens) ? { renamed: true } : {}),
    ...aspects.fields,
  };
}
