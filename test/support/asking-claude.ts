/** A claude that asks before each of its commands, as the agent of a home. */
import { chmodSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Ground } from './ground.ts';

const fake = join(import.meta.dirname, 'fixtures/agents/asking-claude.mjs');

/** Writes daemon.toml; claude asks about all commands of one list at once. */
export function askingClaude({ root, home }: Pick<Ground, 'root' | 'home'>, asks: readonly string[][]): void {
  const program = join(root, 'claude');
  writeFileSync(program, `#!/bin/sh\nASKS='${JSON.stringify(asks)}' exec '${process.execPath}' '${fake}' "$@"\n`);
  chmodSync(program, 0o755);
  mkdirSync(home, { recursive: true, mode: 0o700 });
  const agent = `preset = "claude"\nprogram = ${JSON.stringify(program)}\npermissions = "ask"\nattempts = 1\n`;
  writeFileSync(
    join(home, 'daemon.toml'),
    `auto_create_pr = false\nblueprint_skip_threshold = 0\n[agents.default]\n${agent}[agents.reviewer]\nenabled = false\n`,
  );
}
