/** The metrics' door. */
export { auc, differenceInterval, mean, median, pairedInterval, proportionOf, wilson, type Interval } from './statistics.ts';
export { seedInterval, seedMean, student95, type SeedPair } from './seeds.ts';
export { jensenShannon, structureDivergence } from './divergence.ts';
export { BleuReferences, type Tokens } from './bleu.ts';
export { bleuTokens, distinctShapes, DIVERSITY_SAMPLES, repeatedLines, sampledEntropy, selfBleu } from './diversity.ts';
export { guards, measurement, validity, type HeldOut, type MeasurementInput } from './measurement.ts';
export { checksOf, isBroken, type Bound } from './bounds.ts';
export { alarmBounds, alarmsOf, ALARM_LIMITS, emptyBound, leastCode, paddingBound, renamedBound, similarBound, type Alarm, type AlarmLimits } from './alarms.ts';
export { histogramOf } from './histogram.ts';
export { noveltySummary, type NoveltySummary } from './novelty.ts';
export { safetyTotals, vetoed, type SafetyPolicy } from './safety.ts';
