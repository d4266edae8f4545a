/**
 * docs/tutorial.md, from its first command to its last: each `sh` block is run by bash unchanged, each plan is saved under the name that the text gives, and
 * each block of output is looked for in what the commands before it printed. Times and durations are not compared. It takes as long as its plans do: three
 * attempts with their back-off, and a task of 8 seconds.
 */
import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { expect, it } from 'vitest';

const root = join(import.meta.dirname, '../..');
const tutorial = readFileSync(join(root, 'docs/tutorial.md'), 'utf8');

type Step =
  | { readonly kind: 'run'; readonly line: string; readonly code: number }
  | { readonly kind: 'save'; readonly file: string; readonly text: string }
  | { readonly kind: 'see'; readonly text: string };

/** Every fenced block, in order. */
function stepsOf(text: string): Step[] {
  let before = 0;
  return [...text.matchAll(/^(`{3,4})([a-z]*)\n([\s\S]*?)^\1$/gm)].flatMap((match): Step[] => {
    const [whole, , language, body = ''] = match;
    const told = text.slice(before, match.index);
    before = match.index + whole.length;
    if (language === 'markdown') {
      const file = /Save this as `([^`]+)`/.exec(told)?.[1];
      if (file === undefined) throw new Error(`a plan without a file name: ${body}`);
      return [{ kind: 'save', file, text: body }];
    }
    if (language === '') return [{ kind: 'see', text: body }];
    if (language !== 'sh') throw new Error(`a block that nobody runs: ${language}`);
    return [{ kind: 'run', line: body, code: Number(/# ends with exit code (\d+)/.exec(body)?.[1] ?? 0) }];
  });
}

it('the tutorial is true, from its first command to its last', () => {
  const home = mkdtempSync(join(tmpdir(), 'tutorial-'));
  try {
    const bin = join(home, 'bin');
    mkdirSync(bin);
    symlinkSync(join(root, 'dist/bin/stator.js'), join(bin, 'stator'));
    writeFileSync(join(home, '.gitconfig'), '[user]\nname = Ada\nemail = ada@example.com\n');
    const env = {
      HOME: home,
      PATH: [bin, dirname(process.execPath), '/usr/bin', '/bin'].join(':'),
      XDG_RUNTIME_DIR: home,
      TMPDIR: home,
      LANG: 'C.UTF-8',
      STATOR_SANDBOX: 'off',
    };
    let folder = home;
    let output = '';
    for (const step of stepsOf(tutorial)) {
      if (step.kind === 'save') writeFileSync(join(folder, step.file), step.text);
      if (step.kind === 'run') {
        const where = join(home, 'where');
        const script = `set -e; trap 'pwd > ${where}' EXIT\n${step.line}`;
        const { status, stdout, stderr } = spawnSync('bash', ['-c', script], { cwd: folder, env, encoding: 'utf8' });
        output = stdout;
        folder = readFileSync(where, 'utf8').trim();
        expect(status, `${step.line}\n${stdout}${stderr}`).toBe(step.code);
      }
      if (step.kind === 'see')
        for (const line of step.text.split('\n').filter((text) => text !== '')) expect(output).toContain(line);
    }
    expect(readFileSync(join(folder, 'both.txt'), 'utf8')).toBe('hello\ngoodbye\n');
    const { stdout: history } = spawnSync('stator', ['plan', 'history', 'slow'], {
      cwd: folder,
      env,
      encoding: 'utf8',
    });
    expect(history.match(/coder working/g), history).toHaveLength(1);
    expect(history).not.toContain('failed');
  } finally {
    rmSync(home, { recursive: true, force: true, maxRetries: 5 });
  }
});
