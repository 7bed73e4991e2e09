"""The demo: the whole of Widerview on one machine, from nothing, with sample clients or real public accounts."""

import warnings

# A machine without a login session (a server, a container) has no such folder, and needs none.
warnings.filterwarnings("ignore", message="XDG_RUNTIME_DIR is not set")
