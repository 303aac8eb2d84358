/** A binary heap: finds the first of many items in an order that changes. Each method takes logarithmic time. */
export class Heap<T> {
  private readonly items: T[] = [];

  constructor(private readonly isBefore: (a: T, b: T) => boolean) {}

  get first(): T | undefined {
    return this.items[0];
  }

  add(item: T): void {
    let at = this.items.push(item) - 1;
    while (at > 0) {
      const parent = (at - 1) >> 1;
      if (!this.isBefore(item, this.items[parent]!)) break;
      this.items[at] = this.items[parent]!;
      at = parent;
    }
    this.items[at] = item;
  }

  /** Moves the first item to its new place: another may be before it now. */
  moveFirst(): void {
    const item = this.items[0]!;
    let at = 0;
    for (;;) {
      const left = 2 * at + 1;
      const [one, other] = [this.items[left], this.items[left + 1]];
      if (one === undefined) break;
      const child = other !== undefined && this.isBefore(other, one) ? left + 1 : left;
      if (!this.isBefore(this.items[child]!, item)) break;
      this.items[at] = this.items[child]!;
      at = child;
    }
    this.items[at] = item;
  }

  removeFirst(): void {
    const last = this.items.pop()!;
    if (this.items.length === 0) return;
    this.items[0] = last;
    this.moveFirst();
  }
}
