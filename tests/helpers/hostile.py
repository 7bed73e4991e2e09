"""What strangers may write into a report, and a report in which they have."""

import msgspec
from msgspec.structs import replace

from facts_samples import good_week
from widerview.report.facts import Facts

HOSTILE = [
    "<script>window.hacked=1</script>",
    "</td></tr></table><script>window.hacked=1</script>",
    "<img src=x onerror=window.hacked=1>",
    "<svg/onload=window.hacked=1>",
    '" onmouseover="window.hacked=1" x="',
    "' autofocus onfocus='window.hacked=1",
    "<style>*{display:none}</style>",
    "</style><body onload=window.hacked=1>",
    "<a href='https://evil.example'>click</a>",
    "<iframe src=https://evil.example>",
    "<!--", "-->", "<![endif]-->", "<![CDATA[", "<?php ?>",
    "&lt;script&gt;", "&#60;script&#62;", "&notanentity;",
    "{{ 7 * 7 }}", "{% raw %}", "${7*7}", "#{7*7}", "%(client)s %s %d", "{0.__class__}",
    "# Heading\n# Another", "[evil](https://evil.example)", "![evil](https://evil.example/x.png)",
    "<https://evil.example>", "https://evil.example", "www.evil.example", "evil@evil.example",
    "| a | b |\n| --- | --- |", "```\ncode", "> quote\n\n- list\n1. list", "[ref]: https://evil.example",
    "\u202egnp.exe\u202c", "\u2066hidden\u2069", "zero\u200bwidth\ufeff", "soft\u00adhyphen", "bell\x07\x1b[31m",
    "null\x00",    "line\u2028separator\r\nSubject: injected", "Z̸̡̢̛̗̘̙̜̝̞̟̠̣̤̥̦̩̪̫̬̭̮̯̰̱̲̳̹̺̻̼͇͈͉͍͎̀́̂̃̄̅̆̇̈̉̊̋̌̍", "é" * 10_000, "a" * 10_000,
    "👩‍👩‍👧‍👦🏳️‍🌈🇩🇪" * 50, "שלום עולם", "مرحبا بالعالم", "\ud800lone",
    "javascript:window.hacked=1", "data:text/html,<script>window.hacked=1</script>", "//evil.example/x.png",
    "<base href=https://evil.example>", "<meta http-equiv=refresh content='0;url=https://evil.example'>",
    "<form action=https://evil.example><button>OK</button></form>", "<input autofocus onfocus=window.hacked=1>",
    "<details open ontoggle=window.hacked=1>", "<video><source onerror=window.hacked=1></video>",
    "<math><mi//xlink:href='data:x,<script>window.hacked=1</script>'>", "<plaintext>", "<textarea>", "<title></title>",
    "<link rel=stylesheet href=https://evil.example/x.css>", "<object data=https://evil.example>",
    "x;background:url(https://evil.example/x.png)", "expression(window.hacked=1)", "\\3c script\\3e",
    "&#x202e;gpj.exe", "&amp;lt;script&amp;gt;", "<!--[if mso]><script>window.hacked=1</script><![endif]-->",
    "{% include 'email.css' %}", "{{ facts.__class__.__mro__ }}", "{#", "<%= 7 * 7 %>", "__import__('os').system('x')",
    "marks\u200f\u200e\u061cof direction", "\u2800\u3164\u115f", "\ufff9hidden\ufffb", "\U000e0041\U000e0042 tags",
    "\U0001f9d1\u200d\U0001f680",
    "Bcc: everybody@evil.example", "=?utf-8?q?Subject?=", "\r\n\r\n<html>second body", "cid:chart", "-- \nsignature",
]  # fmt: skip


def attacked(payload: str) -> Facts:
    """A report in which every text a stranger may have written is the payload; addresses stay."""
    keep = {
        "client_id",
        "locale",
        "time_zone",
        "period",
        "permalink",
        "url",
        "reply_to",
        "glossary_url",
        "id",
        "grade",
        "colour",
        "word",
        "what",
        "why",
        "metric",
        "group",
        "currency",
        "theme",
    }

    def visit(value, field=""):
        if isinstance(value, str) and field not in keep:
            return payload
        if isinstance(value, tuple):
            return tuple(visit(item) for item in value)
        if isinstance(value, msgspec.Struct) and field != "lesson":
            return replace(value, **{name: visit(getattr(value, name), name) for name in value.__struct_fields__})
        return value

    return visit(good_week())
