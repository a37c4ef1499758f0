/**
 * Everything a model is written in: tfjs's own ops, which are traced kernel by kernel, and the few that have fused forms of their
 * own. Models import tensors from here and from nowhere else.
 */
export {
  add, clone, concat1d, concat2d, cumsum, div, equal, exp, gather, keep, less, lessEqual, log, matMul, max, maximum, mean, minimum, mul, neg, ones, relu,
  sigmoid, softmax, softplus, split, sqrt, square, sub, sum, tanh, tensor1d, tensor4d, valueAndGrads, zeros,
} from '@tensorflow/tfjs';
export type { Scalar, Tensor, Tensor1D, Tensor2D, Tensor4D } from '@tensorflow/tfjs';
export { swiGlu } from './activation.ts';
export { attention, cachedAttention } from './attention.ts';
export { embedding } from './embedding.ts';
export { perturbedLogits, scaledGradient, straightThrough } from './gumbel.ts';
export { entropy, klDivergence, projectedCrossEntropy, softmaxCrossEntropy } from './loss.ts';
export { rmsNorm } from './normalization.ts';
export { rotary } from './rotary.ts';
