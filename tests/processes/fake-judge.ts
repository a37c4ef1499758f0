/**
 * A judge that does what the text says: the stand-in for a real one in judges.test.ts. `HANG`, `DIE`, `THROW`; `WORN` asks to be
 * replaced; `PID` answers with the process's id as the shape; `DIE-ONCE path` dies unless the file at path exists, and makes it first.
 */
import { existsSync, writeFileSync } from 'node:fs';
import type { SourceRequest } from '../../src/contracts/evaluator.ts';
import type { Evaluation } from '../../src/contracts/records.ts';
import type { JudgeService } from '../../src/processes/judge-entry.ts';
import { serve } from '../../src/processes/rpc.ts';

let documents: readonly string[] = [];

/** Does what the text says, where that is to fail. */
function obey(text: string): void {
  if (text.startsWith('HANG')) for (;;);
  if (text.startsWith('DIE-ONCE ')) {
    const path = text.slice(9);
    if (!existsSync(path)) {
      writeFileSync(path, '');
      process.exit(3);
    }
  } else if (text.startsWith('DIE')) process.exit(3);
  if (text.startsWith('THROW')) throw new Error('thrown on purpose');
}

function answer({ id, text: source }: SourceRequest): Evaluation {
  const text = typeof source === 'string' ? source : Buffer.from(source).toString('latin1');
  obey(text);
  return {
    id, valid: true, rulesValid: true, score: 1, findings: [], shape: text === 'PID' ? String(process.pid) : text, bigrams: [], copy: documents.includes(text),
    counts: { bytes: text.length, lines: 1, codeTokens: 1, ownNodes: 3, repeatedLines: 0, similarLines: 0, docstring: false, maxNesting: 0, longestLine: text.length },
  };
}

serve<JudgeService>((emit) => ({
  initialise: async (input) => {
    if (input.documents.includes('UNABLE')) throw new Error('cannot start');
    documents = input.documents.map((document) => (typeof document === 'string' ? document : document.text));
    return { python: 'none' };
  },
  evaluate: async (requests) => {
    if (requests.some(({ text }) => text === 'WORN')) emit('worn');
    return requests.map(answer);
  },
  verdicts: async (endings) => endings.map((ending) => answer({ id: '', ...ending, finish: 'stop' }).valid),
  beginnings: async (texts) => {
    texts.forEach(obey);
    return texts.map((text) => (text === 'NO' ? 'broken' : 'sound'));
  },
  scan: async (texts) => {
    texts.forEach(obey);
    return texts.map((text) => ({ findings: [], ...(text.includes('SECRET') ? { safety: { secret: 1 } } : {}) }));
  },
  documents: async (source) => {
    obey(source);
    return [{ text: source, span: { start: 0, end: source.length } }];
  },
  excerpts: async ({ documents: texts, length }) => {
    texts.forEach(obey);
    return texts.map((text) => text.slice(0, length));
  },
}));
