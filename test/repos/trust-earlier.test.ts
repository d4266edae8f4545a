/** A repo that an earlier version registered goes on after one question at most. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { expect, it } from 'vitest';
import { openDatabase } from '../../runtime/core/store/sqlite/db.ts';
import { migrations } from '../../runtime/core/store/sqlite/schema.ts';
import { begin, ground, planText, register, say, startEngine, untilStatus } from '../support/engine.ts';
import type { Ground } from '../support/ground.ts';

const sh = '[agents.default]\npreset = "sh"\nattempts = 1\n';

function write({ repo }: Ground, file: string, text: string): string {
  mkdirSync(dirname(join(repo, file)), { recursive: true });
  writeFileSync(join(repo, file), text);
  return join(repo, file);
}

/** A home from a time when the digest covered the configuration alone, with the row that was pinned then. */
function pinnedBefore(on: Ground, text: string | null): void {
  mkdirSync(on.home, { mode: 0o700 });
  const db = openDatabase(join(on.home, 'taskstore.db'), { migrations: migrations.slice(0, 15) });
  const file = join(on.repo, '.stator/config.toml');
  const kasmosFile = join(on.repo, '.kasmos/config.toml');
  const config = { file, text, kasmosFile, kasmosText: null, kasmosProblem: null };
  db.prepare('INSERT INTO repos (project, path, config, added_at) VALUES (?, ?, ?, ?)').run(
    'demo',
    on.repo,
    JSON.stringify(config),
    Date.UTC(2026, 0, 2),
  );
  db.close();
}

it.each([
  ['its agents', sh],
  ['nothing', null],
])('silently, where its files say %s as they did', async (_what, text) => {
  const on = ground();
  if (text !== null) write(on, '.stator/config.toml', text);
  pinnedBefore(on, text);
  const started = await startEngine({ on, adds: false, ...(text === null ? {} : { agents: {} }) });
  await begin(started, 'p', planText(['echo x > x.txt']));
  await untilStatus(started, 'p', 'done');
  expect(await started.client.trust()).toMatchObject([
    { state: 'trusted', by: 'an earlier version', since: '2026-01-02T00:00:00.000Z' },
  ]);
});

it.each([
  ['a prompt', '.stator/prompts/coder.md', 'Be quick.\n', sh, 'prompt coder'],
  ['a gate', 'none', '', `auto_merge = true\n${sh}`, 'auto_merge = true: a done plan is merged into the base branch'],
  ['a program of its own', 'agent.sh', '#!/bin/sh\n', `${sh}[worktree]\nsetup = "test -n ./agent.sh"\n`, 'agent.sh'],
])('after one question, where %s acts that was not pinned then', async (_what, file, content, text, named) => {
  const on = ground();
  write(on, '.stator/config.toml', text);
  write(on, file, content);
  pinnedBefore(on, text);
  const started = await startEngine({ on, adds: false, agents: {} });
  await register(started, 'p', planText(['echo x > x.txt']));
  await expect(say(started, 'p', 'implement_start')).rejects.toMatchObject({
    code: 'untrusted',
    message: `demo has changed since it was trusted: ${named}`,
  });
  expect(await started.client.trust()).toMatchObject([{ state: 'changed' }]);
  await started.client.trustRepo({ project: 'demo' });
  expect(await started.client.trust()).toMatchObject([{ state: 'trusted', by: 'repo trust' }]);
  await say(started, 'p', 'implement_start');
  await untilStatus(started, 'p', 'done');
});
