import { expect, it } from 'vitest';
import { seedOf } from '../support/crash.ts';
import { playGitLife } from '../support/git-life.ts';

// The soak plays two hundred plans.
it('an agent may do with git what it likes: each plan ends with its work on the branch, or says where it is', async () => {
  const { plans, done, blocked, failed } = await playGitLife({ plans: 6, seed: seedOf('git-acts') });
  expect(done + blocked + failed).toBe(plans);
});
