/** Which messages go to standard error, for whom; and that a command without messages does not load their library. */
import { describe, expect, it } from 'vitest';
import { createMessages } from '../../cli/output.ts';
import { planOf, type Terminal, working } from '../support/cli.ts';
import { filesLoadedBy } from '../support/loaded.ts';

function sayAll(how: { json?: boolean; quiet?: boolean; verbose?: boolean; isTTY?: boolean; NO_COLOR?: string }) {
  const { json = false, quiet = false, verbose = false, isTTY = false, ...env } = how;
  let said = '';
  const stderr = {
    isTTY,
    write(text: string) {
      said += text;
    },
  };
  const messages = createMessages({ stderr, env, json, quiet, verbose });
  messages.detail('a detail');
  messages.remark('no plans');
  messages.note('a note');
  messages.warn('a warning');
  messages.refusal('refused: x', 'hint: y');
  messages.error({ error: 'an \x1b[2Jerror', code: 'refused', hint: 'a hint', page: 'usage: …' });
  messages.error({ error: 'it ended', code: 'unavailable', hint: '', log: 'last words' });
  return said;
}

describe('messages', () => {
  const errors = 'error: an error\nhint: a hint\n\nusage: …\nerror: it ended\nlast words\n';
  const refusals = 'a warning\nrefused: x\nhint: y\n';

  it('are plain in a pipe, and fewer or more of them where that is asked for', () => {
    expect(sayAll({})).toBe(`no plans\na note\n${refusals}${errors}`);
    expect(sayAll({ quiet: true })).toBe(`${refusals}${errors}`);
    expect(sayAll({ verbose: true })).toBe(`a detail\nno plans\na note\n${refusals}${errors}`);
    expect(sayAll({ isTTY: true, NO_COLOR: '1' })).toBe(`no plans\na note\n${refusals}${errors}`);
  });

  it('have colours on a terminal', () => {
    const said = sayAll({ isTTY: true }).replaceAll('\x1b[', '^');
    expect(said).toContain('no plans\n^2ma note^22m\n^33ma warning^39m\n^31mrefused: x^39m\nhint: y\n');
    expect(said).toContain('^31merror:^39m an error\n^2mhint:^22m a hint\n');
  });

  it('are one document for each error under --json, and nothing else', () => {
    expect(sayAll({ json: true, verbose: true })).toBe(
      '{"error":"an \\u001b[2Jerror","code":"refused","hint":"a hint"}\n{"error":"it ended","code":"unavailable","hint":"","log":"last words"}\n',
    );
  });

  it('that are the same are all said', () => {
    let said = '';
    const stderr = { write: (text: string) => (said += text) };
    const { note } = createMessages({ stderr, env: {}, json: false, quiet: false, verbose: false });
    for (let time = 0; time < 20; time += 1) note('again');
    expect(said).toBe('again\n'.repeat(20));
  });
});

/** Whether the program loaded anything of consola. */
async function loadsConsola(made: Terminal, ...args: string[]): Promise<boolean> {
  return (await filesLoadedBy(made, ...args)).some((file) => file.includes('/node_modules/consola/'));
}

it('a verb that has nothing to say beside its answer loads nothing for it', async () => {
  const made = working();
  made.write('p.md', planOf(['true']));
  expect((await made.stator(['plan', 'register', 'p.md', '--trust'])).code).toBe(0);
  expect(await loadsConsola(made, 'plan', 'list', '--json')).toBe(false);
  expect(await loadsConsola(made, 'plan', 'show', 'p', '--quiet')).toBe(false);
  expect(await loadsConsola(made, 'plan', 'check', 'p.md')).toBe(false);
  expect(await loadsConsola(made, '--version')).toBe(false);
  // It says that no engine runs.
  expect(await loadsConsola(made, 'plan', 'list')).toBe(true);
});
