/** A chart for drawing: the states of a machine and the arrows between them, with their positions in pixels, from the top left corner. */

export interface Box {
  readonly x: number;
  readonly y: number;
  readonly w: number;
  readonly h: number;
}

export interface ChartState extends Box {
  /** Its path from the machine's root, joined by dots. */
  readonly id: string;
  readonly key: string;
  readonly kind: 'atomic' | 'compound' | 'parallel' | 'final' | 'history';
  readonly description: string;
  readonly tags: readonly string[];
  /** Whether it is the initial state of its parent. */
  readonly initial: boolean;
}

/** Words of an edge; those on one line are separated by a space. */
export type ChartWords = readonly [kind: 'event' | 'guard' | 'target', text: string];

/** One transition with a target. */
export interface ChartEdge {
  /** `<source>:<event>:<index>`, the index counting the source's transitions for that event; `always` where no event is needed. */
  readonly id: string;
  readonly source: string;
  readonly target: string;
  readonly event: string;
  /** `else`: it has no guard, and comes after an edge of the same event that has one. */
  readonly guard: string | null;
  /** The index of its text in `labels`. */
  readonly label: number;
  /** The top of its first line. */
  readonly y: number;
  /** The event is left out if the edge above it in the same label names it. */
  readonly lines: readonly (readonly ChartWords[])[];
  /** The arrow that shows it, as an index into `routes`; null: it leads into its own source. */
  readonly route: number | null;
}

/** The words of some edges, with a border around them. */
export interface ChartLabel extends Box {
  /** The state that contains it; null: it is on an arrow. */
  readonly state: string | null;
}

/**
 * An arrow between two states of the same parent. It represents every edge from within the one to within the other; those that begin in
 * a state further down are there by name.
 */
export interface ChartRoute {
  readonly source: string;
  readonly target: string;
  readonly points: readonly (readonly [x: number, y: number])[];
}

/** The dot with which a composite state begins. */
export interface ChartStart {
  readonly target: string;
  readonly points: readonly (readonly [x: number, y: number])[];
}

export interface Chart {
  readonly machine: string;
  /** The version of the machine. */
  readonly version: string;
  readonly width: number;
  readonly height: number;
  /** Parents before their children, in the order of the definition. */
  readonly states: readonly ChartState[];
  readonly edges: readonly ChartEdge[];
  readonly labels: readonly ChartLabel[];
  readonly routes: readonly ChartRoute[];
  readonly starts: readonly ChartStart[];
}
