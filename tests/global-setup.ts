/**
 * Once, before all tests: sets up the tensorflow backend where a Python with TensorFlow is at hand (OUROBOROS_PYTHON, else the path's),
 * so that the tests of it run there. Where it cannot be set up those tests are skipped, and say why.
 */
import { existsSync } from 'node:fs';
import { tensorFlowPackage } from '../src/engine/tfjs-backends.ts';
import { SetupError, setupTensorFlow } from '../src/processes/setup-tensorflow.ts';

export default async function setup(): Promise<void> {
  if (existsSync(tensorFlowPackage().addon)) return;
  try {
    await setupTensorFlow();
  } catch (error) {
    if (!(error instanceof SetupError)) throw error;
    console.log(`The tensorflow backend is not tested: ${error.message}`);
  }
}
