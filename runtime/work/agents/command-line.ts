/** The command of a run: the interface between the presets and the launcher. */
import type { RunBrief } from './run-brief.ts';

/** How a program takes messages while it works. */
export type MessageProtocol = 'claude' | 'acp';

export interface CommandLine {
  readonly argv: readonly [string, ...string[]];
  readonly stdin: 'prompt' | 'none';
  /** It takes messages while it works, and the prompt is the first of them; not there: its standard input is what `stdin` says. */
  readonly messages?: MessageProtocol;
  /** To be written to the run's script file before the start; `argv` names it by the path that was given. */
  readonly script: string | null;
  /** To be written to the run's file of MCP servers, likewise; not there: it has none. */
  readonly servers?: string;
  /** It writes its last message to the file that the places name. */
  readonly writesLastMessage?: true;
  /** To be written into the run's folder likewise, by their names; not there: nothing. */
  readonly beside?: Readonly<Record<string, string>>;
  /** Beside the environment that the places name, which wins over it. */
  readonly env?: Readonly<Record<string, string>>;
  /** Files of the main folder that the words name: they must be there inside of walls, as `argv`'s own program is. */
  readonly files?: readonly string[];
}

/** Absolute paths, and the environment that the program will get. */
export interface CommandPlaces {
  readonly prompt: string;
  readonly script: string;
  /** Where a program reads which MCP servers it has. */
  readonly servers: string;
  /** Where a program may write its last message. */
  readonly lastMessage: string;
  /** The folder that the program is started in. */
  readonly worktree: string;
  readonly repo: string;
  /** Whether the program may load the settings that lie in its folder. */
  readonly loadsProject: boolean;
  readonly env: Readonly<Record<string, string>>;
}

export type Starter = (brief: RunBrief, places: CommandPlaces) => CommandLine;
