/** A curve of bounded size: once it holds too many points, every second one is dropped and from then on fewer are taken. */
export class Series {
  readonly #limit: number;
  #x: number[] = [];
  #y: number[] = [];
  #stride = 1;
  #seen = 0;

  constructor(limit = 3000) {
    this.#limit = limit;
  }

  /** Points come in rising x; a point at or before the last one's x is a repeated step and is left out. */
  push(x: number, y: number): void {
    if (this.#x.length > 0 && x <= this.#x[this.#x.length - 1]!) return;
    if (this.#seen++ % this.#stride !== 0) return;
    this.#x.push(x);
    this.#y.push(y);
    if (this.#x.length <= this.#limit) return;
    this.#x = this.#x.filter((_, i) => i % 2 === 0);
    this.#y = this.#y.filter((_, i) => i % 2 === 0);
    this.#stride *= 2;
    this.#seen = 1;
  }

  get length(): number {
    return this.#x.length;
  }

  /** A copy: x and y. */
  points(): { readonly x: readonly number[]; readonly y: readonly number[] } {
    return { x: [...this.#x], y: [...this.#y] };
  }
}
