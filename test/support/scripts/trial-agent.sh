#!/bin/sh
# An agent of the long trial: what it does is drawn from the seed and its run. It crashes, hangs, conflicts, asks or succeeds.
seed=$1
cat >/dev/null
draw=$(printf '%s' "$seed $STATOR_PROJECT $STATOR_RUN $STATOR_TITLE $STATOR_ATTEMPT" | cksum | cut -d' ' -f1)
if [ "$STATOR_ROLE" = reviewer ]; then
  case $((draw % 8)) in
    0 | 1 | 2) echo 'say why it is so'; exit 1 ;;
    3) exit 9 ;;
    *) exit 0 ;;
  esac
fi
echo "$STATOR_RUN $STATOR_ATTEMPT" >>"by-$STATOR_TITLE.txt"
sleep "0.$((draw % 9))"
case $((draw % 24)) in
  0 | 1) exit 3 ;;
  2) kill -KILL $$ ;;
  3) sleep 600 ;;
  4) trap '' TERM; sleep 600 & sleep 600; sleep 600 ;;
  5) setsid sleep 600 & exit 0 ;;
  6 | 7) stator signal emit needs_decision --payload "left or right, asks $STATOR_RUN?" >/dev/null; exit 0 ;;
  8 | 9 | 10 | 14 | 15 | 16) echo "$STATOR_RUN" >shared.txt ;;
  11) git add -A && git commit -qm 'its own commit' ;;
  12) git checkout -q -- . ; git clean -qfd ;;
  13) sleep 3 ;;
esac
exit 0
