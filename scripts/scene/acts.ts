/** The acts of the agents in the pictures: each prints its lines, and then does this. */

export type End =
  /** Its work is there. */
  | { readonly do: 'write'; readonly files: Readonly<Record<string, string>> }
  /** It goes on until it is ended. */
  | { readonly do: 'work' }
  | { readonly do: 'fail'; readonly why: string }
  /** Asks a person, and ends. */
  | { readonly do: 'ask'; readonly question: string }
  /** Asks to be allowed, and waits. */
  | { readonly do: 'permission'; readonly id: string; readonly tool: string; readonly detail: string }
  /** For a judge: its last message ends with its verdict. */
  | { readonly do: 'approve'; readonly body: string };

export interface Act {
  /** `$ ` before a line: it ran that command. */
  readonly says: readonly string[];
  readonly tokens: { readonly input: number; readonly output: number };
  readonly costUsd: number;
  readonly end: End;
}

/** By `<project>/<title>#<attempt>`. */
export type Acts = Readonly<Record<string, Act>>;
