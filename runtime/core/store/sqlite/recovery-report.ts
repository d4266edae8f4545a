/** What became of a damaged store. By itself, so that the types of the package lead to no module of SQLite. */

/** What of a table could be read. */
export interface RecoveredTable {
  readonly table: string;
  readonly rows: number;
  /** null: some, and nothing tells how many. */
  readonly lost: number | null;
}

export interface Recovery {
  /** Where the damaged files lie. */
  readonly aside: string;
  readonly tables: readonly RecoveredTable[];
  /** `project/plan` of those whose progress was lost, though they are still listed. */
  readonly plansWithoutState: readonly string[];
}
