/** A home and a repo in a temporary folder, and short functions to write their configuration and to read its errors. */
import { mkdirSync, mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach } from 'vitest';
import { EngineError } from '../../machines/vocabulary/errors.ts';
import {
  type DaemonConfig,
  loadDaemonConfig,
  parseRepoConfig,
  type RepoConfig,
  type RepoOverrides,
  readRepoConfigSource,
} from '../../runtime/base/config/config.ts';
import { removeFolder } from './remove-folder.ts';

let folder = '';
export let home = '';
export let repo = '';

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'stator-config-'));
  home = join(folder, 'home');
  repo = join(folder, 'shop');
  mkdirSync(home);
  mkdirSync(repo);
});
afterEach(() => removeFolder(folder));

export function put(file: string, content: string | Buffer): string {
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, content);
  return file;
}
export const putDaemon = (toml: string) => put(join(home, 'daemon.toml'), toml);
export const putRepo = (toml: string) => put(join(repo, '.stator', 'config.toml'), toml);
export const putKasmos = (toml: string) => put(join(repo, '.kasmos', 'config.toml'), toml);

export function daemonOf(toml: string): DaemonConfig {
  putDaemon(toml);
  return loadDaemonConfig(home);
}
export function repoOf(toml: string, daemon = loadDaemonConfig(home), overrides: RepoOverrides = {}): RepoConfig {
  putRepo(toml);
  return parseRepoConfig(readRepoConfigSource(repo), daemon, overrides);
}
export function errorOf(act: () => unknown): EngineError {
  try {
    act();
  } catch (thrown) {
    if (thrown instanceof EngineError) return thrown;
    throw thrown;
  }
  throw new Error('nothing was refused');
}
export const daemonDefaults = () => loadDaemonConfig(home);
