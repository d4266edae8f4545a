/** The programs' own sandboxes. In one of these an agent could neither commit nor reach stator, so presets switch them off. */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { expect } from 'vitest';
import { begin, planText, untilStatus } from '../support/engine.ts';
import { git } from '../support/ground.ts';
import { works } from './model/reply.ts';
import { behaves, startReal, type Tried } from './stage.ts';

const oneTask = planText([{ title: 'the work', sh: null }]);

/** How a user's settings switch it on: the file, and its new text from the old one. */
const switchedOn: Readonly<Record<string, readonly [string, (text: string) => string]>> = {
  claude: ['.claude/settings.json', () => JSON.stringify({ sandbox: { enabled: true } })],
  codex: ['.codex/config.toml', (text) => `sandbox_mode = "read-only"\n${text}`],
  gemini: ['.gemini/settings.json', (text) => JSON.stringify({ ...JSON.parse(text), tools: { sandbox: true } })],
};

async function worksInSpiteOfIt(each: Tried, sandbox: 'bwrap' | 'off'): Promise<void> {
  const command = 'echo hello > made.txt && git add . && git commit -qm made && stator plan show > well.txt';
  const engine = await startReal(each, { script: works(command), sandbox });
  const [name = '', change = String] = switchedOn[each.program] ?? [];
  const file = join(engine.userHome, name);
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, change(each.program === 'claude' ? '' : readFileSync(file, 'utf8')));
  await begin(engine, 'own', oneTask);
  await untilStatus(engine, 'own', 'done');
  expect(git(engine.repo, 'show', 'plan/own:well.txt')).toContain('own');
}

behaves('sandboxes', {
  'commits and speaks to stator where its user has its own sandbox on, sandbox = "off"': (each) =>
    worksInSpiteOfIt(each, 'off'),
  'commits and speaks to stator where its user has its own sandbox on, sandbox = "bwrap"': (each) =>
    worksInSpiteOfIt(each, 'bwrap'),
});
