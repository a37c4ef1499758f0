/**
 * What of the log goes over the wire. Token ids, log-probabilities, traces of odds and answers to prompts make up most of a log's bytes, and the
 * page asks for them where someone looks at them; records of single samples far behind the end would be dropped by the page anyway.
 */
import type { WireEvent } from '../protocol.ts';

/** Most records in one message. */
export const BATCH = 500;

/** A page keeps about 3,000 samples of four records each; further back, records of single samples are left out. */
export const SAMPLE_WINDOW = 20_000;

const PER_SAMPLE: ReadonlySet<string> = new Set(['sample.created', 'evaluation.recorded', 'critique.recorded', 'reward.recorded']);

/** The records of one message, when the log ends at `lastSeq`. */
export function forWire(events: readonly WireEvent[], lastSeq: number): WireEvent[] {
  const kept: WireEvent[] = [];
  for (const { seq, key, type, data, hashed, time } of events) {
    if (PER_SAMPLE.has(type) && seq < lastSeq - SAMPLE_WINDOW) continue;
    kept.push({ seq, key, type, data: LEFT_OUT[type]?.(data as Record<string, unknown>) ?? data, hashed, time });
  }
  return kept;
}

/** By type: its data without what is only for those who ask for the whole record. */
const LEFT_OUT: Readonly<Record<string, (data: Record<string, unknown>) => unknown>> = {
  'sample.created': ({ tokens: _tokens, logProbs: _logProbs, ...rest }) => rest,
  // The prompts are the same in every round: round 0 brings them.
  'prompts.measured': ({ round, results }) => ({
    round, results: (results as Record<string, unknown>[]).map(({ completion: _completion, prompt, ...rest }) => (round === 0 ? { ...rest, prompt } : rest)),
  }),
  'critique.recorded': ({ trace: _trace, ...rest }) => rest,
};
