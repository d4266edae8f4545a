/** Plays the tree `1.2` of a machine `release` to its end: it begins the tree, and says `approve` once. Returns its last state, its context, and its history; null: its life is over before. */
export async function playRelease(engine, input, isOver = () => false) {
  const tree = engine.machines.release;
  await tree.start('1.2', input);
  if ((await tree.get('1.2')).value === 'asking')
    await tree.send('1.2', { type: 'approve' }, { dedupeKey: 'approve 1.2' });
  while (!isOver() && (await tree.get('1.2')).status === 'active')
    await new Promise((resolve) => setTimeout(resolve, 10));
  if (isOver()) return null;
  const { value, context } = await tree.get('1.2');
  return { value, context, lines: await tree.history('1.2') };
}
