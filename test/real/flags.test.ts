/** What the real programs say of themselves, which is read before a plan starts. */
import { join } from 'node:path';
import { expect } from 'vitest';
import { droppedFlagsOf } from '../../runtime/engine/connect.ts';
import { terminal } from '../support/cli.ts';
import { behaves } from './stage.ts';

behaves('flags', {
  'its help lists every flag that it is given': async ({ program, folder }) => {
    const { env } = terminal();
    expect(await droppedFlagsOf(program, join(folder ?? '', program), env)).toEqual([]);
  },

  'stator doctor knows its version': async ({ program, version, folder }) => {
    const here = terminal();
    here.write('.stator/config.toml', `[agents.default]\npreset = "${program}"\n`);
    const env = { ...here.env, PATH: `${folder}:${here.env.PATH}` };
    const { stdout } = await here.stator(['doctor', '--json'], { env });
    const { checks } = JSON.parse(stdout) as { checks: { name: string; ok: boolean; detail: string }[] };
    const found = checks.filter(({ name }) => name === `agent ${program}`);
    expect(found).toMatchObject([{ ok: true, detail: expect.stringContaining(`${version}, which was tried`) }]);
  },
});
