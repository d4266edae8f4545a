import { expect, it } from 'vitest';
import { slotText } from '../../runtime/api/queries/queue-places.ts';

const shop = { project: 'shop', text: 'p1-w1-t1 (2 min)' };
const blog = { project: 'blog', text: 'p1-w1-t1 (<1m)' };
const limits = { workers: 3, workersPerRepo: 0, coordinators: 0 };
const alone = { project: 'shop', place: 1, waiting: 1, lane: 'worker', limits } as const;

it('an agent that waits while a slot is free is shown as the next one, without a queue position', () => {
  expect(slotText({ ...alone, busy: [] })).toBe('a slot is free for it, so it starts next; 0 of 3 agents busy');
  expect(slotText({ ...alone, place: 2, waiting: 2, busy: [shop, shop] })).toMatch(
    /^position 2 of 2, 2 of 3 agents busy/,
  );
});

it('busy agents are named with their repos if one of them is of another repo', () => {
  const full = { ...alone, limits: { ...limits, workers: 2 } };
  expect(slotText({ ...full, busy: [shop, shop] })).toContain('busy: p1-w1-t1 (2 min), p1-w1-t1 (2 min)');
  expect(slotText({ ...full, busy: [shop, blog] })).toContain('busy: shop/p1-w1-t1 (2 min), blog/p1-w1-t1 (<1m)');
});

it('a free slot that the repo itself may not take is not promised', () => {
  expect(slotText({ ...alone, limits: { ...limits, workersPerRepo: 1 }, busy: [shop] })).toBe(
    'position 1 of 1, 1 of 3 agents busy: p1-w1-t1 (2 min); its repo has 1 of at most 1 (max_agents_per_repo)',
  );
});
