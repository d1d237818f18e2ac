"""Bytes that something has happened to.

Belongs here: what happens to a record between its producer and us. Does not belong here: what becomes of it.
"""

from hypothesis import strategies as st


@st.composite
def damaged(draw: st.DrawFn, content: bytes) -> bytes:
    """The bytes as they are, mostly; or cut, continued, or with others between them."""
    kind = draw(st.sampled_from(["as it is", "as it is", "cut", "continued", "changed", "doubled"]))
    at = draw(st.integers(0, len(content)))
    if kind == "cut":
        return content[:at]
    if kind == "continued":
        return content + draw(st.binary(min_size=1, max_size=3))
    if kind == "changed":
        return content[:at] + draw(st.binary(min_size=1, max_size=2)) + content[at + 1 :]
    return content + content if kind == "doubled" else content
