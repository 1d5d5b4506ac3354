r"""The DuckDB macros that compiled rules call, made once a connection.

A value is JSON text (DuckDB's type JSON). What the macros take care of: lists on the way, nested at any depth; numbers
as orjson writes them, not as DuckDB does (`1e+16`, not `10000000000000000.0`); lower case as Python reads it.
"""

from __future__ import annotations

from sakimori.detect.sql_terms import IPV6_TEXT, NUMBER_TEXT, small_escapes

# A capital sigma is final where a cased letter stands before it and none after it, seen across what case ignores
# (Unicode, section 3.13, table 3-17). The code points are the cased symbols and ignored marks that are no letters.
_CASED = (
    r"\p{Lu}\p{Ll}\p{Lt}ªº\x{2160}-\x{217F}\x{24B6}-\x{24E9}"
    r"\x{1F130}-\x{1F149}\x{1F150}-\x{1F169}\x{1F170}-\x{1F189}"
)
_IGNORED = (
    r"\p{Mn}\p{Me}\p{Cf}\p{Lm}\p{Sk}'.:\x{B7}\x{387}\x{55F}\x{5F4}\x{2018}\x{2019}\x{2024}\x{2027}"
    r"\x{FE13}\x{FE52}\x{FE55}\x{FF07}\x{FF0E}\x{FF1A}"
)
_FINAL_SIGMA = f"([{_CASED}][{_IGNORED}]*)Σ([{_IGNORED}]*(?:[^{_CASED}{_IGNORED}]|$))".replace("'", "''")

_ODD_NUMBER = r"[:,\[]-?[0-9]+(?:\.|[eE]|[0-9]{17})"
"""Found in every JSON text with a number that orjson may write in another way, and in some more."""

_LEXEME = r'"(?:[^"\\]|\\.)*"|-?[0-9][-+.0-9eE]*|[^-"0-9]+'
"""JSON text, cut into strings, numbers and what stands between them."""


_NO_BACKSLASHES = r"replace(t, '\\', chr(1))"
_SMALL_ESCAPES = small_escapes(_NO_BACKSLASHES, "'{}'".format)

MACROS = {
    # A value and, of a list, everything in it at any depth: the levels of nesting are at most the brackets.
    "sakimori_deep(v)": """
        list_reduce(
            range(length(v::VARCHAR) - length(replace(v::VARCHAR, '[', '')) + 1),
            lambda state, step: {
                'found': list_concat(state.found, state.level),
                'level': flatten(list_transform(state.level, lambda x: json_extract(x, '$[*]')))
            },
            {'found': []::JSON[], 'level': [v]}
        ).found""",
    "sakimori_open(v)": """
        CASE WHEN v IS NULL THEN []::JSON[]
             WHEN json_type(v) <> 'ARRAY' THEN [v]
             WHEN len(json_extract(v, '$[*][*]')) > 0 THEN sakimori_deep(v)
             ELSE list_concat([v], json_extract(v, '$[*]')) END""",
    "sakimori_ends(vs)": "flatten(list_transform(vs, lambda x: sakimori_open(x)))",
    "sakimori_step(vs, path)": """
        list_filter(
            list_transform(sakimori_ends(vs), lambda x: json_extract(x, path)), lambda x: x IS NOT NULL
        )""",
    # No zero before an exponent's digit, and 1e-5 written out.
    "sakimori_double(t)": r"""
        replace(regexp_replace(regexp_replace(TRY_CAST(t AS DOUBLE)::VARCHAR,
            '^(-?)([0-9])(?:\.([0-9]+))?e-05$', '\1@\2\3'), 'e-0([0-9])$', 'e-\1'), '@', '0.0000')""",
    "sakimori_number(t)": """
        CASE WHEN regexp_matches(t, '[.eE]') OR (TRY_CAST(t AS BIGINT) IS NULL AND TRY_CAST(t AS UBIGINT) IS NULL)
             THEN sakimori_double(t) ELSE t END""",
    # An escaped backslash is set aside as U+0001, which stands in no JSON text as it is.
    "sakimori_string(t)": f"replace({_SMALL_ESCAPES}, chr(1), '\\\\')",
    "sakimori_json(t)": f"""
        replace(
            CASE WHEN contains(t, '\\u00') OR regexp_matches(t, '{_ODD_NUMBER}')
                 THEN array_to_string(list_transform(regexp_extract_all(t, '{_LEXEME}'), lambda x:
                     CASE WHEN starts_with(x, '"') THEN sakimori_string(x)
                          WHEN regexp_matches(x, '^[-0-9]') THEN sakimori_number(x)
                          ELSE x END), '')
                 ELSE t END,
            '\\"', '"')""",
    "sakimori_text(v)": """
        CASE json_type(v)
             WHEN 'NULL' THEN NULL
             WHEN 'VARCHAR' THEN json_extract_string(v, '$')
             WHEN 'DOUBLE' THEN sakimori_double(v::VARCHAR)
             WHEN 'ARRAY' THEN sakimori_json(v::VARCHAR)
             WHEN 'OBJECT' THEN sakimori_json(v::VARCHAR)
             ELSE v::VARCHAR END""",
    "sakimori_lower(t)": rf"""
        CASE WHEN contains(t, 'Σ') OR contains(t, 'İ')
             THEN lower(replace(regexp_replace(t, '{_FINAL_SIGMA}', '\1ς\2', 'g'), 'İ', 'i̇'))
             ELSE lower(t) END""",
    # The finite double that a text spells, else NULL.
    "sakimori_spelt(t)": f"""
        CASE WHEN regexp_full_match(t, '{NUMBER_TEXT}')
                  AND isfinite(TRY_CAST(regexp_replace(t, '[\\t-\\r _]', '', 'g') AS DOUBLE))
             THEN TRY_CAST(regexp_replace(t, '[\\t-\\r _]', '', 'g') AS DOUBLE) END""",
    # An IPv6 address as 32 hex digits, "" for what is none.
    "sakimori_groups(t)": """
        CASE WHEN t = '' THEN '' ELSE array_to_string(list_transform(string_split(t, ':'), lambda x:
            CASE WHEN contains(x, '.')
                 THEN array_to_string(list_transform(string_split(x, '.'), lambda o: printf('%02x', o::INT)), '')
                 ELSE lpad(x, 4, '0') END), '') END""",
    "sakimori_unfold(head, tail)": "head || repeat('0', 32 - length(head) - length(tail)) || tail",
    "sakimori_ipv6(t)": f"""
        CASE WHEN regexp_full_match(t, '{IPV6_TEXT}')
             THEN lower(sakimori_unfold(
                 sakimori_groups(string_split(string_split(t, '%')[1], '::')[1]),
                 sakimori_groups(coalesce(string_split(string_split(t, '%')[1], '::')[2], ''))))
             ELSE '' END""",
}
"""Each macro's name and parameters, and its expression; each calls only those before it."""


def setup_statements() -> tuple[str, ...]:
    """What is to be run once on a connection; running it again does no harm."""
    return tuple(f"CREATE OR REPLACE TEMP MACRO {head} AS {body}" for head, body in MACROS.items())
