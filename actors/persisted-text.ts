/** A tree as the JSON of its row. What one actor is worth is written once for each of its snapshots: most of a tree stands still in a step. */
import type { AnyActorRef, AnyMachineSnapshot } from 'xstate';

const noChildren = '{}';

/** Everything of an actor's own, up to where its children begin; snapshots never change. */
const ownTexts = new WeakMap<AnyMachineSnapshot, string>();
const childTexts = new WeakMap<AnyActorRef, string>();

function ownText(snapshot: AnyMachineSnapshot): string {
  const known = ownTexts.get(snapshot);
  if (known !== undefined) return known;
  const { status, output, error, value, context } = snapshot;
  const text = `${JSON.stringify({ status, output, error, value, historyValue: {}, context }).slice(0, -1)},"children":`;
  ownTexts.set(snapshot, text);
  return text;
}

/** What XState persists of a child beside its snapshot; its types keep the last two to themselves. */
interface ChildFrame {
  readonly systemId?: string;
  readonly _syncSnapshot?: boolean;
}

function frameOf(child: AnyActorRef): string {
  const known = childTexts.get(child);
  if (known !== undefined) return known;
  const { src, systemId, _syncSnapshot: syncSnapshot } = child as AnyActorRef & ChildFrame;
  const text = `,${JSON.stringify({ src, systemId, syncSnapshot }).slice(1)}`;
  childTexts.set(child, text);
  return text;
}

/** Byte for byte `JSON.stringify(root.getPersistedSnapshot())`: no context of ours holds an actor, and no state a history. */
export function persistedText(root: AnyActorRef): string {
  const snapshot: AnyMachineSnapshot = root.getSnapshot();
  let children = '';
  for (const id in snapshot.children) {
    const child = snapshot.children[id] as AnyActorRef;
    children += `${children === '' ? '{' : ','}${JSON.stringify(id)}:{"snapshot":${persistedText(child)}${frameOf(child)}`;
  }
  return `${ownText(snapshot)}${children === '' ? noChildren : `${children}}`}}`;
}
