/**
 * Finds templates: a repo's `.stator/prompts/<role>.md`, otherwise the built-in file of that name. A repo's own templates are read when the repo is trusted,
 * and used in that version.
 */

import { existsSync, lstatSync, readdirSync, readFileSync, realpathSync, statSync } from 'node:fs';
import { join, relative } from 'node:path';
import { EngineError, messageOf } from '../../../../machines/vocabulary/errors.ts';
import { roles } from '../../../../machines/vocabulary/ids.ts';
import { shellWord } from '../../../../machines/vocabulary/shell-word.ts';
import { nearest } from '../../../base/config/nearest.ts';
import { inPackage, readInPackage } from '../../../base/platform/package-files.ts';
import { systemCode } from '../../../base/platform/system-code.ts';
import { namesIn, type Template } from './template.ts';

const builtInPlace = ['runtime', 'work', 'agents', 'prompts'] as const;

/** The templates: one for each role, one for resumed conversations, and one for the architect who chooses among drafts. */
export const templateNames = [...roles, 'resume', 'choose'] as const;
export type TemplateName = (typeof templateNames)[number];

export interface FoundTemplate extends Template {
  /** The override's path, or `built-in`. */
  readonly source: string;
}

/** The size limit: far more than an agent should read at once. */
const overrideLimitBytes = 64 * 1024;

/** The folder of a repo's own prompts. */
function overrideFolder(repo: string): string {
  return join(repo, '.stator', 'prompts');
}

/** A repo's own templates in their trusted version. */
export interface OwnTemplates {
  /** The main folder of the repo. */
  readonly repo: string;
  /** Templates by name; for a missing name the built-in one is used. */
  readonly texts: Readonly<Record<string, string>>;
}

/** The repo's own template, otherwise the built-in one. */
export function templateFor(name: TemplateName, own: OwnTemplates | null): FoundTemplate {
  const text = own !== null && Object.hasOwn(own.texts, name) ? own.texts[name] : undefined;
  if (own === null || text === undefined) return { ...builtIn(name), source: 'built-in' };
  const file = join(overrideFolder(own.repo), `${name}.md`);
  return { file, text, source: file };
}

/** The present texts of a repo's own templates, by name. Throws `bad_config` for an unusable file, or one that leads out of the repo. */
export function readTemplates(repo: string): Record<string, string> {
  if (!existsSync(overrideFolder(repo))) return {};
  const found = templateNames.map((name) => [name, readOwn(repo, name)] as const);
  return Object.fromEntries(found.filter((entry): entry is [TemplateName, string] => entry[1] !== null));
}

function readOwn(repo: string, name: TemplateName): string | null {
  const file = join(overrideFolder(repo), `${name}.md`);
  const text = readOverride(file);
  if (text === null) return null;
  const real = realpathSync(file);
  const way = relative(realpathSync(repo), real);
  if (way === '..' || way.startsWith('../')) {
    throw bad(`${file} leads out of the repo, to ${real}`, orDelete(file, 'put a plain file there'));
  }
  return text;
}

/** Throws `unreachable`, which is waited for, while the package is replaced under a running engine. */
export function builtIn(name: TemplateName): Template {
  return { file: join(builtInFolder(), `${name}.md`), text: readInPackage(...builtInPlace, `${name}.md`) };
}

/** The compiler does not copy markdown: code in `dist` reads the files from the source folder, which the package also contains. */
function builtInFolder(): string {
  return inPackage(...builtInPlace);
}

/** All faults of a repo's own prompts, each with its file and the remedy; empty: none. */
export function promptProblems(repo: string): EngineError[] {
  const folder = overrideFolder(repo);
  const problems = templateNames.flatMap((name) =>
    problemOf(() => {
      const text = readOwn(repo, name);
      if (text !== null) namesIn(templateFor(name, { repo, texts: { [name]: text } }));
    }),
  );
  return [...problems, ...unknownTemplates(folder).map((file) => unknownTemplateError(folder, file))];
}

function problemOf(act: () => void): EngineError[] {
  try {
    act();
    return [];
  } catch (thrown) {
    if (thrown instanceof EngineError) return [thrown];
    throw thrown;
  }
}

/** Markdown files that no role reads: most likely a mistyped name. */
function unknownTemplates(folder: string): string[] {
  const known = new Set<string>([...templateNames.map((name) => `${name}.md`), 'README.md']);
  try {
    return readdirSync(folder).filter((file) => /\.(md|markdown)$/i.test(file) && !known.has(file));
  } catch {
    return []; // no folder, or an unreadable one, which the checks of its files report
  }
}

function unknownTemplateError(folder: string, file: string): EngineError {
  const near = nearest(file.replace(/\.[^.]*$/, ''), templateNames);
  return bad(
    `${join(folder, file)} overrides nothing: no role has this name`,
    near === null ? `names that count: ${templateNames.map((name) => `${name}.md`).join(', ')}` : `call it ${near}.md`,
  );
}

/** null: there is no such file. */
function readOverride(file: string): string | null {
  try {
    return readText(file);
  } catch (thrown) {
    if (thrown instanceof EngineError) throw thrown;
    const code = systemCode(thrown);
    if (code === 'ENOENT') {
      if (lstatSync(file, { throwIfNoEntry: false }) === undefined) return null;
      throw bad(`${file} is a link that leads nowhere`, orDelete(file, 'point it at a file'), thrown);
    }
    if (code === 'ENOTDIR')
      throw bad(
        `${file}: a part of this path is a file, not a folder`,
        'rename that file, or make it a folder',
        thrown,
      );
    if (code === 'EACCES' || code === 'EPERM')
      throw bad(`${file} cannot be read: permission denied`, `chmod u+r ${shellWord(file)}`, thrown);
    throw bad(`${file} cannot be read: ${messageOf(thrown)}`, orDelete(file, 'check the disk'), thrown);
  }
}

function readText(file: string): string {
  const stat = statSync(file);
  if (stat.isDirectory()) throw bad(`${file} is a folder, not a file`, orDelete(file, 'put a file there'));
  // Reading a pipe or a device would wait or never end.
  if (!stat.isFile()) throw bad(`${file} is no regular file`, orDelete(file, 'put a plain file there'));
  if (stat.size > overrideLimitBytes) throw tooLarge(file, stat.size);
  const bytes = readFileSync(file);
  if (bytes.byteLength > overrideLimitBytes) throw tooLarge(file, bytes.byteLength);
  const text = decoded(file, bytes);
  if (text.trim() === '') throw bad(`${file} is empty: an agent would get no prompt`, orDelete(file, 'write a prompt'));
  return text;
}

function decoded(file: string, bytes: Uint8Array): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch (cause) {
    throw bad(`${file} is not UTF-8 text`, 'save it as UTF-8', cause);
  }
}

function tooLarge(file: string, sizeBytes: number): EngineError {
  return bad(
    `${file} has ${sizeBytes} bytes; a prompt may have ${overrideLimitBytes} (64 KiB)`,
    'shorten it: put long texts into files of the repo, and name these in the prompt',
  );
}

function orDelete(file: string, what: string): string {
  return `${what}, or take it away for the built-in prompt: mv ${shellWord(file)} ${shellWord(`${file}.off`)}`;
}

function bad(message: string, hint: string, cause?: unknown): EngineError {
  return new EngineError('bad_config', message, hint, { cause });
}
