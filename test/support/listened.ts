/** A machine by itself, below a parent that only listens. */
import { type ActorRefFrom, type AnyStateMachine, createActor, type EventObject, setup } from 'xstate';

/** Begins the machine with that input, at time 0. */
export function listened<Machine extends AnyStateMachine>(machine: Machine, input: object) {
  const reported: EventObject[] = [];
  const above = setup({ actors: { child: machine as AnyStateMachine } }).createMachine({
    context: ({ spawn }) => {
      spawn('child', { id: 'child', input: { ...input, at: 0 } });
      return {};
    },
    on: { '*': { actions: ({ event }) => void reported.push(event) } },
  });
  let at = 0;
  return {
    one: createActor(above).start().getSnapshot().children.child as ActorRefFrom<Machine>,
    /** An event of the engine, one millisecond after the one before. */
    event(type: string, fields: object = {}): never {
      at += 1;
      return { at, origin: 'engine', run: null, type, ...fields } as never;
    },
    /** What it reported to its parent since the last call. */
    reported: () => reported.splice(0),
  };
}
