import fc from 'fast-check';
import { Heap } from './heap.js';

it('has the first item in front, whatever was added, moved or removed', () => {
  const step = fc.oneof(
    fc.record({ add: fc.integer() }),
    fc.record({ raiseBy: fc.nat() }),
    fc.constant('remove' as const),
  );
  fc.assert(
    fc.property(fc.array(step, { maxLength: 200 }), (steps) => {
      const heap = new Heap<{ rank: number }>((a, b) => a.rank < b.rank);
      let all: { rank: number }[] = [];
      for (const one of steps) {
        if (typeof one === 'object' && 'add' in one) {
          const item = { rank: one.add };
          heap.add(item);
          all.push(item);
        } else if (heap.first && one === 'remove') {
          all = all.filter((item) => item !== heap.first);
          heap.removeFirst();
        } else if (heap.first) {
          heap.first.rank += (one as { raiseBy: number }).raiseBy;
          heap.moveFirst();
        }
        expect(heap.first?.rank).toBe(all.length > 0 ? Math.min(...all.map(({ rank }) => rank)) : undefined);
      }
    }),
  );
});

it('compares few of many items', () => {
  let compared = 0;
  const heap = new Heap<number>((a, b) => (compared++, a < b));
  for (let i = 0; i < 4096; i++) heap.add(-i);
  compared = 0;
  heap.add(-5000);
  heap.removeFirst();
  expect(compared).toBeLessThan(40);
});
