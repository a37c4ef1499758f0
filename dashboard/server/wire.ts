/**
 * What of the log goes over the wire. Token ids and log-probabilities make up most of a log's bytes and the page shows none of
 * them; records of single samples far behind the end would be dropped by the page anyway.
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
    kept.push({ seq, key, type, data: type === 'sample.created' ? withoutTokens(data) : data, hashed, time });
  }
  return kept;
}

function withoutTokens(sample: unknown): unknown {
  const { tokens: _tokens, logProbs: _logProbs, ...rest } = sample as Record<string, unknown>;
  return rest;
}
