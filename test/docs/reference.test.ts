/** The check of the doc comments finds each export without one. */
import { spawnSync } from 'node:child_process';
import { appendFileSync, cpSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';

const root = join(import.meta.dirname, '../..');

it('an export without a comment fails the check with its place', () => {
  const copy = mkdtempSync(join(tmpdir(), 'stator-reference-'));
  try {
    const copied = (path: string) =>
      cpSync(join(root, path), join(copy, path), { recursive: true, filter: (file) => !/\.(?:js|map)$/.test(file) });
    for (const path of ['package.json', 'scripts/check-reference.mjs', 'dist/machines', 'dist/actors', 'dist/runtime'])
      copied(path);
    const checked = () =>
      spawnSync(process.execPath, [join(copy, 'scripts/check-reference.mjs')], { encoding: 'utf8' });
    expect(checked()).toMatchObject({ status: 0, stdout: '' });
    appendFileSync(
      join(copy, 'dist/runtime/engine/engine.d.ts'),
      '\nexport interface Undescribed {\n    /** What it does. */\n    told(): void;\n    untold(): void;\n}\n',
    );
    const { status, stdout } = checked();
    expect(status).toBe(1);
    expect(stdout.trim().split('\n')).toEqual([
      'dist/runtime/engine/engine.d.ts: Undescribed has no doc comment',
      'dist/runtime/engine/engine.d.ts: Undescribed.untold has no doc comment',
    ]);
  } finally {
    rmSync(copy, { recursive: true, force: true });
  }
});
