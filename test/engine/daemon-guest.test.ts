/** A `run` that is a guest of a daemon does not take the home while that one is started anew. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { expect, it } from 'vitest';
import { announceRestart, restartIsOver } from '../../cli/daemon/restarting.ts';
import { streamLimits } from '../../runtime/api/control/events.ts';
import { planOf } from '../support/cli.ts';
import { type DaemonGround, daemonGround } from '../support/daemon.ts';
import { gate, openGate, untilFile } from '../support/engine.ts';

it('a daemon that is restarted finds its home free, and the run that watches goes on with it', async () => {
  const { ground, run, goOn } = await watched();
  const restarted = await ground.stator(['daemon', 'restart']);
  expect(restarted.code, restarted.stderr).toBe(0);
  await goOn();
  const { stdout, stderr } = await run;
  expect(stdout + stderr).not.toContain('taking over');
  expect(stdout + stderr).toContain('connected to the daemon again; going on');
});

it('nor is it taken where the next daemon needs longer than a restart that nobody announced', async () => {
  const { ground, run, goOn } = await watched();
  announceRestart(ground.home);
  await ground.stator(['daemon', 'stop']);
  await delay(4_000); // without the announcement the run takes over after three seconds
  expect(ground.owner()).toBeNull();
  const started = await ground.stator(['daemon', 'start']);
  expect(started.code, started.stderr).toBe(0);
  restartIsOver(ground.home);
  await goOn();
  expect(`${(await run).stdout}${(await run).stderr}`).not.toContain('taking over');
});

it('a run watches on while all streams of events are open, and does not say that it lost the daemon', async () => {
  const end = new AbortController();
  const { run, goOn } = await watched(async ({ client }) => {
    const opened = Array.from({ length: streamLimits.streams }, () => {
      const { events } = client();
      return new Promise((onStart, reject) => {
        events({ signal: end.signal, onStart })[Symbol.asyncIterator]().next().catch(reject);
      });
    });
    await Promise.all(opened);
  });
  await goOn();
  end.abort();
  const { stdout, stderr } = await run;
  expect(stdout + stderr).not.toContain('connected to the daemon again');
});

/** A run that a daemon serves, and whose agent works. */
async function watched(before: (ground: DaemonGround) => Promise<void> = async () => {}) {
  const ground = daemonGround();
  const [begun, go] = [join(ground.root, 'begun'), join(ground.root, 'go')];
  expect(await ground.stator(['daemon', 'start'])).toMatchObject({ code: 0 });
  await ground.client().addRepo(ground.repo, { trust: true });
  await before(ground);
  writeFileSync(join(ground.repo, 'p.md'), planOf([`echo 1 >'${begun}'; ${gate(go)}; echo x >x.txt`]));
  const run = ground.stator(['run', 'p.md']);
  await untilFile(begun);
  return {
    ground,
    run,
    /** Lets the agent end, and sees that the daemon still owns the home when the run is over. */
    async goOn() {
      expect(ground.owner()).toMatchObject({ kind: 'daemon' });
      openGate(go);
      const { code, stderr } = await run;
      expect(code, stderr).toBe(0);
      expect(ground.owner()).toMatchObject({ kind: 'daemon' });
    },
  };
}
