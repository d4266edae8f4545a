/** What people type to a run is written once, whatever dies in between. */
import { mkdtempSync, readFileSync, rmSync, statSync, truncateSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, expect, it } from 'vitest';
import { createRunFolder, runFolderAt } from '../../runtime/work/agents/run-folder.ts';
import { hasInput, prepareInput, typeInto } from '../../runtime/work/agents/terminal-input.ts';

const roots: string[] = [];
afterEach(() => {
  for (const root of roots.splice(0)) rmSync(root, { recursive: true, force: true });
});

function folder() {
  const root = mkdtempSync(join(tmpdir(), 'stator-input-'));
  roots.push(root);
  const made = runFolderAt(root, 'run');
  createRunFolder(made);
  prepareInput(made, true);
  return made;
}

it('a text that is typed again under its key is there once, and the rest of a torn one follows', () => {
  const run = folder();
  typeInto(run, { key: 'a', text: 'first\r' });
  typeInto(run, { key: 'a', text: 'first\r' });
  typeInto(run, { key: 'b', text: 'sécond\r' });
  truncateSync(run.input, 'first\rsé'.length + 1);
  typeInto(run, { key: 'b', text: 'sécond\r' });
  typeInto(run, { key: 'c', text: 'first\r' });
  expect(readFileSync(run.input, 'utf8')).toBe('first\rsécond\rfirst\r');
});

it('only the user reads it, what was typed outlives a second preparation, and a run without a terminal has none', () => {
  const run = folder();
  expect(statSync(run.input).mode & 0o777).toBe(0o600);
  typeInto(run, { key: 'a', text: 'kept\r' });
  prepareInput(run, true);
  expect(readFileSync(run.input, 'utf8')).toBe('kept\r');
  prepareInput(run, false);
  expect(hasInput(run)).toBe(false);
});
