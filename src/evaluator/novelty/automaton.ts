/**
 * A suffix automaton over a sequence of integers: the smallest machine that accepts exactly the sequence's substrings. It answers, for
 * every place of another sequence, how long a run ending there occurs in the first one, in time linear in the other one. Not here:
 * what the integers stand for.
 *
 * Blumer, Blumer, Haussler, Ehrenfeucht, Chen and Seiferas, "The smallest automaton recognizing the subwords of a text", Theoretical
 * Computer Science 40, 1985: at most 2n states and 3n transitions, built in O(n). Nearly all states have one transition, so the
 * transitions of all states are in one hash table, and each state's are chained for the copying that a split needs.
 */

const NONE = -1;

/** An automaton as plain data: a column a state, then a column a transition. */
export interface AutomatonTables {
  readonly length: Int32Array;
  readonly link: Int32Array;
  readonly end: Int32Array;
  readonly source: Int32Array;
  readonly symbol: Int32Array;
  readonly target: Int32Array;
}

export class SuffixAutomaton {
  #length: Int32Array;
  #link: Int32Array;
  /** Where the first occurrence of a state's strings ends (index of its last symbol). */
  #end: Int32Array;
  /** First transition of a state; `#next` chains them. Empty in an automaton that was restored: only building copies states. */
  readonly #first: Int32Array;
  #next: Int32Array;
  #symbol: Int32Array;
  #source: Int32Array;
  #target: Int32Array;
  /** Open addressing from (state, symbol) to a transition. */
  #slots: Int32Array;
  #states = 1;
  #edges = 0;

  /** Time and memory linear in `sequence`: about 60 bytes a symbol. */
  constructor(sequence: Int32Array) {
    const states = Math.max(2, 2 * sequence.length);
    this.#length = new Int32Array(states);
    this.#link = new Int32Array(states);
    this.#end = new Int32Array(states);
    this.#first = new Int32Array(states).fill(NONE);
    const edges = 1024;
    this.#next = new Int32Array(edges);
    this.#symbol = new Int32Array(edges);
    this.#source = new Int32Array(edges);
    this.#target = new Int32Array(edges);
    this.#slots = new Int32Array(4 * edges).fill(NONE);
    this.#link[0] = NONE;
    let last = 0;
    sequence.forEach((symbol, at) => (last = this.#extend(last, symbol, at)));
  }

  /** The automaton that `tables()` gave, in a fifth of the time. */
  static restore({ length, link, end, source, symbol, target }: AutomatonTables): SuffixAutomaton {
    const automaton = new SuffixAutomaton(new Int32Array());
    [automaton.#length, automaton.#link, automaton.#end, automaton.#states] = [length, link, end, length.length];
    [automaton.#source, automaton.#symbol, automaton.#target, automaton.#edges] = [source, symbol, target, source.length];
    automaton.#hash(source.length);
    return automaton;
  }

  get states(): number {
    return this.#states;
  }

  tables(): AutomatonTables {
    const states = (array: Int32Array): Int32Array => array.slice(0, this.#states), edges = (array: Int32Array): Int32Array => array.slice(0, this.#edges);
    return { length: states(this.#length), link: states(this.#link), end: states(this.#end), source: edges(this.#source), symbol: edges(this.#symbol), target: edges(this.#target) };
  }

  /**
   * Calls `visit(at, run, end)` for every place of `query`: the longest run that ends at `at` and occurs in the sequence has `run`
   * symbols, and one occurrence of it ends at `end`.
   */
  scan(query: ArrayLike<number>, visit: (at: number, run: number, end: number) => void): void {
    let state = 0, run = 0;
    for (let at = 0; at < query.length; at++) {
      const symbol = query[at]!;
      let edge = this.#find(state, symbol);
      while (edge === NONE && state !== 0) {
        state = this.#link[state]!;
        run = this.#length[state]!;
        edge = this.#find(state, symbol);
      }
      if (edge === NONE) run = 0;
      else {
        state = this.#target[edge]!;
        run++;
      }
      visit(at, run, this.#end[state]!);
    }
  }

  #extend(last: number, symbol: number, at: number): number {
    const current = this.#states++;
    this.#length[current] = this.#length[last]! + 1;
    this.#end[current] = at;
    let state = last, edge = NONE;
    for (; state !== NONE && (edge = this.#find(state, symbol)) === NONE; state = this.#link[state]!) this.#add(state, symbol, current);
    if (state === NONE) {
      this.#link[current] = 0;
      return current;
    }
    const target = this.#target[edge]!;
    if (this.#length[target] === this.#length[state]! + 1) {
      this.#link[current] = target;
      return current;
    }
    const clone = this.#states++;
    this.#length[clone] = this.#length[state]! + 1;
    this.#link[clone] = this.#link[target]!;
    this.#end[clone] = this.#end[target]!;
    for (let each = this.#first[target]!; each !== NONE; each = this.#next[each]!) this.#add(clone, this.#symbol[each]!, this.#target[each]!);
    for (; state !== NONE && (edge = this.#find(state, symbol)) !== NONE && this.#target[edge] === target; state = this.#link[state]!) this.#target[edge] = clone;
    this.#link[target] = clone;
    this.#link[current] = clone;
    return current;
  }

  #slot(state: number, symbol: number): number {
    const hash = Math.imul(Math.imul(state, 0x9e3779b1) ^ Math.imul(symbol + 1, 0x85ebca6b), 0xc2b2ae35);
    return (hash ^ (hash >>> 15)) & (this.#slots.length - 1);
  }

  #find(state: number, symbol: number): number {
    const mask = this.#slots.length - 1;
    for (let slot = this.#slot(state, symbol); ; slot = (slot + 1) & mask) {
      const edge = this.#slots[slot]!;
      if (edge === NONE || (this.#source[edge] === state && this.#symbol[edge] === symbol)) return edge;
    }
  }

  #add(state: number, symbol: number, target: number): void {
    if (this.#edges === this.#next.length) this.#grow();
    const edge = this.#edges++;
    this.#source[edge] = state;
    this.#symbol[edge] = symbol;
    this.#target[edge] = target;
    this.#next[edge] = this.#first[state]!;
    this.#first[state] = edge;
    this.#place(edge);
  }

  #place(edge: number): void {
    const mask = this.#slots.length - 1;
    let slot = this.#slot(this.#source[edge]!, this.#symbol[edge]!);
    while (this.#slots[slot] !== NONE) slot = (slot + 1) & mask;
    this.#slots[slot] = edge;
  }

  #grow(): void {
    const larger = (array: Int32Array): Int32Array => {
      const copy = new Int32Array(2 * array.length);
      copy.set(array);
      return copy;
    };
    this.#next = larger(this.#next);
    this.#symbol = larger(this.#symbol);
    this.#source = larger(this.#source);
    this.#target = larger(this.#target);
    this.#hash(this.#next.length);
  }

  /** A table with room for `edges` transitions, a quarter full at most, and those there are in it. */
  #hash(edges: number): void {
    this.#slots = new Int32Array(2 ** Math.ceil(Math.log2(4 * Math.max(1, edges)))).fill(NONE);
    for (let edge = 0; edge < this.#edges; edge++) this.#place(edge);
  }
}
