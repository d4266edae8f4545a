/** A store that is deleted under an engine takes nothing more, and says so. */
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { planText, register, startEngine } from '../support/engine.ts';
import { expectFailure } from '../support/prose.ts';

it('a store that was deleted while the engine runs takes no word that would be lost', async () => {
  const engine = await startEngine();
  await register(engine, 'lost', planText(['true']));
  for (const end of ['', '-wal', '-shm']) rmSync(join(engine.home, `taskstore.db${end}`), { force: true });
  const sent = engine.client.send({ project: 'demo', plan: 'lost', type: 'implement_start' });
  await expectFailure(sent, 'store_unreadable', `${engine.home}/taskstore.db`);
  expect(engine.log.join('\n')).not.toContain('internal');
});
