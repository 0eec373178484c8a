"""What a decision says, in words."""

from whalepipe.catalog.decisions import Decision

VERDICTS = {"same": "it is {}", "different": "it is not {}", "new": "a new animal, {}", "unsure": "cannot be told"}
AUDITED = {"two-ids": "two animals", "two-animals": "one animal", "duplicate": "both photos"}


def in_words(d: Decision) -> str:
    """A decision in a few words."""
    if d.undoes is not None:
        return f"took back decision {d.undoes}"
    if d.kind != "judge":
        return _of_the_catalogue(d)
    verdict, individual = str(d.after.get("verdict", "")), str(d.after.get("individual", ""))
    return VERDICTS.get(verdict, "not usable").format(individual)


def _of_the_catalogue(d: Decision) -> str:
    to, crops = d.after.get("individual", ""), len(d.before.get("crops") or ())
    some = f"{crops} crop" + ("s" if crops != 1 else "")
    said = {
        "merge": f"{d.subject} is {to}",
        "split": f"{some} of {d.subject} now {to}",
        "assign": f"{some} of {d.subject} now {to}",
        "remove": f"{some} of {d.subject} removed",
        "turn": f"{some} of {d.subject} seen from the {d.after.get('view', '')}",
        "dismiss": f"right as it is: {_kind(d.subject)}",
    }
    if d.kind == "edit" and d.after.get("species"):
        return f"{d.subject} is {d.after['species']}"
    return said.get(d.kind, f"{d.kind} {d.subject}")


def _kind(key: str) -> str:
    """`two animals, not one` of the key of a suspicion."""
    kind = key.rpartition("-")[0]
    return AUDITED.get(kind, f"the {kind}")
