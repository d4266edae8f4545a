export const familyNames = ['stator'] as const;
export type FamilyName = (typeof familyNames)[number];
export function isFamilyName(said: string): said is FamilyName {
  return (familyNames as readonly string[]).includes(said);
}
