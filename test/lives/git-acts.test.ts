import { expect, it } from 'vitest';
import { playGitLife } from '../support/git-life.ts';

// The soak draws its seed, and plays two hundred.
it('an agent may do with git what it likes: each plan ends with its work on the branch, or says where it is', async () => {
  const { plans, done, blocked, failed } = await playGitLife({
    plans: 6,
    seed: Number(process.env.STATOR_CRASH_SEED ?? 11),
  });
  expect(done + blocked + failed).toBe(plans);
});
