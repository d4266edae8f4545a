/** What the real programs load besides their prompt: settings of the branch, and files in the user's home. */
import { appendFileSync, existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { expect } from 'vitest';
import type { StreamPreset } from '../../runtime/base/config/preset-programs.ts';
import { begin, ground, planText, untilStatus } from '../support/engine.ts';
import { git } from '../support/ground.ts';
import type { Asked, Reply } from './model/reply.ts';
import { behaves, startReal } from './stage.ts';

/** Project settings that make the program run this shell line, with their path in the project. */
const settings: Readonly<Record<StreamPreset, (line: string) => readonly [string, string]>> = {
  claude: (command) => [
    '.claude/settings.json',
    JSON.stringify({ hooks: { SessionStart: [{ hooks: [{ type: 'command', command }] }] } }),
  ],
  codex: (line) => [
    '.codex/config.toml',
    `[mcp_servers.mark]\ncommand = "sh"\nargs = ["-c", ${JSON.stringify(line)}]\n`,
  ],
  gemini: (line) => [
    '.gemini/settings.json',
    JSON.stringify({ mcpServers: { mark: { command: 'sh', args: ['-c', line] } } }),
  ],
  opencode: (line) => [
    'opencode.json',
    JSON.stringify({ mcp: { mark: { type: 'local', command: ['sh', '-c', line] } } }),
  ],
};

/** In a folder that the user does not trust, codex and gemini load no settings at all, even when they start there. */
function trust(program: StreamPreset, repo: string, userHome: string): void {
  if (program === 'codex')
    appendFileSync(join(userHome, '.codex/config.toml'), `[projects."${repo}"]\ntrust_level = "trusted"\n`);
  if (program !== 'gemini') return;
  const security = { auth: { selectedType: 'gemini-api-key' }, folderTrust: { enabled: false } };
  writeFileSync(join(userHome, '.gemini/settings.json'), JSON.stringify({ security }));
}

const judges = ({ said, results }: Asked): Reply => {
  const isReviewer = said.some(({ by, text }) => by === 'user' && text.includes('You are the reviewer of this plan'));
  if (isReviewer) return { kind: 'say', text: 'All is well.\n\nstator verdict: approved' };
  if (results.length === 0) return { kind: 'run', command: 'echo hello > made.txt' };
  return { kind: 'say', text: 'It is done.' };
};

/** Every file below the folder, by its path there. */
function filesIn(folder: string): string[] {
  const entries = readdirSync(folder, { recursive: true, withFileTypes: true });
  return entries
    .filter((entry) => !entry.isDirectory())
    .map((entry) => join(entry.parentPath, entry.name).slice(folder.length + 1))
    .sort();
}

behaves('settings', {
  'settings of the branch start nothing where it judges': async (each) => {
    const on = ground();
    const mark = join(on.root, 'mark');
    const [file, text] = settings[each.program](`pwd >> '${mark}'`);
    mkdirSync(dirname(join(on.repo, file)), { recursive: true });
    writeFileSync(join(on.repo, file), text);
    git(on.repo, 'add', '.');
    git(on.repo, 'commit', '-qm', 'settings');
    const engine = await startReal(each, { on, script: judges, tables: '' });
    trust(each.program, on.repo, engine.userHome);
    await begin(engine, 'judged', planText([{ title: 'the work', sh: null }]));
    const { run_list: runs } = await untilStatus(engine, 'judged', 'done');
    expect(runs.map(({ role }) => role)).toEqual(['coder', 'reviewer']);
    const folders = existsSync(mark) ? readFileSync(mark, 'utf8').trim().split('\n') : [];
    // The coder loads the trusted settings, which shows that they work.
    expect(folders).not.toEqual([]);
    expect(folders.filter((folder) => folder.includes('~reviewer'))).toEqual([]);
  },

  'inside walls it leaves the home of its user as it was': async (each) => {
    const script = ({ results }: Asked): Reply =>
      results.length === 0
        ? { kind: 'run', command: 'find "$HOME" -type f > made.txt' }
        : { kind: 'say', text: 'It is done.' };
    const engine = await startReal(each, { script, sandbox: 'bwrap' });
    const before = filesIn(engine.userHome);
    await begin(engine, 'home', planText([{ title: 'the work', sh: null }]));
    await untilStatus(engine, 'home', 'done');
    expect(filesIn(engine.userHome)).toEqual(before);
  },
});
