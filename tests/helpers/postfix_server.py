"""A real mail server for tests: Debian's Postfix, run from a folder of its own, for mails to `*.example` only."""

import os
import pwd
import shutil
import socket
import subprocess
import time
from collections import Counter
from pathlib import Path
from typing import Self

REFUSED, LATER, SPAM = "refused", "later", "spam"
"""Recipients whose address begins so are refused (550), put off (450), or their mail is (554, after DATA)."""

_MAIN = """\
compatibility_level = 3.6
queue_directory = {folder}/queue
data_directory = {folder}/data
mail_owner = postfix
myhostname = mta.example
mydestination =
mynetworks = 127.0.0.0/8
inet_interfaces = 127.0.0.1
inet_protocols = ipv4
virtual_mailbox_domains = regexp:{folder}/domains
virtual_mailbox_base = {folder}/mail
virtual_mailbox_maps = static:all/
virtual_uid_maps = static:{uid}
virtual_gid_maps = static:{gid}
virtual_minimum_uid = 1
virtual_transport = {transport}
smtpd_relay_restrictions = permit_mynetworks, reject
smtpd_recipient_restrictions = check_recipient_access regexp:{folder}/access, permit_mynetworks, reject
smtpd_data_restrictions =
smtpd_end_of_data_restrictions = check_recipient_access regexp:{folder}/after
smtpd_tls_security_level = may
smtpd_tls_chain_files = {folder}/mail.pem
smtpd_client_connection_rate_limit = 0
smtpd_client_connection_count_limit = 0
smtpd_hard_error_limit = 1000
smtpd_soft_error_limit = 1000
smtputf8_enable = yes
maillog_file = {folder}/log
maillog_file_prefixes = {folder}
debug_peer_list =
alias_maps =
alias_database =
"""
_MASTER = """\
127.0.0.1:{port} inet n - n - 10 smtpd
cleanup unix n - n - 0 cleanup
qmgr unix n - n 300 1 qmgr
rewrite unix - - n - - trivial-rewrite
bounce unix - - n - 0 bounce
defer unix - - n - 0 bounce
trace unix - - n - 0 bounce
verify unix - - n - 1 verify
flush unix n - n 1000? 0 flush
proxymap unix - - n - - proxymap
smtp unix - - n - - smtp
error unix - - n - - error
retry unix - - n - - error
discard unix - - n - - discard
virtual unix - n n - 2 virtual
anvil unix - - n - 1 anvil
scache unix - - n - 1 scache
tlsmgr unix - - n 1000? 1 tlsmgr
postlog unix-dgram n - n - 1 postlogd
"""


def why_not() -> str | None:
    """Say why Postfix cannot be run here; None if it can."""
    if shutil.which("postfix", path="/usr/sbin:/usr/bin") is None:
        return "Postfix is not installed (Debian: apt install postfix)"
    if os.geteuid() != 0:
        return "Postfix starts as root only"
    return None


class Postfix:
    """Use it as a context manager; `folder` must be a place that the user `postfix` can reach.

    `certificate` is for 127.0.0.1, with its key. `keep`: deliver what was taken into mailboxes, where `received` counts
    it; else throw it away once it was queued.
    """

    def __init__(self, folder: Path, certificate: Path, *, keep: bool = True) -> None:
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port: int = free.getsockname()[1]
        shutil.copy(certificate, folder / "mail.pem")
        self._folder = folder
        owner = pwd.getpwnam("postfix")
        folder.chmod(0o755)
        for name, mode in (("queue", 0o755), ("data", 0o700), ("mail", 0o700), ("mail/all", 0o700)):
            (folder / name).mkdir()
            (folder / name).chmod(mode)
            if name != "queue":
                os.chown(folder / name, owner.pw_uid, owner.pw_gid)
        files = {
            "main.cf": _MAIN.format(
                folder=folder, uid=owner.pw_uid, gid=owner.pw_gid, transport="virtual" if keep else "discard"
            ),
            "master.cf": _MASTER.format(port=self.port),
            "domains": r"/\.example$/ OK" + "\n",
            "access": f"/^{REFUSED}/ 550 5.1.1 no such user\n/^{LATER}/ 450 4.2.1 come back later\n",
            "after": f"/^{SPAM}/ 554 5.7.1 looks like spam\n",
        }
        for name, content in files.items():
            (folder / name).write_text(content)

    def __enter__(self) -> Self:
        self._postfix("start")
        deadline = time.monotonic() + 20
        while time.monotonic() < deadline:
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", self.port)) == 0:
                    return self
            time.sleep(0.05)
        raise TimeoutError((self._folder / "log").read_text()[-2000:])

    def __exit__(self, *_: object) -> None:
        self._postfix("stop")

    def received(self) -> Counter[str]:
        """How many mails each recipient got, once all that was taken has been delivered."""
        deadline = time.monotonic() + 60
        while self._queued():
            if time.monotonic() > deadline:
                raise TimeoutError(f"still queued: {self._queued()}")
            time.sleep(0.02)
        return Counter(
            line.removeprefix("Delivered-To:").strip()
            for mail in (self._folder / "mail" / "all" / "new").glob("*")
            for line in mail.read_text(errors="replace").splitlines()
            if line.startswith("Delivered-To:")
        )

    def _queued(self) -> list[Path]:
        names = ("incoming", "active", "deferred", "maildrop")
        return [path for name in names for path in (self._folder / "queue" / name).rglob("*") if path.is_file()]

    def _postfix(self, command: str) -> None:
        done = subprocess.run(
            ["/usr/sbin/postfix", "-c", str(self._folder), command], capture_output=True, text=True, check=False
        )
        if done.returncode:
            log = self._folder / "log"
            raise RuntimeError(f"{done.stdout}{done.stderr}{log.read_text() if log.exists() else ''}")
