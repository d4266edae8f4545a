import { expect, it } from 'vitest';
import { seedOf } from '../support/crash.ts';
import { playGitLife } from '../support/git-life.ts';
import { isShort } from './length.ts';

const plans = isShort ? 30 : 200;

it(`an agent does with git what it likes, in ${plans} plans: each ends with its work on the branch, or says where it is`, async () => {
  const ends = await playGitLife({ plans, seed: seedOf('git-acts') });
  console.log(JSON.stringify(ends));
  expect(ends.done + ends.blocked + ends.failed).toBe(plans);
  expect(ends.done).toBeGreaterThan(0);
});
