"""For every suite."""

import signal

# A shell starts background jobs with SIGINT ignored, and what is ignored stays so in every child: then Ctrl-C tests, here
# and in the programs they start, would wait for nothing.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)
