r"""Masks for secrets and personal identifiers in the message of events.

They apply before the message is parsed as JSON, so that no field has an unmasked value. A secret is known by its shape,
such as a vendor's prefix or a check digit, or by its position: after a name such as `password=`, in a URL, in a header.
The name is kept: `password=[masked]`.

Names are handled in two steps: each of `NAMES` puts `MARK` in front of its value, then one mask for each form of a
value replaces it together with the mark.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from components.logging.fluentd.syntax import Section, filter_, section

MASKED = "[masked]"
MARK = "<<hide>>"

KEYS = (
    *(
        "api",
        "access",
        "auth",
        "app",
        "aes",
        "account",
        "secret",
        "service",
        "signing",
        "subscription",
        "shared",
        "storage",
    ),
    *(
        "session",
        "ssh",
        "security",
        "private",
        "encryption",
        "decryption",
        "master",
        "consumer",
        "confm",
        "crtfc",
        "client",
    ),
    *("webhook", "license", "deploy", "hmac", "jwt", "gpg", "rsa"),
)
"""What makes a key a secret one: `apiKey`, `SIGNING_KEY`, but not `cache_key`.

`confmKey` and `crtfc_key` are of Korean open data.
"""


def _any_case(word: str) -> str:
    return "".join(f"[{letter.upper()}{letter}]" for letter in word)


def _set_off(word: str) -> str:
    """A word that is a name of its own, or a part that is set off: `DB_PASS`, `dbPass`, but not `compass`.

    It begins with the word, which Ruby finds fast; what stands before it is looked at afterwards.
    """
    camel = f"(?<=[a-z0-9]{word.capitalize()})"
    found = (
        _any_case(word) if "ss" in word else f"(?i:{word})"
    )  # Ruby takes "ss" for the same as "ß", and is slow at it
    return rf"{found}(?:(?<![A-Za-z]{_any_case(word)})|{camel})(?![A-Za-z])"


STRONG = (
    r"(?i:pass)(?i:w(?:or)?d|phrase|code)",
    _set_off("pass") + r"(?!:\s?\d{1,5}\b)",
    r"(?i:secret)",
    *map(_set_off, ("pwd", "pw", "pin", "otp", "cvc", "cvv", "rrn", "ssn")),
)
"""Beginnings of secrets' names, one a mask, since Ruby is fast at finding one word, and slow at finding one of many."""

WEAK = (
    r"(?i:token)",
    r"(?i:credential)(?i:s(?![a-z]))?",
    r"(?i:session)[_-]?(?i:id)",
    r"(?i:signature)",
    r"(?i:key)(?![a-z])(?:"
    + "|".join(rf"(?<={_any_case(word)}{between}[Kk][Ee][Yy])" for word in KEYS for between in ("", "[_-]"))
    + r")(?:[_-]?[Ii][Dd])?",
)
"""The same, for names that are also words of harmless sentences, such as `Unexpected token: punc`."""

KOREAN = (
    r"비밀번호|패스워드|암호|비번|인증번호|인증키|보안코드|서비스키|시크릿|토큰|카드번호|계좌번호|여권번호|운전면허번호"
)
RESIDENT = r"주민등록번호|주민번호|외국인등록번호|외국인번호"

HARMLESS = (
    r"type|counts?|limit|length|len|size|name|file|path|url|uri|policy|expir\w{0,8}|ttl|age|usage|used|budget|reset|required|"
    r"valid|strength|attempts?|max|min|per|rate|at|in|changed|updated|version|enabled|hint"
)
TAIL = (
    rf"(?![\w.-]{{0,40}}?(?:[_.-]|(?=[A-Z]))(?i:{HARMLESS})[\"']?\s{{0,4}}[:=])"
    r"(?:[A-Z_.-][A-Za-z0-9_.-]{0,40}|\d{0,4}|s(?=[\"']\s{0,4}:\s{0,4}[{\[\"]))"
)
"""What may follow in a name: `SECRET_KEY`, `PASSWORD2`, `jwt.secret.base64`, but not `token_count` or `tokens`."""

NOT_A_VALUE = (
    r"(?!\[masked\]|<<hide>>|\*{3}|<\w+>|\$\{|\{\{|(?i:yes|no|true|false|null|none|nil|undefined|required|missing|invalid|"
    r"expired|incorrect|wrong|empty|unset|not|must|is|was|too|ok|failed|changed|updated|reset|mismatch|should|cannot)"
    r"(?![\w-]))"
)
"""Before a value: it is none that tells nothing, such as `(using password: YES)` or `password: required`."""

QUOTE = r"(?:\\{0,7}[\"'])"
SEPARATOR = rf"(?>{QUOTE}?\s{{0,4}}(?::=|=>|[:=]|>)\s{{0,4}})"
OPAQUE = r"(?=\\{0,7}[\"'{\[]|(?=[^\s,;)\"']*\d)[^\s,;)\"']{8}|[^\s,;)\"']{20})"

NAMES = (
    *(rf"{name}{TAIL}{SEPARATOR}" for name in STRONG),
    *(
        rf"{name}{TAIL}(?>{QUOTE}\s{{0,4}}(?:=>|[:=])\s{{0,4}}|\s{{0,4}}(?:=>?|>)\s{{0,4}}|:\s{{0,4}}{OPAQUE})"
        for name in WEAK
    ),
    rf"(?:{KOREAN})(?:{SEPARATOR}|[은는이]?\s(?=[!-~]{{4}}))(?=\\{{0,7}}[\"']?[!-~])",
    r"--[\w-]{0,40}(?i:password|passwd|pass|secret|token|api-key)[ ]",
    r"[?&](?:(?i:sig|sign|hmac|ticket|assertion|otp|auth|password|pw|pwd|key)=|code=(?=[^&\s]{16}))",
)
"""Names of secrets, to the beginning of their values."""


def _nested(depth: int) -> str:
    """A JSON object or array with others inside, to a depth."""
    inner = rf"|{_nested(depth - 1)}" if depth else ""
    text = r"\"(?>(?:[^\"\\]|\\.)*)\""
    return rf"[{{\[](?>(?:[^{{}}\[\]\"]|{text}{inner})*)[}}\]]"


@dataclass(frozen=True, kw_only=True)
class Mask:
    r"""A regular expression and its replacement.

    Attributes:
        name: Description of what is masked, for readers.
        pattern: A Ruby regular expression, without slashes.
        replacement: The replacement; `\1` is the pattern's first group.
    """

    name: str
    pattern: str
    replacement: str = MASKED


NAME_AND_MASK = rf"\1{MASKED}"
IN_QUOTES = rf'"{MASKED}"'

VENDORS = (
    *(
        r"[sr]k[-_](?:ant-|proj-|live_|test_)?[A-Za-z0-9_-]{16,}",
        r"AIza[A-Za-z0-9_-]{30,}",
        r"ya29\.[A-Za-z0-9_-]{16,}",
    ),
    *(r"GOCSPX-[A-Za-z0-9_-]{16,}", r"gh[oprsu]_[A-Za-z0-9]{20,}", r"github_pat_[A-Za-z0-9_]{20,}"),
    *(
        r"gl(?:pat|dt|rt|ptt)-[A-Za-z0-9_-]{16,}",
        r"gl(?:sa|c)_[A-Za-z0-9_+/=]{16,}",
        r"xox[abceoprs]-[A-Za-z0-9-]{10,}",
    ),
    *(r"xapp-[A-Za-z0-9-]{10,}", r"npm_[A-Za-z0-9]{20,}", r"pypi-[A-Za-z0-9_-]{20,}", r"hf_[A-Za-z0-9]{16,}"),
    *(r"SG\.[A-Za-z0-9_-]{16,}\.[A-Za-z0-9_-]{16,}", r"whsec_[A-Za-z0-9+/=]{16,}", r"dop_v1_[a-f0-9]{32,}"),
    *(r"dckr_pat_[A-Za-z0-9_-]{16,}", r"hv[sb]\.[A-Za-z0-9_-]{16,}", r"pul-[a-f0-9]{40}", r"gsk_[A-Za-z0-9]{20,}"),
    *(r"xai-[A-Za-z0-9]{20,}", r"live_g?[sc]k_[A-Za-z0-9]{16,}", r"test_g?[sc]k_[A-Za-z0-9]{16,}"),
    *(r"shp(?:at|ca|pa|ss)_[a-f0-9]{16,}", r"AGE-SECRET-KEY-1[A-Z0-9]{20,}", r"NRAK-[A-Z0-9]{20,}", r"SK[a-f0-9]{32}"),
    *(r"sq0[a-z]{3}-[A-Za-z0-9_-]{20,}", r"\d{8,10}:AA[A-Za-z0-9_-]{30,}", r"lin_api_[A-Za-z0-9]{20,}"),
    *(r"ATATT[A-Za-z0-9_=-]{20,}", r"AKIA[A-Z0-9]{16}", r"ASIA[A-Z0-9]{16}"),
)
"""Tokens of known vendors, by their prefixes."""

DATE = r"\d{2}(?:0[1-9]|1[0-2])(?:0[1-9]|[12]\d|3[01])"

MASKS: Sequence[Mask] = (
    Mask(
        name="private key",
        pattern=r"(-----BEGIN [A-Z0-9 ]{0,40}PRIVATE KEY(?: BLOCK)?-----)(?>[^-]*)(?:-----END [A-Z0-9 ]{0,60}-----)?",
        replacement=NAME_AND_MASK,
    ),
    Mask(
        name="Authorization header",
        pattern=(
            r"((?i:(?<![A-Za-z])(?:proxy-)?authorization)\\*[\"']?\s{0,4}[:=,]\s{0,4}b?\\*[\"']?"
            r"(?:(?i:basic|bearer|token|apikey|digest|negotiate|ntlm|hawk|aws4-hmac-sha256)\s{1,4})?)[^\s\"',;\\\[{][^\s\"',;\\]*"
        ),
        replacement=NAME_AND_MASK,
    ),
    Mask(name="bearer token", pattern=r"(\b[Bb](?i:earer)\s{1,4})[A-Za-z0-9._~+/=-]{8,}", replacement=NAME_AND_MASK),
    Mask(
        name="cookies",
        pattern=r"((?<![A-Za-z])(?:[Ss](?i:et-))?[Cc](?i:ookie)\\*[\"']?\s{0,4}[:=]\s{0,4}\\*[\"']?)[^\"'\r\n\\]+",
        replacement=NAME_AND_MASK,
    ),
    Mask(name="JSON Web Token", pattern=r"\beyJ[A-Za-z0-9_-]{5,}\.[A-Za-z0-9_-]{5,}(?:\.[A-Za-z0-9_-]*)?"),
    Mask(
        name="user part of a URL",
        pattern=(
            r"(://(?:[^\s:/?#@\"'<>\\]{0,128}:(?!\d{1,5}[/?#])|(?=[A-Za-z0-9_-]{16,128}@)))"
            r"[^\s/\"'<>\\]{1,256}(?=@[\w\[.-])"
        ),
        replacement=NAME_AND_MASK,
    ),
    *(Mask(name="token of a vendor", pattern=rf"(?<![A-Za-z0-9_.-]){token}") for token in VENDORS),
    Mask(name="webhook of Slack", pattern=r"(hooks\.slack\.com/services/)[\w/]+", replacement=NAME_AND_MASK),
    *(
        Mask(
            name="name of a secret",
            pattern=rf"({name}){NOT_A_VALUE}(?!{QUOTE}{NOT_A_VALUE[2:]}",
            replacement=rf"\1{MARK}",
        )
        for name in NAMES
    ),
    Mask(
        name="named, in escaped quotes",
        pattern=rf"{MARK}(\\{{1,7}}[\"'])(?>[^\"'\\]*)",
        replacement=NAME_AND_MASK,
    ),
    Mask(name="named, in quotes", pattern=rf"{MARK}\"(?>(?:[^\"\\]|\\.)*)\"?", replacement=IN_QUOTES),
    Mask(name="named, in single quotes", pattern=rf"{MARK}'[^']*'?", replacement=f"'{MASKED}'"),
    Mask(
        name="named, an object or an array", pattern=rf"{MARK}(?![{{\[]\s{{0,4}}\\){_nested(6)}", replacement=IN_QUOTES
    ),
    Mask(name="named, an object in escaped quotes", pattern=rf"{MARK}[{{\[][^{{}}\[\]]*[}}\]]?"),
    Mask(
        name="named, a number in JSON",
        pattern=rf"(\":\s{{0,4}}){MARK}-?\d[\d.eE+-]*(?=\s*[,}}\]])",
        replacement=rf'\1"{MASKED}"',
    ),
    Mask(name="named, other", pattern=rf"{MARK}[^\s\"',;&}}\])<]+"),
    Mask(name="mark of a name without a value", pattern=MARK, replacement=""),
    Mask(name="user of curl", pattern=r"(\s-u\s{1,2}[\w.@-]{1,64}:)[^\s]+", replacement=NAME_AND_MASK),
    Mask(
        name="Korean resident registration number, by its name",
        pattern=(
            rf"((?:{RESIDENT}|(?<![A-Za-z])[Rr][Rr][Nn])[\"']?\s{{0,2}}[:=]?\s{{0,2}}[\"']?)"
            rf"{DATE}[ -]?\d{{7}}(?!\d)"
        ),
        replacement=NAME_AND_MASK,
    ),
    Mask(
        name="Korean resident registration number since October 2020, which has no check digit",
        pattern=r"(?<![\d-])(?:20(?:1[0-2])|2[1-9](?:0[1-9]|1[0-2]))(?:0[1-9]|[12]\d|3[01])-[3478]\d{6}(?![\d-])",
    ),
    Mask(
        name="Korean telephone number",
        pattern=(
            r"(?<![\w.-])(?:(?:\+82[ -]?|0)1[016789](?:[ .-]\d{3,4}[ .-]\d{4}|\d{7,8})|"
            r"(?:\+82[ -]?|0)(?:2|[3-6][1-5]|70)[ )-]\d{3,4}-\d{4})(?![\w-])"
        ),
    ),
)
"""In order of application. Resident registration numbers: 주민등록법 시행규칙 제2조, https://www.law.go.kr ."""

# Thirteen digits may also be a Unix time in milliseconds: those of 2020 to 2033 begin with 16 to 20.
RESIDENT_NUMBER = rf"(?<![\d.-])(?!(?:1[6-9]|20)\d{{11}}(?!\d)){DATE}[ -]?[1-8]\d{{6}}(?![\d-])"
CARD_NUMBER = (
    r"(?<![\w.-])(?:(?:2[2-7]|3[5]|[4569]\d)\d\d([ -]?)\d{4}\1\d{4}\1\d{4}|"
    r"3[47]\d\d([ -]?)\d{6}\2\d{5}|3[068]\d\d([ -]?)\d{6}\3\d{4})(?![\w-])"
)

DIGITS = 'n.delete("^0-9").chars.map(&:to_i)'
RESIDENT_CHECK = (
    "d[0, 12].zip([2, 3, 4, 5, 6, 7, 8, 9, 2, 3, 4, 5]).sum { |a, b| a * b }.then "
    "{ |s| ((d[6] > 4 ? 13 : 11) - s % 11) % 10 == d[12] }"
)
"""Ruby: the check digit of a resident registration number with the digits `d`; a foreigner's seventh is above 4."""

CARD_CHECK = "d.reverse.each_with_index.sum { |a, i| i.odd? ? (a * 2).digits.sum : a } % 10 == 0"
"""Ruby: the check digit of a card number, by Luhn. https://www.iso.org/standard/70484.html"""


def checked(pattern: str, check: str) -> str:
    """A value of `record_modifier`: the message, with those numbers masked whose check digit is right.

    Args:
        pattern: A Ruby regular expression of the numbers.
        check: Ruby, of the digits `d`.
    """
    return f'${{record["message"].gsub(/{pattern}/) {{ |n| d = {DIGITS}; {check} ? "{MASKED}" : n }}}}'


def masks() -> list[Section]:
    """The filters that apply the masks to the message of every event."""
    replacements = [
        section("replace", {"key": "message", "expression": f"/{mask.pattern}/", "replace": _quoted(mask)})
        for mask in MASKS
    ]
    return [
        filter_("record_modifier", {}, *replacements),
        *(
            filter_("record_modifier", {}, section("record", {"message": checked(pattern, check)}))
            for pattern, check in ((RESIDENT_NUMBER, RESIDENT_CHECK), (CARD_NUMBER, CARD_CHECK))
        ),
    ]


def _quoted(mask: Mask) -> str:
    """The replacement as a value, in quotes where Fluentd would not take it for plain text as it is."""
    if mask.replacement[:1] == "'":
        return f'"{mask.replacement}"'
    return f"'{mask.replacement}'" if mask.replacement[:1] in {"[", '"', ""} else mask.replacement
