/** A `run` that is a guest of a daemon does not take the home while that one is started anew. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { planOf } from '../support/cli.ts';
import { daemonGround } from '../support/daemon.ts';
import { gate, openGate, untilFile } from '../support/engine.ts';

it('a daemon that is restarted finds its home free, and the run that watches goes on with it', async () => {
  const ground = daemonGround();
  const [begun, go] = [join(ground.root, 'begun'), join(ground.root, 'go')];
  expect(await ground.stator(['daemon', 'start'])).toMatchObject({ code: 0 });
  await ground.client().addRepo(ground.repo, { trust: true });
  writeFileSync(join(ground.repo, 'p.md'), planOf([`echo 1 >'${begun}'; ${gate(go)}; echo x >x.txt`]));
  const run = ground.stator(['run', 'p.md']);
  await untilFile(begun);
  expect(await ground.stator(['daemon', 'restart'])).toMatchObject({ code: 0 });
  expect(ground.owner()).toMatchObject({ kind: 'daemon' });
  openGate(go);
  const ended = await run;
  expect(ended.code, ended.stderr).toBe(0);
  expect(`${ended.stdout}${ended.stderr}`).not.toContain('taking over');
  expect(ground.owner()).toMatchObject({ kind: 'daemon' });
});
