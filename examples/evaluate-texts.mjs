/**
 * The evaluator by itself: verdict, readability, safety and novelty of a few texts, without a run.
 *
 *     node examples/evaluate-texts.mjs
 */
import { evaluateMany, indexCorpus } from 'ouroboros';

const corpus = indexCorpus([{ name: 'shapes.py', text: 'def area(radius):\n    return 3.14159 * radius * radius\n' }]);

const texts = [
  'def area(radius):\n    return 3.14159 * radius * radius\n',
  'def f(a,b=[]):\n  import os; os.system(a)\n  return b\n',
  'def broken(a:\n    return a\n',
];

for (const { valid, score, findings, quality, safety, novelty } of await evaluateMany(texts, { corpus })) {
  console.log({ valid, score, readability: quality.readability, safety, sharedTokens: novelty.longestRun });
  for (const { line, column, kind, message } of findings) console.log(`  ${line}:${column + 1} ${kind} ${message}`);
}
