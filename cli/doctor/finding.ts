/** The result of a check. A finding with a hint is a problem. */
export type Finding = { detail: string } | { detail: string; hint: string };
