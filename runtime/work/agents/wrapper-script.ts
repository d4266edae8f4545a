/** The line in a log that marks missing output. */
export const outputLostMark = '[stator: some output is missing here: the disk took no more]';
/** Another program copies the output; killing it loses the data that it holds. */
export const writerKilledMark = '[stator: some output is missing here: the program that writes it was killed]';

/** The exit code of a wrapper that could not write into its folder, and has started nothing: EX_TEMPFAIL. */
export const noRoomCode = 75;

/**
 * The program between an engine and an agent: a few lines of POSIX sh, because it must start in a millisecond, need nothing
 * installed, and outlive the engine that wrote it.
 *
 * `wrap` runs first, in a session of its own: claims the run, starts the agent, waits, writes its exit code. `agent` is the same
 * file, running for a moment in the process that becomes the agent, because only there `$$` is the agent's own number.
 *
 * The agent runs in the foreground of the script: a background one would be born with INT and QUIT ignored. Signals: ignored
 * around `ln` and `mv`, so that a TERM to the whole tree does not lose a claim or an exit code; caught (`:`) while the agent is started and
 * lives, since the agent would inherit an ignored signal but not a caught one.
 *
 * The room for the exit code is taken before the claim, and written over in place: so the exit code can be written even if the agent filled the disk. Without
 * space, or without the folder, nothing is claimed and nothing started.
 *
 * If the folder is away at the end, with its disk, the exit code waits a minute for it.
 *
 * The agent writes into a pipe, which a part of the wrapper empties into the log: so a full disk does not make the agent's own writes fail. Output that
 * cannot be written is dropped; `output-lost` is made by a rename, which needs no space, and the log gets a mark as soon as possible. The pipe has a name
 * until the last process that writes into it has gone.
 *
 * An agent with a terminal is fed from the file `input`, through a pipe that the wrapper holds open itself: so it never ends, and the terminal stays open
 * even if the program that reads the file ends.
 *
 * Only the user can read its files, whatever the umask; the agent gets the original umask.
 *
 * The run's secret comes over descriptor 3, where no other program can read it, and is written beside the exit code: a file that the agent puts in its place
 * is invalid. If an engine dies before it has sent the secret, nothing is started.
 *
 * Crashes: killed before `ln`, nothing was started and the claim is free; after it, without `exit`, the run is lost. If `ln` fails although it has linked,
 * comparing the two names shows it. The last line only wakes watchers of `claim`.
 */
export const wrapperScript = `#!/bin/sh
# Started by stator: wrapper wrap|agent <run folder> <program> [argument]...
set -u
mode=$1
folder=$2
shift 2
mask=$(umask)

identity() {
  if [ -r "/proc/$$/stat" ]; then
    read -r boot </proc/sys/kernel/random/boot_id
    read -r stat <"/proc/$$/stat"
    set -- \${stat##*) }
    echo "$boot $$ \${20}"
  else
    echo $(sysctl -n kern.bootsessionuuid) $$ $(LC_ALL=C ps -o lstart= -p $$)
  fi
}

if [ "$mode" = agent ]; then
  umask 077
  identity >"$folder/pid" || exit 126
  umask "$mask"
  exec "$@"
fi

drain() {
  trap '' XFSZ
  isLost=
  isSaid=
  mark='${outputLostMark}'
  until
    [ -z "$isLost" ] || [ "$isSaid" ] || { printf '\\n%s\\n' "$mark" && isSaid=1; }
    command -p cat
  do
    [ $? -le 128 ] || mark='${writerKilledMark}'
    [ "$isLost" ] || command -p mv -f "$folder/claim.$$" "$folder/output-lost"
    isLost=1
    IFS= read -r line || break
  done
  [ -z "$isLost" ] || [ "$isSaid" ] || printf '\\n%s\\n' "$mark"
  command -p rm -f "$folder/output.$$"
}

trap '' HUP INT QUIT PIPE ALRM TERM USR1 USR2
read -r secret <&3 || exit 1
exec 3<&-
set -C
umask 077
{ identity >"$folder/claim.$$" && echo "255 $secret" >"$folder/exit.$$" && command -p mkfifo "$folder/output.$$"; } 2>/dev/null || exit ${noRoomCode}
[ ! -e "$folder/input" ] || command -p mkfifo "$folder/input.$$" 2>/dev/null || exit ${noRoomCode}
command -p ln "$folder/claim.$$" "$folder/claim" 2>/dev/null
[ "$folder/claim" -ef "$folder/claim.$$" ] || exit 1
set +C
exec 2>/dev/null
drain <"$folder/output.$$" &
exec >"$folder/output.$$"
feeder=
if [ -p "$folder/input.$$" ]; then
  exec <>"$folder/input.$$"
  command -p tail -c +1 -f "$folder/input" >"$folder/input.$$" &
  feeder=$!
fi
trap : HUP INT QUIT PIPE ALRM TERM USR1 USR2
umask "$mask"
/bin/sh "$0" agent "$folder" "$@" 2>&1
code=$?
exec >/dev/null
[ -z "$feeder" ] || { kill -KILL "$feeder"; command -p rm -f "$folder/input.$$"; }
trap '' HUP INT QUIT PIPE ALRM TERM USR1 USR2
waited=0
until [ -e "$folder/exit.$$" ] || [ "$waited" -ge 60 ]; do
  command -p sleep 1
  waited=$((waited + 1))
done
printf '%03d %s\\n' "$code" "$secret" 1<>"$folder/exit.$$" && command -p mv -f "$folder/exit.$$" "$folder/exit"
echo ended >>"$folder/claim"
`;
