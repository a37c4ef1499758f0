/** A record of the log in a few words: its short fields, the long ones left out. Pure. */
import type { WireEvent } from '../../protocol.ts';

const LONGEST = 60;

/** `round 3 · checkpoint r003`: scalars as they are, proportions as percentages, texts and lists only by their size. */
export function summarise({ data }: Pick<WireEvent, 'data'>): string {
  if (typeof data !== 'object' || data === null) return '';
  return Object.entries(data)
    .flatMap(([name, value]) => {
      const text = words(value);
      return text === null ? [] : [`${name} ${text}`];
    })
    .join(' · ')
    .replace(/\s+/g, ' ');
}

function words(value: unknown): string | null {
  switch (typeof value) {
    case 'number':
      return Number.isInteger(value) ? String(value) : value.toPrecision(4);
    case 'boolean':
      return value ? 'yes' : 'no';
    case 'string': {
      const line = value.trim();
      return line.length > LONGEST ? `${line.slice(0, LONGEST)}…` : line || '(empty)';
    }
    case 'object': {
      if (value === null) return null;
      if (Array.isArray(value)) return value.length === 0 ? 'none' : value.every((item) => typeof item === 'string') ? value.join(', ').slice(0, LONGEST) : `${value.length} items`;
      const share = (value as { value?: unknown; n?: unknown }).value;
      return typeof share === 'number' && 'n' in value ? `${(share * 100).toFixed(1)} %` : null;
    }
    default:
      return null;
  }
}
