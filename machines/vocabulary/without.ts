/** A copy without that key, in the same order. By hand: where keys were deleted before, a rest or a spread of a thousand takes ten times as long. */
export function without<Value>(record: Readonly<Record<string, Value>>, key: string): Record<string, Value> {
  const rest: Record<string, Value> = {};
  for (const name of Object.keys(record)) if (name !== key) rest[name] = record[name] as Value; // a key of its own
  return rest;
}
