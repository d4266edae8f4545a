/** The command of a run: the interface between the presets and the launcher. */
import type { RunBrief } from './run-brief.ts';

/** How a program takes messages while it works. */
export type MessageProtocol = 'claude' | 'acp';

export interface CommandLine {
  readonly argv: readonly [string, ...string[]];
  readonly stdin: 'prompt' | 'none';
  /** The program accepts messages while it works, and the prompt is the first one; missing: `stdin` is its standard input. */
  readonly messages?: MessageProtocol;
  /** The content of the run's script file, written before the start; `argv` names that file. */
  readonly script: string | null;
  /** The content of the run's file of MCP servers, also written before the start; missing: none. */
  readonly servers?: string;
  /** true: it writes its last message to the file in its places. */
  readonly writesLastMessage?: true;
  /** Further files for the run's folder, by name; missing: none. */
  readonly beside?: Readonly<Record<string, string>>;
  /** Further variables; the places' environment overrides them. */
  readonly env?: Readonly<Record<string, string>>;
  /** Files of the main folder that the command line names: they must be visible inside walls, like the program itself. */
  readonly files?: readonly string[];
}

/** Absolute paths, and the program's environment. */
export interface CommandPlaces {
  readonly prompt: string;
  readonly script: string;
  /** The file with the program's MCP servers. */
  readonly servers: string;
  /** The file for the program's last message. */
  readonly lastMessage: string;
  /** The program's working folder. */
  readonly worktree: string;
  readonly repo: string;
  /** Whether the program may load settings from its working folder. */
  readonly loadsProject: boolean;
  readonly env: Readonly<Record<string, string>>;
}

export type Starter = (brief: RunBrief, places: CommandPlaces) => CommandLine;
