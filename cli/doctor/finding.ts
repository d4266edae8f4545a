/** What a check found; with a hint where something is in the way. */
export type Finding = { detail: string } | { detail: string; hint: string };
