# SPDX-License-Identifier: Apache-2.0
"""Looking numbers up in the raw data of sections: medians over rounds, and nothing where nothing was measured."""
import statistics

NOTHING = "–"


class Section:
    """Raw data of one section; every look-up gives None when the section, server, load or number is not there."""

    def __init__(self, content):
        self.content = content or {"results": {}}
        self.there = content is not None

    def values(self, server, name, *path, scale=1):
        """The number of every round, divided by `scale`."""
        found = []
        for results in self.content["results"].get(server, []):
            value = results.get(name)
            for key in path:
                value = value.get(key) if isinstance(value, dict) else None
            if isinstance(value, (int, float)):
                found.append(value / scale)
        return found

    def median(self, server, name, *path, scale=1):
        found = self.values(server, name, *path, scale=scale)
        return statistics.median(found) if found else None

    def spread(self, server, name, *path, scale=1):
        found = self.values(server, name, *path, scale=scale)
        return f"{min(found):.3g}–{max(found):.3g}" if len(found) > 1 else NOTHING

    def error(self, server, name):
        """Why a load could not be run, in its last round that failed."""
        errors = [results[name]["error"] for results in self.content["results"].get(server, [])
                  if isinstance(results.get(name), dict) and "error" in results[name]]
        return errors[-1] if errors else None


def text(value, form="{:,.0f}"):
    return NOTHING if value is None else form.format(value)


def ratio(numerator, denominator):
    """Their quotient, or None when one is missing or nothing can be divided by it."""
    return None if numerator is None or not denominator else numerator / denominator


def joined(*parts):
    """Texts of values behind each other, or nothing when the first is missing: `joined((60, "{:.0f} µs"), (None, " ({} GB)"))`."""
    return NOTHING if parts[0][0] is None else "".join(form.format(value) for value, form in parts if value is not None)
