/** What the real programs say of themselves, which is read before a plan starts. */
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { droppedFlagsOf } from '../../runtime/engine/connect.ts';
import { terminal } from '../support/cli.ts';
import { tried } from './stage.ts';

describe.each(tried)('$program $version', (each) => {
  const folder = each.folder ?? '';

  it.skipIf(each.folder === null)('its help lists every flag that it is given', async () => {
    const { env } = terminal();
    expect(await droppedFlagsOf(each.program, join(folder, each.program), env)).toEqual([]);
  });

  it.skipIf(each.folder === null)('stator doctor knows its version', async () => {
    const here = terminal();
    here.write('.stator/config.toml', `[agents.default]\npreset = "${each.program}"\n`);
    const env = { ...here.env, PATH: `${folder}:${here.env.PATH}` };
    const { stdout } = await here.stator(['doctor', '--json'], { env });
    const { checks } = JSON.parse(stdout) as { checks: { name: string; ok: boolean; detail: string }[] };
    const found = checks.filter(({ name }) => name === `agent ${each.program}`);
    expect(found).toMatchObject([{ ok: true, detail: expect.stringContaining(`${each.version}, which was tried`) }]);
  });
});
