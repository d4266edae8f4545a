/** Earlier versions of the program, built from the history of this checkout. */
import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, symlinkSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { git } from './ground.ts';

const checkout = join(import.meta.dirname, '../..');

/** The version of the first schema in a list of migrations; null: none. */
function firstSchema(text: string): string | null {
  return /version: (\d+)/.exec(text)?.[1] ?? null;
}

/** The version before the last commit that changed the first schema of this list of migrations; null: none, or this checkout has no history. */
export function refusedVersion(file: string): string | null {
  const known = firstSchema(readFileSync(join(checkout, file), 'utf8'));
  try {
    const changed = git(checkout, 'log', '--format=%H', '-Sversion: ', '--', file).trim().split('\n');
    const before = changed.map((commit) => git(checkout, 'rev-parse', `${commit}^`).trim());
    return before.find((commit) => firstSchema(git(checkout, 'show', `${commit}:${file}`)) !== known) ?? null;
  } catch {
    return null;
  }
}

/** Installs the packages that only the earlier version needs, into the folder above its sources. Shared packages are used from here. */
function installMissing(folder: string): void {
  const read = (from: string) => JSON.parse(readFileSync(join(from, 'package.json'), 'utf8'));
  const { dependencies, devDependencies } = read(folder) as Record<string, Record<string, string>>; // as npm has it
  const here = (name: string) => join(checkout, 'node_modules', name);
  const missing = Object.entries({ ...dependencies, ...devDependencies }).filter(([name]) => !existsSync(here(name)));
  if (missing.length === 0) return;
  const above = dirname(folder);
  const names = missing.map(([name, range]) => `${name}@${range}`);
  const quiet = ['--ignore-scripts', '--no-audit', '--no-fund', '--no-save', '--silent'];
  execFileSync('npm', ['install', '--prefix', above, ...quiet, ...names], { cwd: above });
  for (const name of readdirSync(join(above, 'node_modules'))) {
    if (name.startsWith('.') || name.startsWith('@') || !existsSync(here(name))) continue;
    rmSync(join(above, 'node_modules', name), { recursive: true });
    symlinkSync(here(name), join(above, 'node_modules', name));
  }
}

/** Builds the sources of that commit in `folder` with the packages here; returns the path of its command. */
export function buildVersion(commit: string, folder: string): string {
  mkdirSync(folder);
  const archive = execFileSync('git', ['archive', commit], { cwd: checkout, maxBuffer: 256 * 1024 * 1024 });
  execFileSync('tar', ['-x'], { cwd: folder, input: archive });
  symlinkSync(join(checkout, 'node_modules'), join(folder, 'node_modules'));
  installMissing(folder);
  for (const config of ['tsconfig.build.json', 'tsconfig.page.json'].filter((name) => existsSync(join(folder, name))))
    execFileSync(process.execPath, ['node_modules/typescript/bin/tsc', '-p', config], { cwd: folder });
  // The first versions ran their compiled files.
  if (!existsSync(join(folder, 'rolldown.config.js'))) return join(folder, 'dist/cli/main.js');
  execFileSync(process.execPath, ['node_modules/rolldown/bin/cli.mjs', '-c', '--logLevel', 'silent'], { cwd: folder });
  return join(folder, 'dist/bin/stator.js');
}
