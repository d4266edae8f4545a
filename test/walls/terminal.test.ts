/** Foreign text cannot control a terminal: write its clipboard, or hide or reverse text. In JSON it is escaped, and its value stays the same. */
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { terminal, working } from '../support/cli.ts';
import { openPty } from '../support/pty.ts';

const main = join(import.meta.dirname, '../../dist/bin/stator.js');
const clipboard = '\u009d52;c;ZXZpbA==\u0007';
const harm = `${clipboard}\u001b]52;c;ZXZpbA==\u0007\u202eright\u2066\u009b31m\u007f`;
/** All control sequences of terminals, except line ends and stator's own colours. */
const obeyed =
  /[\x00-\x08\x0b\x0c\x0e-\x1a\x1c-\x1f\x7f-\x9f\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]|\x1b\](?!0;|1;|2;)/;

async function registered() {
  const made = working();
  const document = `# A ${harm} plan\n\n**Topic:** topic ${harm} end\n\n## Wave 1\n\n### Task 1: do ${harm} it\n\n\`\`\`sh\ntrue\n\`\`\`\n`;
  made.write('p.md', document);
  const { code, stderr } = await made.stator(['plan', 'register', 'p.md', '--trust']);
  expect(code, stderr).toBe(0);
  return { ...made, document };
}

describe('text of a document', () => {
  it('does nothing to a terminal by any list or view, and `--json` has the same values', async () => {
    const { stator, document } = await registered();
    for (const verb of [
      'plan list',
      'plan show p',
      'plan explain p',
      'plan history p',
      'plan check p.md',
      'status',
    ].map((words) => words.split(' '))) {
      const [human, json] = [await stator(verb), await stator([...verb, '--json'])];
      expect(human.stdout + human.stderr, verb.join(' ')).not.toMatch(obeyed);
      expect(json.stdout + json.stderr, `${verb.join(' ')} --json`).not.toMatch(obeyed);
    }
    const shown = JSON.parse((await stator(['plan', 'show', 'p', '--json'])).stdout);
    expect(shown.content).toBe(document);
    expect(shown.topic).toContain('\u202eright');
  });

  it('is shown by --content without its escapes on a terminal, and is whole in a pipe', async () => {
    const made = await registered();
    const pty = openPty(process.execPath, [main, 'plan', 'show', 'p', '--content'], { cwd: made.repo, env: made.env });
    await pty.ended;
    expect(pty.text()).toContain('Task 1: do');
    expect(pty.written()).not.toMatch(obeyed);
    expect((await made.stator(['plan', 'show', 'p', '--content'])).stdout).toBe(made.document);
  });
});

it('passwords in addresses are not printed by errors, doctor, repo show or the log', async () => {
  const made = terminal();
  const url = 'https://ada:s3cr@et/word@example.com/hook?token=t0kenword';
  made.write(
    '.stator/config.toml',
    `[[hooks]]\ntype = "webhook"\nurl = "https://ada:s3cr%40@et@example.com/?token=t0kenword"\n\n[agents.default]\npreset = "command"\nprogram = "agent"\nflags = ["${url}"]\n`,
  );
  const said = [
    await made.stator(['plan', 'register', 'p.md']),
    await made.stator(['doctor']),
    await made.stator(['doctor', '--json']),
    await made.stator(['repo', 'trust', 'demo']),
  ];
  made.write('p.md', '# A plan\n\n## Wave 1\n\n### Task 1: it\n\n```sh\ntrue\n```\n');
  for (const words of [
    'plan register p.md',
    'plan register p.md --trust',
    'repo show demo',
    'repo show demo --json',
    'repo list',
  ])
    said.push(await made.stator(words.split(' ')));
  made.write('.stator/config.toml', `[worktree]\ndir = "${url}"\nsetup = ["${url}"]\nbase = "${url}"\n`);
  said.push(await made.stator(['doctor']), await made.stator(['repo', 'show', 'demo']));
  for (const { stdout, stderr } of said) expect(stdout + stderr).not.toMatch(/s3cr|et\/word|t0kenword/);
  expect(said.some(({ stdout, stderr }) => (stdout + stderr).includes('***@example.com'))).toBe(true);
});
