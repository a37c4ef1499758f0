/**
 * A program that drives a run: two small rounds, a line for each thing that is worth one, then a few completions of the result.
 *
 *     npm run build && node examples/drive-a-run.mjs
 */
import { createRun, generate } from 'ouroboros';

const run = createRun({
  budget: { rounds: 2 },
  model: { layers: 2, heads: 2, kvHeads: 2, width: 64, hidden: 160, context: 128, batch: 8 },
  pretraining: { steps: 300 },
  sampling: { unconditional: 96, prompted: 32, maxTokens: 120 },
  measuring: { unconditional: 128, prompted: 64, gate: 96, documents: 64 },
});

const finished = run.start();
for await (const event of run) {
  if (event.type === 'pretraining.progress') console.log(`pretraining ${event.data.step}/${event.data.totalSteps}, loss ${event.data.loss.toFixed(2)}`);
  if (event.type === 'checkpoint.rejected') console.log(`round ${event.data.round} was rejected: ${event.data.reasons.join(' ')}`);
  if (event.type === 'round.finished') console.log(`round ${event.data.round}: ${(100 * event.data.test.unconditional.value).toFixed(1)} % valid`);
}
const { folder } = await finished;
await run.close();

for (const { text } of await generate({ run: folder, prompt: 'def area(radius):', n: 3, temperature: 0.7, seed: 1 })) console.log(`\ndef area(radius):${text}`);
