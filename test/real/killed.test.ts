/** An engine that is killed while a real program is in the middle of a turn. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'vitest';
import { afterwards, ground, planText, untilFile } from '../support/engine.ts';
import { type Ground, git } from '../support/ground.ts';
import { killLeft, processesWith } from '../support/leftovers.ts';
import type { Asked } from './model/reply.ts';
import { behaves, type RealSetting, setReal, waitsAt } from './stage.ts';

const engineScript = join(import.meta.dirname, '../support/scripts/crash-engine.mjs');

/** An engine in a process of its own, which ends when its plan is done. */
function live({ on, env }: RealSetting) {
  const content = planText([{ title: 'the work', sh: null }]);
  const options = { home: on.home, repo: on.repo, plan: 'adopted', content, agents: {}, graceMs: 2000 };
  return spawn(process.execPath, [engineScript, JSON.stringify(options)], {
    env,
    stdio: ['ignore', 'ignore', 'inherit'],
  });
}

/** Removes the leftovers of this home's engines after the test. */
function swept(on: Ground): void {
  afterwards(() => killLeft(processesWith((entries) => entries.includes(`STATOR_HOME=${on.home}`))));
}

behaves('killed', {
  'goes on while its engine is killed, and is asked nothing twice': async (each) => {
    const on = ground();
    const [begun, gate] = [join(on.root, 'begun'), join(on.root, 'gate')];
    const prompts: Asked[] = [];
    const setting = await setReal(each, {
      on,
      keys: 'attempts = 3\n',
      script: (asked) => {
        if (asked.results.length > 0) return { kind: 'say', text: 'It is done.' };
        prompts.push(asked);
        return { kind: 'run', command: `${waitsAt(gate, begun)} > made.txt` };
      },
    });
    swept(on);
    const first = live(setting);
    await untilFile(begun);
    first.kill('SIGKILL');
    await once(first, 'exit');
    const second = live(setting);
    const ended = once(second, 'exit');
    writeFileSync(gate, 'hello\n');
    expect(await ended).toEqual([0, null]);
    expect(prompts).toHaveLength(1);
    expect(git(on.repo, 'show', 'plan/adopted:made.txt')).toBe('hello');
  },
});
