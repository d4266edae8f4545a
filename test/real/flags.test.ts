/** The help texts of the real programs, which are read before a plan starts. */
import { join } from 'node:path';
import { expect } from 'vitest';
import { droppedFlagsOf } from '../../runtime/engine/preflight.ts';
import { terminal } from '../support/cli.ts';
import { begin, planText, untilPhase } from '../support/engine.ts';
import { behaves, startReal } from './stage.ts';

behaves('flags', {
  'its help lists every flag that it is given': async ({ program, folder }) => {
    const { env } = terminal();
    expect(await droppedFlagsOf(program, join(folder ?? '', program), env)).toEqual([]);
  },

  'a flag of its user that it does not take costs one attempt, and the setting is named': async (each) => {
    const keys = 'attempts = 3\nflags = ["--nonsense"]\n';
    const engine = await startReal(each, { script: () => ({ kind: 'hang' }), keys });
    await begin(engine, 'flag', planText([{ title: 'the work', sh: null }]));
    const { tasks_by_wave: waves } = await untilPhase(engine, 'flag', 'wave_waiting');
    expect(waves[0]?.tasks[0]).toMatchObject({ status: 'failed', attempts: 1 });
    expect(waves[0]?.tasks[0]?.why).toContain('`flags` of [agents.coder]');
  },

  'stator doctor knows its version': async ({ program, version, folder }) => {
    const here = terminal();
    here.write('.stator/config.toml', `[agents.default]\npreset = "${program}"\n`);
    // As root claude works only where its user says that this is a container of its own.
    const env = { ...here.env, PATH: `${folder}:${here.env.PATH}`, IS_SANDBOX: '1' };
    const { stdout } = await here.stator(['doctor', '--json'], { env });
    const { checks } = JSON.parse(stdout) as { checks: { name: string; ok: boolean; detail: string }[] };
    const found = checks.filter(({ name }) => name === `agent ${program}`);
    expect(found).toMatchObject([{ ok: true, detail: expect.stringContaining(`${version}, which was tried`) }]);
  },
});
