/** Repositories that are made once for all files of a run and then copied. A copy takes a few milliseconds; to make one starts at least three git processes. */
import { appendFileSync, chmodSync, cpSync, existsSync, mkdirSync, mkdtempSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { outputOf } from './small-shell.ts';

export interface Template {
  /** Unique within a run: all workers take the same name for the same repository. */
  readonly name: string;
  /** Fills an empty folder. */
  readonly make: (folder: string) => void;
}

/** Copies the template's repository to `path`. */
export function copyTemplate(template: Template, path: string): void {
  cpSync(folderOf(template), path, { recursive: true });
}

/** Makes an empty repository on `main` with this identity, without the sample hooks: they were most of the files that a copy wrote. */
export function initialise(folder: string, identity: { readonly name: string; readonly email: string }): void {
  outputOf('git', ['init', '-q', '-b', 'main', '--template='], folder);
  for (const part of ['hooks', 'info']) mkdirSync(join(folder, '.git', part), { recursive: true });
  const { name, email } = identity;
  // Otherwise git starts one more process after each commit. The engine turns that off for its own commits too.
  const settings = `[user]\n\tname = ${name}\n\temail = ${email}\n[maintenance]\n\tauto = false\n`;
  appendFileSync(join(folder, '.git', 'config'), settings);
}

/** The first worker that needs the template makes it under another name, so that no other worker copies half of it. */
function folderOf({ name, make }: Template): string {
  const shared = process.env.STATOR_TEST_SHARED; // `build.ts` makes and removes this folder
  if (shared === undefined) throw new Error('no folder for templates: a configuration of vitest lacks `build.ts`');
  const folder = join(shared, name);
  if (existsSync(folder)) return folder;
  const draft = mkdtempSync(`${folder}-`);
  chmodSync(draft, 0o755); // a folder that a person makes can be read by others
  make(draft);
  try {
    renameSync(draft, folder);
  } catch (thrown) {
    rmSync(draft, { recursive: true, force: true });
    if (!existsSync(folder)) throw thrown; // else another worker was first
  }
  return folder;
}
