/** A binary heap of integers under a given order: the next pair to merge, in training and in encoding. */
export class Heap {
  readonly #items: number[] = [];

  /** `before(a, b)`: a leaves before b. The order of an item must not change while it is inside. */
  constructor(private readonly before: (a: number, b: number) => boolean) {}

  push(item: number): void {
    const items = this.#items;
    let at = items.length;
    while (at > 0) {
      const up = (at - 1) >> 1;
      if (!this.before(item, items[up]!)) break;
      items[at] = items[up]!;
      at = up;
    }
    items[at] = item;
  }

  pop(): number | undefined {
    const items = this.#items;
    const top = items[0];
    const last = items.pop();
    if (items.length === 0 || last === undefined) return top;
    let at = 0;
    for (;;) {
      let down = 2 * at + 1;
      if (down >= items.length) break;
      if (down + 1 < items.length && this.before(items[down + 1]!, items[down]!)) down++;
      if (!this.before(items[down]!, last)) break;
      items[at] = items[down]!;
      at = down;
    }
    items[at] = last;
    return top;
  }
}
