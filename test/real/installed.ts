/**
 * The real agent programs, installed from npm at named versions into a cache outside of the repository: they are no dependencies, and together they take more than a
 * gigabyte. `STATOR_REAL_AGENTS` names another folder; `STATOR_REAL_AGENTS=off` skips them.
 */
import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { type StreamPreset, streamPrograms } from '../../runtime/base/config/preset-programs.ts';

/** Five minutes: the largest of them has 400 MB. */
const installTimeoutMs = 300_000;

export type Installed = { readonly folder: string } | { readonly missing: string };

export function installed(program: StreamPreset, version: string): Installed {
  return installedPackage(program, streamPrograms[program].npmPackage, version);
}

/** The program's folder for PATH; the program is installed first if it is missing. */
export function installedPackage(program: string, npmPackage: string, version: string): Installed {
  const setting = process.env.STATOR_REAL_AGENTS ?? '';
  if (setting === 'off') return { missing: 'STATOR_REAL_AGENTS=off' };
  const cache = setting || join(process.env.XDG_CACHE_HOME || join(homedir(), '.cache'), 'stator-real-agents');
  const place = join(cache, `${program}@${version}`);
  const folder = join(place, 'node_modules', '.bin');
  if (existsSync(join(folder, program))) return { folder };
  const half = `${place}.${process.pid}`;
  try {
    mkdirSync(half, { recursive: true });
    writeFileSync(join(half, 'package.json'), '{ "private": true }\n');
    const words = ['install', '--no-audit', '--no-fund', '--silent', `${npmPackage}@${version}`];
    execFileSync('npm', words, { cwd: half, stdio: 'pipe', timeout: installTimeoutMs });
    rmSync(place, { recursive: true, force: true });
    renameSync(half, place);
    return { folder };
  } catch (error) {
    rmSync(half, { recursive: true, force: true });
    const [line] = String(error instanceof Error ? error.message : error).split('\n');
    return { missing: `${npmPackage}@${version} cannot be installed: ${line}` };
  }
}
