import type { PlanSource } from './families/family.ts';
import type { FamilyName } from './families/registry.ts';
import { type ParsedPlan, type PlanProblem, parsePlan } from './plan-document.ts';
export interface PlanReading extends ParsedPlan {
  family: FamilyName;
  content: string;
  name: string | null;
  remarks: PlanProblem[];
  markDone: ((tasks: { wave: number; task: number }[]) => string) | null;
}
export function readPlan(source: PlanSource, as?: FamilyName): PlanReading {
  const parsed = parsePlan(source.text);
  return { ...parsed, family: as ?? 'stator', content: source.text, name: null, remarks: [], markDone: null };
}
export function readingText(reading: Pick<PlanReading, 'family'>): string {
  return `read as ${reading.family}`;
}
