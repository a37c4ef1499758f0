/**
 * The losses of a generator G and a discriminator D that train against each other, as functions of D's logits s = log D / (1 - D), in nats
 * and to be minimised, each by its own player:
 *
 *     L_D = -E[log D(x)] - E[log(1 - D(G(z)))] = E[softplus(-s(x))] + E[softplus(s(G(z)))]
 *     L_G =  E[log(1 - D(G(z)))]               = -E[softplus(s(G(z)))]     minimax: the value that D maximises and G minimises
 *     L_G = -E[log D(G(z))]                    =  E[softplus(-s(G(z)))]    non-saturating
 *
 * Two slips are common in print. The sign: `log D(G(z))` as a loss to be minimised drives D(G(z)) to 0, and L_D without its minus sign makes D
 * call real what is generated; both train the wrong way. The flat gradient: by s the minimax form has the slope -D, the non-saturating one
 * -(1 - D); the first is 0 exactly where D is sure that a sample is generated, which is where every generator begins. Both point the same way
 * for each sample, and their fixed points are the same.
 *
 * Source: Goodfellow et al., "Generative Adversarial Nets" (2014), eq. 1 and section 3.
 */
import type { LatentConfig } from '../contracts/model.ts';
import * as tf from '../engine/ops/index.ts';

export type Objective = LatentConfig['objective'];

/** L_D of logits of real and of generated samples, (B) each. */
export function discriminatorLoss(real: tf.Tensor, generated: tf.Tensor): tf.Scalar {
  return tf.add(tf.mean(tf.softplus(tf.neg(real))), tf.mean(tf.softplus(generated))) as tf.Scalar;
}

/** L_G of logits of generated samples, (B). */
export function generatorLoss(objective: Objective, generated: tf.Tensor): tf.Scalar {
  return (objective === 'minimax' ? tf.neg(tf.mean(tf.softplus(generated))) : tf.mean(tf.softplus(tf.neg(generated)))) as tf.Scalar;
}
