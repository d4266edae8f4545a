/** `stator plan replay` and `stator plan verify` as a person types them, with the mistakes that people make. */
import { statSync } from 'node:fs';
import { join } from 'node:path';
import BetterSqlite3 from 'better-sqlite3';
import { expect, test } from 'vitest';
import { planOf, working } from '../support/cli.ts';
import { expectProse, expectRefusal } from '../support/prose.ts';

test('a plan that is done is shown as it was, and verified; what was edited in its store is found', async () => {
  const made = working();
  made.write('p.md', planOf(['true']));
  expect(await made.stator(['run', 'p.md', '--trust'])).toMatchObject({ code: 0 });
  const lines: { seq: number; event: string; at: string }[] = JSON.parse(
    (await made.stator(['plan', 'history', 'p', '--json'])).stdout,
  );
  const first = lines[0];
  const begun = await made.stator(['plan', 'replay', 'p', '--to', String(first?.seq), '--json']);
  expect(JSON.parse(begun.stdout)).toMatchObject({ plan: 'p', status: 'ready', seq: first?.seq, at: first?.at });
  const shown = await made.stator(['plan', 'replay', 'p']);
  expect(shown).toMatchObject({ code: 0 });
  expect(shown.stdout).toContain(`as of line ${lines.at(-1)?.seq}, `);
  expect(shown.stdout).toContain('done');
  for (const wrong of [
    ['--to', 'x'],
    ['--at', 'yesterday'],
    ['--to', '1', '--at', '10:00'],
  ]) {
    const answer = await made.stator(['plan', 'replay', 'p', ...wrong]);
    expect(answer).toMatchObject({ code: 64, stdout: '' });
    expectRefusal(answer.stderr, wrong[0] ?? '');
  }
  const early = await made.stator(['plan', 'replay', 'p', '--at', '2001-01-01T00:00']);
  expect(early).toMatchObject({ code: 1, stdout: '' });
  expectRefusal(early.stderr.replace(/ at \d\d:\d\d;/, ' at <time>;'), 'stator plan history');

  const otherwise = await made.stator(['plan', 'replay', 'p', '--policy', 'coder.attempts=5, coder.timeout=90s']);
  expect(otherwise).toMatchObject({ code: 0 });
  expectProse(otherwise.stdout, 'the same way');
  const from = await made.stator(['plan', 'replay', 'p', '--from', String(first?.seq), '--policy', 'max_agents=2']);
  expect(from).toMatchObject({ code: 0 });
  expect(from.stdout).toMatch(/it was +it would be\nstate +done +done\n/);
  const anew = JSON.parse((await made.stator(['plan', 'replay', 'p', '--from', String(first?.seq), '--json'])).stdout);
  expect(anew).toMatchObject({
    plan: 'p',
    from: { seq: first?.seq },
    was: { status: 'done' },
    would_be: { status: 'done' },
  });
  for (const wrong of [
    ['--policy', 'max_agents'],
    ['--answer', 'yes'],
    ['--from', 'x'],
    ['--from', '1', '--to', '2'],
    ['--policy', 'max_agent=6'],
    ['--from', '999999'],
    ['--answer', '3=yes'],
  ] as const) {
    const answer = await made.stator(['plan', 'replay', 'p', ...wrong]);
    expect([wrong, answer.code, answer.stdout]).toEqual([wrong, 64, '']);
    expectRefusal(answer.stderr, wrong[0].slice(2));
  }

  const sound = await made.stator(['plan', 'verify', 'p']);
  expect(sound).toMatchObject({ code: 0 });
  expectProse(sound.stdout, '1 tree');
  const all = JSON.parse((await made.stator(['plan', 'verify', '--all', '--json'])).stdout);
  expect(all).toEqual({ ok: true, checked: 3, differs: [], skipped: [] });
  expect((await made.stator(['plan', 'verify', 'p', '--all'])).code).toBe(64);
  const looked = await made.stator(['doctor', '--json']);
  expect(journalOf(looked.stdout)).toMatchObject({ ok: true, detail: '3 trees replayed, as stored' });
  const db = new BetterSqlite3(join(made.home, 'taskstore.db'));
  db.exec(`UPDATE trees SET snapshot = replace(snapshot, '"wave":1', '"wave":9') WHERE address LIKE 'plan:%'`);
  db.close();
  const found = await made.stator(['plan', 'verify', 'p']);
  expect(found).toMatchObject({ code: 1 });
  expect(found.stdout).toMatch(
    /plan:demo\/p, from line \d+ on: snapshot\.context\.wave\n {2}stored {4}9\n {2}replayed {2}1\n/,
  );
  const wrong = journalOf((await made.stator(['doctor', '--json'])).stdout);
  expect(wrong).toMatchObject({ ok: false });
  expectProse(`${wrong?.detail}\n${wrong?.hint}`, 'plan:demo/p', 'snapshot.context.wave', 'plan verify --all');
  // A copy that is put in its place is verified too.
  const unmounted = await made.stator(['store', 'backup', '/no-such-disk/copy.db']);
  expect([unmounted.code, unmounted.stderr]).toEqual([1, expect.stringContaining('there is no folder /no-such-disk')]);
  expect(await made.stator(['store', 'backup', join(made.root, 'copy.db')])).toMatchObject({ code: 0 });
  const place = () => statSync(join(made.home, 'taskstore.db')).ino;
  const before = place();
  const unasked = await made.stator(['store', 'restore', join(made.root, 'copy.db'), '--json']);
  expect([unasked.code, JSON.parse(unasked.stderr).code, place()]).toEqual([1, 'refused', before]);
  const restored = await made.stator(['store', 'restore', '--yes', join(made.root, 'copy.db'), '--json']);
  expect(restored).toMatchObject({ code: 1 });
  expect(JSON.parse(restored.stdout).verified).toMatchObject({ ok: false, differs: [{ tree: 'plan:demo/p' }] });
  const told = await made.stator(['store', 'restore', '--yes', join(made.root, 'copy.db')]);
  expect([told.code, told.stdout.includes('plan:demo/p, from line ')]).toEqual([1, true]);
});

function journalOf(stdout: string): { ok: boolean; detail: string; hint: string } | undefined {
  return JSON.parse(stdout).checks.find(({ name }: { name: string }) => name === 'store journal');
}
