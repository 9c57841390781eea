#!/bin/sh
# notify.sh WORD: writes the word down.
echo "$*" >>/tmp/k/notify
