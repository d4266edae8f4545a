/** A file of ours that an import writes where there is none; one that is there is never changed. */
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { stringify } from 'smol-toml';
import { EngineError, messageOf } from '../../machines/vocabulary/errors.ts';
import { homeFolder, loadDaemonConfig } from '../../runtime/base/config/config.ts';
import { readConfigText } from '../../runtime/base/config/file.ts';
import type { Call } from '../command.ts';
import type { Step } from './steps.ts';

interface ConfigStep {
  readonly to: string;
  readonly settings: Readonly<Record<string, unknown>>;
  /** Throws `bad_config` where the text, which stands in the file by then, is not accepted. */
  check(text: string): void;
  /** What puts it in force; null: it is by itself. */
  readonly next: string | null;
}

/** daemon.toml of this home. Throws as `configStep` does. */
export function daemonStep({ env }: Call, settings: ConfigStep['settings']): Step[] {
  const home = homeFolder(env);
  return configStep({
    to: join(home, 'daemon.toml'),
    settings,
    check: () => void loadDaemonConfig(home),
    next: 'stator daemon reload',
  });
}

/** None where there is nothing to set. Throws `bad_config` where the file cannot be read. */
export function configStep({ to, settings, check, next }: ConfigStep): Step[] {
  if (Object.keys(settings).length === 0) return [];
  const text = stringify(settings);
  const piece = { kind: 'settings', name: to, what: text.trimEnd() };
  const there = readConfigText(to);
  if (there === text) return [{ ...piece, state: 'there', what: '', next: null }];
  if (there !== null)
    return [
      {
        ...piece,
        state: 'left',
        what: `the file is there, and stays as it is; to add by hand:\n${piece.what}`,
        next: null,
      },
    ];
  return [
    {
      ...piece,
      state: 'comes',
      next: null,
      async bring() {
        write(to, text);
        try {
          check(text);
        } catch (thrown) {
          rmSync(to, { force: true });
          throw thrown;
        }
        return { next };
      },
    },
  ];
}

/** Throws `bad_config` where it cannot be written. */
function write(file: string, text: string): void {
  try {
    mkdirSync(dirname(file), { recursive: true, mode: 0o700 });
    writeFileSync(file, text, { flag: 'wx' });
  } catch (cause) {
    const hint = `see that ${dirname(file)} is a folder that you may write`;
    throw new EngineError('bad_config', `${file} cannot be written: ${messageOf(cause)}`, hint, { cause });
  }
}
