/**
 * The files of the presets' programs in the user's home, and the part that is visible inside walls: their login as a copy, and their conversations in a
 * folder for their role and plan. Files that they execute when a person starts them (settings, hooks, plugins, servers) are read only. Other files are not
 * visible.
 */
import { join } from 'node:path';

export interface PresetPlaces {
  /** The folder of its conversations, which is replaced by one for its role and plan, so that a later run can resume a conversation. null: it stores none. */
  readonly conversations: string | null;
  /** Files with its login. */
  readonly logins: readonly string[];
  readonly readable: readonly string[];
  /** Read-only folders inside that folder; missing ones are made, so that an agent cannot make them. */
  readonly closed: readonly string[];
  /** Files that the program rewrites while it works, and that decide what it starts: it gets a copy, which is deleted with the run. */
  readonly copied: readonly string[];
}

export const noPlaces: PresetPlaces = { conversations: null, logins: [], readable: [], closed: [], copied: [] };

export interface PlacesOf {
  /** The environment of the run: its variables may name other folders. */
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly userHome: string;
  readonly worktree: string;
}

export function under(folder: string, names: readonly string[]): string[] {
  return names.map((name) => join(folder, name));
}
