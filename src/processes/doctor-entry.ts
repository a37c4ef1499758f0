/** Entry point of the doctor's process: native libraries are tried here, so that one that crashes takes nothing with it. */
import { availableParallelism } from 'node:os';
import { probeBackend, probeBackends, type BackendStatus } from '../engine/backends.ts';
import { compile, type BackendName } from '../engine/compile.ts';
import { biasCorrections } from '../models/optimizer.ts';
import { policyLayout, trainStep } from '../models/policy.ts';
import { serve } from './rpc.ts';

export interface DoctorService {
  probe(input: null): Promise<BackendStatus[]>;
  probeOne(input: { readonly backend: BackendName }): Promise<BackendStatus>;
  /** Trained tokens a second of one small setting (2 layers, d=64, T=64, B=8), after one step of warm-up. */
  measure(input: { readonly backend: string }): Promise<number>;
}

const SHAPE = { layers: 2, heads: 4, kvHeads: 4, width: 64, hidden: 172, context: 64, batch: 8, lexicalState: false, vocabulary: 512 };
/** Steps are counted until so many milliseconds have passed. */
const ENOUGH_MS = 1500;

serve<DoctorService>(() => ({
  probe: () => probeBackends(availableParallelism()),
  probeOne: ({ backend }) => probeBackend(backend, availableParallelism()),
  async measure({ backend }) {
    const { step, spec } = trainStep(SHAPE);
    const program = await compile({ backend: backend as BackendName, threads: availableParallelism() }, step, spec);
    const weights = policyLayout(SHAPE).initialise(1);
    const zeros = (): Float32Array => new Float32Array(weights.length);
    const bound = program.bind({ weights, first: zeros(), second: zeros(), average: weights.slice() });
    const tokens = SHAPE.batch * SHAPE.context;
    const inputs = bound.inputs as Record<string, Float32Array>;
    inputs['likelihood']!.fill(1 / tokens);
    for (const [name, value] of Object.entries({ learningRate: 1e-3, ...biasCorrections(0) })) inputs[name]![0] = value;
    await bound.run();
    const begun = performance.now();
    let steps = 0;
    while (performance.now() - begun < ENOUGH_MS) {
      await bound.run();
      steps++;
    }
    const perSecond = (steps * tokens * 1000) / (performance.now() - begun);
    bound.release();
    program.release();
    return perSecond;
  },
}));
