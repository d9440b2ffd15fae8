"""Checks of the layers, on what `bazel query` says of the whole workspace.

All packages are asked for, so a new one is covered from its first target on.
"""

import collections
import xml.etree.ElementTree

# kind: "cc_library"; testonly; inputs: labels of what it depends on directly,
# through every branch of a select, and through the rule's own tools.
Rule = collections.namedtuple("Rule", "kind testonly inputs")

QUERY = ["query", "--output=xml", "--xml:default_values", "//..."]


# What a folder's rules, those for tests excepted, may depend on directly in
# this workspace, besides the folder itself; lowest first, so that no chain of
# them leads upwards. A folder includes those below it that have no line of
# their own; a line such as "sdk:clock" sets one target apart from its folder.
# What no line holds (tools, examples, the root's aliases) is for no one here.
LAYERS = {
    "proto": (),
    "sdk:clock": (),
    "sdk:endpoint": (),
    "sdk/internal": ("sdk:clock",),
    "sdk/frame": ("sdk/internal",),
    "sdk/status": ("proto", "sdk/frame"),
    "sdk:server_info": ("proto", "sdk/frame"),
    "sdk/stream": ("proto", "sdk:server_info", "sdk/internal", "sdk/frame",
                   "sdk/status"),
    "sdk/stream/tls": ("sdk:clock", "sdk/internal", "sdk/stream"),
    "sdk": ("proto", "sdk:clock", "sdk:endpoint", "sdk:server_info",
            "sdk/internal", "sdk/frame", "sdk/status", "sdk/stream",
            "sdk/stream/tls"),
    "server:limits": ("sdk/frame",),
    "server:log": ("sdk/internal",),
    "server:version": (),
    "server/storage": ("sdk:clock", "sdk/internal", "server:log"),
    "server/service": ("proto", "sdk:clock", "sdk/internal", "sdk/frame",
                       "sdk/status", "server/storage"),
    "server/session": ("proto", "sdk:clock", "sdk:server_info", "sdk/internal",
                       "sdk/frame", "sdk/status", "sdk/stream",
                       "server:limits", "server:log", "server:version",
                       "server/service"),
    "server": ("proto", "sdk:clock", "sdk:endpoint", "sdk/internal",
               "sdk/frame", "sdk/status", "sdk/stream", "sdk/stream/tls",
               "server:limits", "server:log", "server:version",
               "server/storage",
               "server/service", "server/session"),
}


def parse(query_xml):
    """Returns {label: Rule} from the output of QUERY."""
    rules = {}
    for rule in xml.etree.ElementTree.fromstring(query_xml).iter("rule"):
        kind = rule.get("class")
        testonly = kind.endswith("_test") or any(
            b.get("value") == "true" for b in rule.iter("boolean")
            if b.get("name") == "testonly")
        # How it is compiled is not what it is made of.
        inputs = [i.get("name") for i in rule.iter("rule-input")
                  if not i.get("name").startswith("//tools/bazel:")]
        rules[rule.get("name")] = Rule(kind, testonly, inputs)
    return rules


def _in(label, folder):
    return label.startswith(("//%s/" % folder, "//%s:" % folder))


def _paths_to(rules, start, folders):
    """Yields the shortest dependency path from `start` into each folder."""
    came_from = {start: None}
    queue = collections.deque([start])
    pending = list(folders)
    while queue and pending:
        label = queue.popleft()
        for folder in [f for f in pending if _in(label, f)]:
            pending.remove(folder)
            path = []
            step = label
            while step is not None:
                path.append(step)
                step = came_from[step]
            yield " -> ".join(reversed(path))
        for dep in rules[label].inputs if label in rules else ():
            if dep not in came_from:
                came_from[dep] = label
                queue.append(dep)


def _breaches(rules, starts, folders):
    return [path for start in sorted(starts)
            for path in _paths_to(rules, start, folders)]


def sdk_layer(rules):
    """What ships of sdk/ depends on neither server/ nor testing/."""
    shipped = [l for l, r in rules.items() if _in(l, "sdk") and not r.testonly]
    return _breaches(rules, shipped, ["server", "testing"])


def _layer(label, layers):
    """The line of `layers` that holds `label`; None for none."""
    if label[2:] in layers:
        return label[2:]
    folder = label[2:].partition(":")[0]
    while folder and folder not in layers:
        folder = folder.rpartition("/")[0]
    return folder or None


def data_path_layer(rules, layers=None):
    """Each folder depends only on those that LAYERS gives it."""
    layers = LAYERS if layers is None else layers
    breaches = []
    for label, rule in sorted(rules.items()):
        layer = _layer(label, layers)
        if rule.testonly or layer is None:
            continue
        package = label.partition(":")[0]
        for dep in rule.inputs:
            if not dep.startswith("//"):
                continue
            if dep not in rules and dep.startswith(package + ":"):
                continue  # A source file of the rule's own.
            if _layer(dep, layers) not in (layer,) + layers[layer]:
                breaches.append("%s -> %s: %s may depend on: %s" % (
                    label, dep, layer, " ".join(layers[layer]) or "nothing"))
    return breaches


def shipping_layer(rules):
    """Nothing that ships depends on testing/, and all of testing/ is testonly."""
    shipped = [l for l, r in rules.items() if not r.testonly]
    outside = [l for l in shipped if not _in(l, "testing")]
    return (["%s is not testonly" % l
             for l in sorted(set(shipped) - set(outside))] +
            _breaches(rules, outside, ["testing"]))
