/**
 * An evaluator of your own: the project's, with one more demand, that no line is longer than 60 characters.
 *
 *     npx ouroboros run --preset smoke --evaluator examples/short-lines.mjs
 *
 * The default export makes an Evaluator (src/contracts/evaluator.ts): one evaluation a request, in order.
 */
import { openEvaluator } from 'ouroboros';

const LONGEST = 60;

export default function shortLines() {
  const own = openEvaluator();
  return {
    async evaluateMany(requests, signal) {
      const evaluations = await own.evaluateMany(requests, signal);
      return evaluations.map((evaluation) => {
        if (!evaluation.valid || evaluation.counts.longestLine <= LONGEST) return evaluation;
        const { bigrams: _unused, ...rest } = evaluation;
        const finding = { source: 'lint', kind: 'line.long', message: `a line is longer than ${LONGEST} characters`, span: { start: 0, end: 0 }, line: 1, column: 0 };
        return { ...rest, bigrams: [], valid: false, reason: 'syntax', score: 0.8, findings: [finding] };
      });
    },
    close: () => own.close(),
  };
}
