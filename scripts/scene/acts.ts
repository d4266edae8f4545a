/** The agents' actions in the pictures: each agent prints its lines, and then does this. */

export type End =
  /** Writes these files as its work. */
  | { readonly do: 'write'; readonly files: Readonly<Record<string, string>> }
  /** Works until it is ended. */
  | { readonly do: 'work' }
  | { readonly do: 'fail'; readonly why: string }
  /** Asks a person a question, and ends. */
  | { readonly do: 'ask'; readonly question: string }
  /** Asks for a permission, and waits. */
  | { readonly do: 'permission'; readonly id: string; readonly tool: string; readonly detail: string }
  /** A judge's approval: its last message ends with its verdict. */
  | { readonly do: 'approve'; readonly body: string };

export interface Act {
  /** Printed lines; `$ ` before a line: it ran that command. */
  readonly says: readonly string[];
  readonly tokens: { readonly input: number; readonly output: number };
  readonly costUsd: number;
  readonly end: End;
}

/** The actions by `<project>/<title>#<attempt>`. */
export type Acts = Readonly<Record<string, Act>>;
