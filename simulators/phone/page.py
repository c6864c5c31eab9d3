"""The phone as a page: three tabs, bubbles, buttons. Without scripts a press loads it anew; with them it changes by itself."""

from __future__ import annotations

import html
import re
from urllib.parse import urlencode

from simulators.phone.phones import Line, Phone

TABS = (("wa", "WhatsApp"), ("sms", "SMS"), ("ussd", "*119#"))
_LINK = re.compile(r"https?://[^\s<>\"]+")

_PAGE = """<!doctype html>
<html lang="id"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>Ponsel simulasi</title><style>
*{{box-sizing:border-box}}body{{font:1rem/1.45 sans-serif;margin:0;background:#e9edf1;color:#1b1f24}}
main{{max-width:26rem;margin:0 auto;min-height:100vh;display:flex;flex-direction:column;background:#fff}}
header{{padding:.6rem .8rem;background:#14532d;color:#fff}}h1{{font-size:1rem;margin:0 0 .4rem}}
header form{{display:flex;gap:.5rem}}header input{{flex:1;min-width:0}}
nav{{display:flex}}nav a{{flex:1;text-align:center;padding:.7rem 0;color:#14532d;text-decoration:none;border-bottom:3px solid #d5dbe1}}
nav a[aria-current]{{border-color:#14532d;font-weight:600}}
ol{{list-style:none;margin:0;padding:.8rem;flex:1;overflow-wrap:anywhere}}li{{margin:0 0 .6rem;max-width:85%;width:fit-content;
padding:.5rem .7rem;border-radius:.6rem;background:#eef2f5;white-space:pre-line}}li.mine{{margin-left:auto;background:#d8f3dc}}
li img{{display:block;width:12rem;max-width:100%;image-rendering:pixelated;margin-bottom:.4rem}}
li form{{margin:.4rem 0 0}}button,input{{font:inherit;min-height:2.75rem;border-radius:.4rem;border:1px solid #6b7680;padding:.3rem .7rem}}
button{{background:#14532d;color:#fff;border-color:#14532d}}li button{{display:block;width:100%;margin-top:.35rem;background:#fff;color:#14532d;text-align:left}}
small{{color:#4b5563}}li button small{{display:block}}.say{{display:flex;gap:.5rem;padding:.8rem;border-top:1px solid #d5dbe1;position:sticky;bottom:0;background:#fff}}
.say input{{flex:1;min-width:0}}.hint{{margin:0;padding:.6rem .8rem;background:#fff7e0;font-size:.9rem}}
pre{{font:1rem/1.4 monospace;white-space:pre-wrap;margin:.8rem;padding:.8rem;background:#f3f4f6;border-radius:.4rem}}
.row{{display:flex;gap:.5rem;padding:.8rem}}:focus-visible{{outline:3px solid #b45309;outline-offset:2px}}
</style></head><body><main>
<header><h1>Ponsel simulasi <span lang="en">· a made-up phone</span></h1>
<form action="/hp"><input type="hidden" name="m" value="{medium}"><input name="n" value="{number}" inputmode="tel" aria-label="Nomor ponsel ini">
<button>Ganti</button></form></header>
<nav aria-label="Saluran">{tabs}</nav>{hint}{body}
</main>{script}</body></html>"""
_HINT = """<p class="hint">{words} Bila ditanya NIK, tulis NIK rekaan dan nama apa saja dalam satu pesan: <b>3671015506920051 Budi</b>. Tidak ada yang sampai ke telepon sungguhan.</p>"""
_WORDS = {
    "wa": "Tulis <b>vaksin</b>.",
    "sms": "Kirim <b>vaksin</b>.",
    "ussd": "Tekan <b>Panggil</b>.",
}
_SCRIPT = """<script>
const talk = document.querySelector("ol");
if (talk) {
  const end = () => scrollTo(0, document.body.scrollHeight);
  end();
  setInterval(async () => {
    const told = await fetch(location.href, { headers: { "X-Part": "talk" } }).then((r) => (r.ok ? r.text() : null), () => null);
    if (told !== null && told !== talk.dataset.told) {
      if (talk.dataset.told !== undefined || told.trim() !== talk.innerHTML.trim()) {
        talk.innerHTML = told;
        end();
        document.title = "🔔 " + document.title.replace("🔔 ", "");
        navigator.vibrate?.(200);
      }
      talk.dataset.told = told;
    }
  }, 1000);
}
</script>"""


def page_of(number: str, medium: str, phone: Phone) -> str:
    """The whole page of one tab."""
    tabs = "".join(
        f'<a href="{html.escape(address(number, key))}"{" aria-current=page" if key == medium else ""}>{label}</a>'
        for key, label in TABS
    )
    body = _call(number, phone) if medium == "ussd" else _talk(number, medium, phone)
    script = "" if medium == "ussd" else _SCRIPT
    hint = _HINT.format(words=_WORDS[medium])
    return _PAGE.format(medium=medium, number=html.escape(number), tabs=tabs, hint=hint, body=body, script=script)


def address(number: str, medium: str) -> str:
    """Where that tab of that phone is."""
    return "/hp?" + urlencode({"n": number, "m": medium})


def lines_of(number: str, medium: str, phone: Phone) -> str:
    """The bubbles alone; only the newest can be answered by a button."""
    lines = list(phone.whatsapp if medium == "wa" else phone.sms)
    return "".join(_bubble(number, line, last=line is lines[-1]) for line in lines)


def _talk(number: str, medium: str, phone: Phone) -> str:
    return f"""<ol aria-live="polite">{lines_of(number, medium, phone)}</ol>
<form class="say" method="post" action="/hp/{medium}">{_who(number)}<input name="text" required autocomplete="off" aria-label="Pesan" autofocus>
<button>Kirim</button></form>"""


def _bubble(number: str, line: Line, *, last: bool) -> str:
    picture = f'<img src="/hp/gambar/{html.escape(line.picture)}" alt="Kode QR tiket">' if line.picture else ""
    pressed = "".join(
        f"""<button name="{"baris" if one.row else "tombol"}" value="{html.escape(one.answer)}">{html.escape(one.label)}
{f"<small>{html.escape(one.detail)}</small>" if one.detail else ""}</button>"""
        for one in line.buttons
    )
    form = f'<form method="post" action="/hp/wa">{_who(number)}{pressed}</form>' if pressed and last else ""
    mine = ' class="mine"' if line.mine else ""
    return f"<li{mine}>{picture}{_linked(line.text)}{form}</li>"


def _call(number: str, phone: Phone) -> str:
    screen = f"<pre>{html.escape(phone.screen)}</pre>" if phone.screen else ""
    dial = f'<form class="row" method="post" action="/hp/panggil">{_who(number)}<button>Panggil *119#</button></form>'
    if not phone.open:
        return screen + dial
    return f"""{screen}<form class="say" method="post" action="/hp/ussd">{_who(number)}
<input name="text" autocomplete="off" aria-label="Jawaban" autofocus><button>Kirim</button></form>{dial}"""


def _who(number: str) -> str:
    return f'<input type="hidden" name="n" value="{html.escape(number)}">'


def _linked(text: str) -> str:
    return _LINK.sub(lambda found: f'<a href="{found[0].rstrip(".,")}">{found[0]}</a>', html.escape(text))
