/**
 * The safety filter: a text's secrets, dangerous calls, slurs, terms that slight people and personal data, as findings. It looks at the
 * text's surface: docs/evaluator.md says what it does not catch. Pure, deterministic, linear in the text whatever it holds, which the
 * counted steps show. Not here: what follows from a finding (src/metrics/safety.ts, the learner, the corpus reader).
 */
import { createHash } from 'node:crypto';
import type { Finding, SafetyCategory, SafetyCounts } from '../../contracts/records.ts';
import type { CheckRule, LiteralRule, SafetyOptions, SafetyRule, TokenRule } from '../../contracts/safety.ts';
import { T, tokenize, type Tokens } from '../rules/tokens.ts';
import { SourceText } from '../text.ts';
import { CallTable, readCode } from './calls.ts';
import { findPersonal } from './personal.ts';
import { CHARACTERS, SAFETY_RULES } from './rules.ts';
import { joined, wordsIn } from './words.ts';

export { SAFETY_RULES } from './rules.ts';

export interface SafetyReport {
  /** In order of place: the first MAX_FINDINGS, and behind them the first of every other rule. */
  readonly findings: readonly Finding[];
  /** By category, of all that was found; undefined when nothing was. */
  readonly counts: SafetyCounts | undefined;
  /** Characters and tokens looked at: what the time is proportional to. */
  readonly steps: number;
}

/** As many findings of one text are kept, and the first of every rule; all are counted. */
const MAX_FINDINGS = 100;
/** As long as the shortest address, 8.8.8.8: between most tokens there is less. */
const SHORTEST_DATUM = 7;
/** Words whose hashes are remembered: programs use the same few thousand over and over. */
const REMEMBERED = 20_000;

const GROUPS: ReadonlySet<string> = new Set(['women', 'men', 'girls', 'boys', 'jews', 'muslims', 'christians', 'hindus', 'gays', 'lesbians', 'immigrants', 'foreigners', 'refugees', 'africans', 'asians', 'arabs', 'mexicans', 'gypsies']);
const CLAIMS: ReadonlySet<string> = new Set(['are', 'cannot', 'can', 'never', 'always', 'should', 'belong', 'deserve']);

interface Hit {
  readonly rule: SafetyRule;
  readonly start: number;
  readonly end: number;
}

/** The filter with a selection of rules. @throws TypeError when `add` holds a rule that is none. */
export class SafetyFilter {
  readonly #heads = new Map<number, (TokenRule | LiteralRule)[]>();
  readonly #sets = new Map<string, Uint8Array>();
  readonly #calls: CallTable;
  readonly #words = new Map<string, SafetyRule>();
  readonly #pairs = new Map<string, SafetyRule>();
  readonly #hashes = new Map<string, SafetyRule>();
  readonly #checks = new Map<CheckRule['check'], CheckRule>();
  readonly #known = new Map<string, SafetyRule | null>();

  constructor({ disable = [], add = [] }: SafetyOptions = {}) {
    const off = new Set(disable);
    const rules = [...SAFETY_RULES, ...add].filter(({ id, category }) => !off.has(id) && !off.has(category));
    for (const rule of rules) {
      switch (rule.kind) {
        case 'token': case 'literal': this.#addHead(rule); break;
        case 'word': for (const word of rule.words) (word.includes(' ') ? this.#pairs : this.#words).set(word.toLowerCase(), rule); break;
        case 'hashed-word': for (const hash of rule.hashes) this.#hashes.set(hash.toLowerCase(), rule); break;
        case 'check': this.#checks.set(rule.check, rule); break;
        case 'call': break;
        default: throw new TypeError(`A safety rule of the kind '${String((rule as { kind?: unknown }).kind)}' is not known; src/evaluator/safety/rules.ts lists the kinds.`);
      }
    }
    this.#calls = new CallTable(rules.filter((rule) => rule.kind === 'call'));
  }

  #addHead(rule: TokenRule | LiteralRule): void {
    const text = rule.kind === 'token' ? rule.prefix : rule.text;
    if (text === '') throw new TypeError(`The safety rule ${rule.id} begins with nothing; give it a prefix of one character or more.`);
    if (rule.kind === 'token') {
      const characters = CHARACTERS[rule.characters];
      if (characters === undefined) throw new TypeError(`The safety rule ${rule.id} names the characters '${rule.characters}'; there are ${Object.keys(CHARACTERS).join(', ')}.`);
      const set = new Uint8Array(128);
      for (const character of characters) set[character.charCodeAt(0)] = 1;
      this.#sets.set(rule.characters, set);
    }
    const head = text.charCodeAt(0);
    this.#heads.set(head, [...(this.#heads.get(head) ?? []), rule]);
  }

  /** `tokens`: the text's, where they are known already. Never throws because of what the text holds. */
  scan(text: string, tokens: Tokens = tokenize(text), place = new SourceText(text)): SafetyReport {
    const hits: Hit[] = [];
    const steps = this.#literals(text, hits) + this.#code(text, tokens, hits) + this.#prose(text, tokens, hits) + this.#terms(text, hits);
    const kept = withoutDoubles(hits);
    if (kept.length === 0) return { findings: [], counts: undefined, steps };
    const counts: Partial<Record<SafetyCategory, number>> = {};
    for (const { rule } of kept) counts[rule.category] = (counts[rule.category] ?? 0) + 1;
    const seen = new Set<SafetyRule>();
    const shown = kept.filter(({ rule }, i) => {
      const first = !seen.has(rule);
      seen.add(rule);
      return first || i < MAX_FINDINGS;
    });
    return { findings: shown.map((hit) => findingOf(place, hit)), counts, steps };
  }

  /** Literals and tokens of known formats, anywhere. A stretch of one set's characters is measured once, whoever asks. */
  #literals(text: string, hits: Hit[]): number {
    const stretches = new Map<string, { from: number; end: number }>();
    let steps = 0;
    for (let at = 0; at < text.length; at++) {
      steps++;
      const rules = this.#heads.get(text.charCodeAt(at));
      if (!rules) continue;
      const begins = at === 0 || !isWordCode(text.charCodeAt(at - 1));
      for (const rule of rules) {
        steps++;
        if (rule.kind === 'literal') {
          if (text.startsWith(rule.text, at)) hits.push({ rule, start: at, end: at + rule.text.length });
          continue;
        }
        if (!begins || !text.startsWith(rule.prefix, at)) continue;
        const from = at + rule.prefix.length;
        const set = this.#sets.get(rule.characters)!;
        const known = stretches.get(rule.characters);
        let end = known && known.from <= from && from <= known.end ? known.end : from;
        if (end === from) {
          while (end < text.length && set[text.charCodeAt(end)]) end++;
          steps += end - from;
          stretches.set(rule.characters, { from, end });
        }
        if (end - from >= rule.least && end - from <= rule.most) hits.push({ rule, start: at, end });
      }
    }
    return steps;
  }

  #code(text: string, { tokens }: Tokens, hits: Hit[]): number {
    const found = (check: CheckRule['check'], start: number, end: number): void => {
      const rule = this.#checks.get(check);
      if (rule) hits.push({ rule, start, end });
    };
    return readCode(text, tokens, this.#calls, {
      call: (rule, start, end) => void hits.push({ rule, start, end }),
      secret: (start, end) => found('assigned-secret', start, end),
      attribute: (start, end) => found('attribute', start, end),
    });
  }

  /** Personal data: in all that is no name or operator, so in strings, comments, numbers and what could not be read. */
  #prose(text: string, { tokens }: Tokens, hits: Hit[]): number {
    const report = (check: CheckRule['check'], start: number, end: number): void => {
      const rule = this.#checks.get(check);
      if (rule) hits.push({ rule, start, end });
    };
    let steps = 0, from = 0;
    for (const { type, start, end } of tokens) {
      if (type !== T.Name && type !== T.Op) continue;
      if (start - from >= SHORTEST_DATUM) steps += findPersonal(text, from, start, report);
      from = Math.max(from, end);
    }
    return steps + findPersonal(text, from, text.length, report);
  }

  #terms(text: string, hits: Hit[]): number {
    const words = wordsIn(text);
    const claim = this.#checks.get('generalisation');
    words.forEach((word, i) => {
      const next = words[i + 1];
      const rule = this.#words.get(word.text) ?? this.#hashed(word.text);
      if (rule) hits.push({ rule, start: word.start, end: word.end });
      if (!next || !joined(text, word, next)) return;
      const pair = this.#pairs.get(`${word.text} ${next.text}`);
      if (pair) hits.push({ rule: pair, start: word.start, end: next.end });
      if (claim && GROUPS.has(word.text) && CLAIMS.has(next.text)) hits.push({ rule: claim, start: word.start, end: next.end });
    });
    return text.length + words.length;
  }

  #hashed(word: string): SafetyRule | null {
    if (this.#hashes.size === 0 || word.length < 3) return null;
    const known = this.#known.get(word);
    if (known !== undefined) return known;
    if (this.#known.size >= REMEMBERED) this.#known.clear();
    const hash = (text: string): string => createHash('sha256').update(text).digest('hex');
    const rule = this.#hashes.get(hash(word)) ?? (word.endsWith('s') ? this.#hashes.get(hash(word.slice(0, -1))) : undefined) ?? null;
    this.#known.set(word, rule);
    return rule;
  }
}

const isWordCode = (code: number): boolean => (code >= 48 && code <= 57) || (code >= 65 && code <= 90) || (code >= 97 && code <= 122) || code === 95;

/** In order of place; of several secrets that overlap, and of several findings of one rule, the first and most exact one counts. */
function withoutDoubles(hits: Hit[]): Hit[] {
  const exact = (hit: Hit): number => (hit.rule.id === 'secret.assigned' ? 1 : 0);
  const kept: Hit[] = [];
  const ends = new Map<string, number>();
  const group = ({ rule }: Hit): string => (rule.category === 'secret' ? 'secret' : rule.id);
  // Overlapping secrets: a token stands inside the string that is assigned, so exact ones are taken first.
  for (const hit of hits.filter((one) => exact(one) === 0).sort((a, b) => a.start - b.start || b.end - a.end)) {
    if (hit.start < (ends.get(group(hit)) ?? 0)) continue;
    ends.set(group(hit), hit.end);
    kept.push(hit);
  }
  const secrets = kept.filter(({ rule }) => rule.category === 'secret');
  let at = 0;
  for (const hit of hits) {
    if (exact(hit) === 0) continue;
    while (at < secrets.length && secrets[at]!.end <= hit.start) at++;
    if (!(at < secrets.length && secrets[at]!.start < hit.end)) kept.push(hit);
  }
  return kept.sort((a, b) => a.start - b.start || a.end - b.end);
}

function findingOf(place: SourceText, { rule, start, end }: Hit): Finding {
  return { source: 'safety', kind: `safety.${rule.id}`, message: rule.message, span: place.span(start, end), ...place.position(start) };
}
