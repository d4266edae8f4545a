/**
 * Detects changes of what a person's git obeys in the shared git folder: the settings in `config`, and the hooks. An agent without walls can write both, and
 * `git config` in a worktree writes for all of them.
 */
import { createHash } from 'node:crypto';
import { join } from 'node:path';
import { shellWord } from '../../../machines/vocabulary/shell-word.ts';
import { withoutSecrets } from '../../base/platform/secrets.ts';
import { tryOwnGit } from './git.ts';
import { entriesIn, filesIn, textOf } from './git-folder.ts';

export interface PersonsSettings {
  /** The text of `config`, without passwords and tokens. */
  readonly config: string;
  /** The hooks by their names, each with a hash of its content. */
  readonly hooks: Readonly<Record<string, string>>;
}

/** What git and its programs write there in daily work, and what stator corrects itself. */
const bookkeeping =
  /^(?:branch|lfs|extensions)\.|^core\.(?:bare|repositoryformatversion)$|^submodule\..+\.(?:active|url)$/s;
const hookLimit = 200;
const hidden = '***';
const secret = /^(\s*\w*(?:header|pass|token|secret)\w*\s*=).*$/gim;

/** Starts no process. */
export function lookAtSettings(commonDir: string): PersonsSettings {
  const folder = join(commonDir, 'hooks');
  const names = entriesIn(folder, { most: hookLimit }).filter((name) => !name.endsWith('.sample'));
  const hooks = filesIn(folder, ({ text }) =>
    Object.fromEntries(
      names.map((name) => [
        name,
        createHash('sha256')
          .update(text(name) ?? '')
          .digest('hex'),
      ]),
    ),
  );
  const config = withoutSecrets(textOf(join(commonDir, 'config')) ?? '').replace(secret, `$1 ${hidden}`);
  return { config, hooks: hooks ?? {} };
}

/** One sentence for each setting and hook that differs, with the command that undoes it if the earlier value is known. */
export async function settingsMoved(
  commonDir: string,
  before: PersonsSettings,
  after: PersonsSettings,
): Promise<string[]> {
  const hooks = namesOf(before.hooks, after.hooks).flatMap((name): string[] => {
    const [from, to] = [before.hooks[name], after.hooks[name]];
    const file = shellWord(join(commonDir, 'hooks', name));
    if (from === to) return [];
    if (from === undefined) return [`hook ${name}: made; back: rm ${file}`];
    return [to === undefined ? `hook ${name}: deleted` : `hook ${name}: changed; look: cat ${file}`];
  });
  if (before.config === after.config) return hooks;
  const [old, now] = [await listed(before.config), await listed(after.config)];
  const file = shellWord(join(commonDir, 'config'));
  if (old === null || now === null)
    return [`settings: changed, and git does not read all of them; look: cat ${file}`, ...hooks];
  const git = `git config --file ${file}`;
  const settings = namesOf(old, now).flatMap((key): string[] => {
    const [from = [], to = []] = [old[key], now[key]];
    if (bookkeeping.test(key) || JSON.stringify(from) === JSON.stringify(to)) return [];
    const [first, ...more] = from.map((value) => `${shellWord(key)} ${shellWord(value)}`);
    const isShown = !from.some((value) => value.includes(hidden) || /[\x00-\x1f]/.test(value));
    const back =
      first === undefined
        ? `${git} --unset-all ${shellWord(key)}`
        : [`${git} --replace-all ${first}`, ...more.map((one) => `${git} --add ${one}`)].join(' && ');
    return [`setting ${key}: ${shown(from)} -> ${shown(to)}${isShown ? `; back: ${back}` : ''}`];
  });
  return [...settings, ...hooks];
}

function namesOf(...sets: readonly Readonly<Record<string, unknown>>[]): string[] {
  return [...new Set(sets.flatMap((one) => Object.keys(one)))].sort();
}

function shown(values: readonly string[]): string {
  return values.length === 0 ? 'not set' : values.map((value) => JSON.stringify(value)).join(', ');
}

/** All values of each setting in the text of a configuration file, without its includes; null: git does not read it. */
async function listed(config: string): Promise<Record<string, string[]> | null> {
  const args = ['config', '--file', '-', '--no-includes', '--list', '-z'];
  const { exitCode, stdout: text } = await tryOwnGit('/', args, { input: config });
  if (exitCode !== 0) return null;
  const found: Record<string, string[]> = {};
  for (const entry of text.split('\0').filter((line) => line !== '')) {
    const [key = '', ...lines] = entry.split('\n');
    found[key] = [...(found[key] ?? []), lines.length === 0 ? 'true' : lines.join('\n')];
  }
  return found;
}
