/**
 * The blocks that a line of Python stands in, by their indentation: which statement opened each, which one went before in the same block, and where the next line may
 * begin. One more part of what the policy is told (lexical.ts). As there, it never fails, whatever the text holds, and says nothing of what is legal.
 */

/** Kinds of blocks by the statement that opened them; 0 is the text itself. */
const TEXT = 0, CLASS = 1, FUNCTION = 2, ASYNC_FUNCTION = 3, LOOP = 4, TRY = 6;
const KINDS = 9;
const KIND_OF: ReadonlyMap<string, number> = new Map([
  ['class', CLASS], ['def', FUNCTION], ['async def', ASYNC_FUNCTION], ['for', LOOP], ['while', LOOP], ['async for', LOOP], ['if', 5], ['elif', 5], ['try', TRY], ['except', 7],
  ...['else', 'finally', 'with', 'async with', 'match', 'case'].map((word) => [word, 8] as const),
]);
/** Of the statement before in the same block, what it lets follow or asks to: `except` or `finally`; those and `else`; `elif` or `else`; `else`; a definition. */
const NOTHING = 0;
const FOLLOWERS = 6;
const FOLLOWED: ReadonlyMap<string, number> = new Map([['try', 1], ['except', 2], ['if', 3], ['elif', 3], ['for', 4], ['while', 4], ['async for', 4]]);
const DECORATED = 5;

/** Where a line that has not begun stands: at the innermost block, at an outer one, deeper, or at none; 0 once it has begun. */
const EQUAL = 1, OUTER = 2, DEEPER = 3, BETWEEN = 4;
const PLACES = 1 + 2 * 4;
/** What is around a block: a function, class or the text; `try`; something else. */
const AROUND = 3;
const SCOPES = 4;

/** How many ids there are for `place` and `scope`. */
export const BLOCKS_TOLD = { blocks: KINDS * AROUND * PLACES, scopes: FOLLOWERS * SCOPES * 8 } as const;

interface Block {
  readonly column: number;
  readonly kind: number;
  /** What the statement before in it lets follow. */
  before: number;
}

export class BlockState {
  #blocks: Block[] = [{ column: 0, kind: TEXT, before: NOTHING }];
  /** Kind of the block that the line before opened; null: none. */
  #opening: number | null = null;
  /** Some statement does more than define, document or pass. */
  #substance = false;

  /** Whether the line before opened a block. */
  get opened(): boolean {
    return this.#opening !== null;
  }

  copy(): BlockState {
    const copy = new BlockState();
    copy.#blocks = this.#blocks.map((block) => ({ ...block }));
    copy.#opening = this.#opening;
    copy.#substance = this.#substance;
    return copy;
  }

  /** A line of code begins at `column`. */
  begin(column: number): void {
    if (this.#opening !== null && column > this.#blocks.at(-1)!.column) this.#blocks.push({ column, kind: this.#opening, before: NOTHING });
    else while (this.#blocks.length > 1 && this.#blocks.at(-1)!.column > column) this.#blocks.pop();
    this.#opening = null;
  }

  /** It ends. `head`: its first word, two after `async`, or the first sign; `colon`: 0 none, 1 one that more followed, 2 one at its end; `last`: its last word. */
  end(head: string, colon: number, last: string): void {
    const block = this.#blocks.at(-1)!;
    block.before = head === '@' ? DECORATED : colon > 0 ? (FOLLOWED.get(head) ?? NOTHING) : NOTHING;
    this.#opening = colon === 2 ? (KIND_OF.get(head) ?? null) : null;
    const empty = KIND_OF.has(head) ? colon === 2 || last === 'pass' : ['pass', '@', '"', "'", '.'].includes(head);
    if (!empty) this.#substance = true;
  }

  /** Ids of the innermost blocks and of the place of a line (up to BLOCKS_TOLD.blocks), and of what is around them all (up to BLOCKS_TOLD.scopes). `column`: of a line that has not begun, else null. */
  tell(column: number | null): { readonly blocks: number; readonly scopes: number } {
    const top = this.#blocks.length - 1;
    const { at, place } = column === null ? { at: top, place: 0 } : this.#placeOf(column);
    const inside = place === DEEPER && this.#opening !== null;
    const kindAt = (index: number): number => (index > at ? this.#opening! : this.#blocks[index]!.kind);
    const innermost = inside ? at + 1 : at;
    const outer = innermost > 0 ? kindAt(innermost - 1) : TEXT;
    const around = outer === TRY ? 1 : outer <= ASYNC_FUNCTION ? 0 : 2;
    const placed = place === 0 ? 0 : 1 + 2 * (place - 1) + (this.#opening === null ? 0 : 1);
    let scope = TEXT, loop = 0, tried = 0;
    for (let index = 0; index <= innermost; index++) {
      const kind = kindAt(index);
      if (kind === CLASS || kind === FUNCTION || kind === ASYNC_FUNCTION) [scope, loop] = [kind, 0];
      else if (kind === LOOP) loop = 1;
      if (kind === TRY && index < innermost - 1) tried = 1;
    }
    const before = inside ? NOTHING : this.#blocks[at]!.before;
    return {
      blocks: (kindAt(innermost) * AROUND + around) * PLACES + placed,
      scopes: (((before * SCOPES + scope) * 2 + loop) * 2 + tried) * 2 + (this.#substance ? 1 : 0),
    };
  }

  /** A line whose indentation ends at `column` so far: a token often holds all blanks but one, and the next begins with it. */
  #placeOf(column: number): { readonly at: number; readonly place: number } {
    const top = this.#blocks.length - 1;
    const fits = (index: number): boolean => this.#blocks[index]!.column === column || this.#blocks[index]!.column === column + 1;
    if (fits(top)) return { at: top, place: EQUAL };
    if (column > this.#blocks[top]!.column) return { at: top, place: DEEPER };
    let at = top;
    while (at > 0 && !fits(at) && this.#blocks[at]!.column > column) at--;
    return { at, place: fits(at) ? OUTER : BETWEEN };
  }
}
