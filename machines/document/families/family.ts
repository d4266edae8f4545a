export interface PlanSource {
  readonly text: string;
  readonly path: string;
  readonly beside: readonly string[];
}
