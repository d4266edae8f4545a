/** A password in a hook's address is in nothing that stator stores. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { ground, startEngine, type TestEngine } from '../support/engine.ts';
import { putHooks } from '../support/hooks.ts';

const hooks = `[[hooks]]
type = "webhook"
url = "https://me:hunter2@example.com/n"
[[hooks]]
type = "webhook"
url = "https://example.com/a"
headers = { Accept = "text/plain", Authorization = "Bearer hunter2", "X-Api-Key" = 'hunter2' }
[[hooks]]
type = "webhook"
name = "good"
url = "https://example.com/b"
secret = "env:HOOK_SECRET"
[hooks.headers]
Authorization = "env:HOOK_TOKEN"
`;

function keeps({ home }: Pick<TestEngine, 'home'>): string[] {
  const files = readdirSync(home).filter((name) => name.startsWith('taskstore.db'));
  return files.filter((name) => readFileSync(join(home, name)).includes('hunter2'));
}

test('a password in the address of a hook, or in its headers, is not stored, and the good hook stays as it was', async () => {
  const on = ground();
  putHooks(on.repo, hooks);
  const engine = await startEngine({ on });
  expect((await engine.client.hooks({ project: 'demo' })).map(({ hook }) => hook)).toEqual(['good']);
  expect((await engine.client.trustOf({ project: 'demo' })).state).toBe('trusted');
  await engine.engine.stop();
  expect(keeps(on)).toEqual([]);
});
